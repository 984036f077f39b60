"""AsyncAPI 3.0 of scanpool, from the point of view of an application that uses it."""

from __future__ import annotations

import re
from typing import Any, TypeAlias, get_args

import msgspec

from scanpool_schemas.documents.channels import CHANNELS, Channel
from scanpool_schemas.documents.field_texts import FieldTexts
from scanpool_schemas.documents.json_schema import components, described
from scanpool_schemas.documents.published import Published
from scanpool_schemas.request import OrderName

Document: TypeAlias = dict[str, Any]

CONTRACT_VERSION = "1.0.0"
"""Of the contract, apart from the package's; its first number is the version of the events."""

_ABOUT = (
    "Vulnerability scans on pools of scanners. Publish a scan request, then subscribe to completed, failed and "
    "dead scans: each event carries the whole scan. What a JetStream stream keeps is read with a consumer of "
    "your own (`x-jetstream-stream` names the stream); the rest is core NATS."
)
_TAGS = {
    "requests": "What an application asks for.",
    "outcomes": "How scans end.",
    "steps": "What scans go through.",
    "operations": "What operators look at.",
}
_PARAMETERS: dict[str, Document] = {
    "pool": {"description": "Name of a pool.", "examples": ["internal"]},
    "id": {
        "description": "Id of a scan: a ULID, or a name that its publisher chose.",
        "examples": ["01JD8Z4G2Q8E5W7RZ0T3B6N9KC"],
    },
    "state": {"description": "State of the scan."},
    "scanner": {"description": "Name of a scanner of the pool.", "examples": ["scanner1"]},
    "event": {"description": "What befell the scanner.", "examples": ["ready"]},
    "order": {"description": "What is to be done with the scan.", "enum": list(get_args(OrderName))},
    "client": {"description": "Client of the bridge: its subject, or the subject's SHA-256 in base32."},
    "tool": {"description": "The tool that was called.", "examples": ["cancel_scan"]},
    "stage": {"description": "The consumer that gave the message up.", "examples": ["admission"]},
    "sequence": {"description": "The message's sequence in the stream it came from."},
}
_TRACEPARENT = {
    "type": "string",
    "description": "W3C trace context; everything that is done for the scan continues this trace.",
    "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
}
_HEADERS: dict[str, Document] = {
    "Traced": {"title": "Trace context", "type": "object", "properties": {"traceparent": _TRACEPARENT}},
    "CloudEvent": {
        "title": "CloudEvents 1.0 in binary mode, and trace context",
        "type": "object",
        "required": ["ce-specversion", "ce-id", "ce-type", "ce-source", "ce-time", "traceparent"],
        "properties": {
            "ce-specversion": {"type": "string", "const": "1.0"},
            "ce-id": {"type": "string", "description": "`<scan id>.<nonce>`; the nonce is the commit's."},
            "ce-type": {"type": "string", "description": "Which version of the event it is."},
            "ce-source": {"type": "string", "description": "The process that committed it."},
            "ce-time": {"type": "string", "format": "date-time"},
            "traceparent": _TRACEPARENT,
        },
    },
}
_EXAMPLES = {
    "requested": [{"name": "minimal", "payload": {"targets": ["10.0.0.0/28"], "name": "weekly"}}],
    "cancel": [{"name": "cancel", "payload": {"by": "alice", "reason": "wrong network"}}],
    "order": [{"name": "order", "payload": {"by": "alice", "reason": "the network is busy"}}],
}


def asyncapi(texts: FieldTexts | None = None) -> Document:
    """The AsyncAPI 3.0.0 document; all it refers to is in it."""
    structs = [each.struct for channel in CHANNELS for each in (*channel.published, *channel.answered_with)]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:scanpool:asyncapi",
        "info": {
            "title": "scanpool",
            "version": CONTRACT_VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        },
        "defaultContentType": "application/json",
        "servers": {"nats": _server()},
        "channels": {
            **{channel.name: _channel(channel) for channel in CHANNELS},
            **{channel.answers: _answers(channel) for channel in CHANNELS if channel.answer},
        },
        "operations": {channel.operation: _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {
                **{each.short: _message(each, channel.headers) for channel in CHANNELS for each in channel.published},
                **{each.short: _message(each) for channel in CHANNELS for each in channel.answered_with},
            },
            "schemas": {**_HEADERS, **components(structs, "#/components/schemas/{name}", texts)},
        },
    }


def asyncapi_yaml(texts: FieldTexts | None = None) -> str:
    """The same as YAML; needs PyYAML, which every installation of scanpool has."""
    return msgspec.yaml.encode(asyncapi(texts)).decode()


def _server() -> Document:
    return {
        "host": "{host}:{port}",
        "protocol": "nats",
        "description": "Your NATS server or cluster, 2.14 or newer, with JetStream.",
        "variables": {"host": {"default": "localhost"}, "port": {"default": "4222"}},
    }


def _channel(channel: Channel) -> Document:
    places = re.findall(r"{(\w+)}", channel.address)
    return {
        "address": channel.address,
        "summary": channel.summary,
        "messages": {each.short: _ref("components", "messages", each.short) for each in channel.published},
        "parameters": {place: _parameter(place, channel) for place in places},
        "tags": [{"name": channel.tag}],
        **({"x-jetstream-stream": channel.stream} if channel.stream else {}),
    }


def _answers(channel: Channel) -> Document:
    """Where a request is answered is said by the request itself."""
    return {
        "address": None,
        "summary": f"Answers to what is sent to `{channel.address}`.",
        "messages": {each.short: _ref("components", "messages", each.short) for each in channel.answered_with},
        "tags": [{"name": channel.tag}],
    }


def _parameter(place: str, channel: Channel) -> Document:
    if place == "state":
        return {**_PARAMETERS[place], "enum": list(channel.messages)}
    located = all(place in each.struct.__struct_fields__ for each in channel.published)
    return {**_PARAMETERS[place], **({"location": f"$message.payload#/{place}"} if located else {})}


def _operation(channel: Channel) -> Document:
    return {
        "action": channel.action,
        "channel": _ref("channels", channel.name),
        "summary": channel.summary,
        "messages": [_ref("channels", channel.name, "messages", each.short) for each in channel.published],
        **({"reply": _reply(channel)} if channel.answer else {}),
        "tags": [{"name": channel.tag}],
    }


def _reply(channel: Channel) -> Document:
    return {
        "channel": _ref("channels", channel.answers),
        "messages": [_ref("channels", channel.answers, "messages", each.short) for each in channel.answered_with],
    }


def _message(published: Published, carried: str | None = None) -> Document:
    headers = {"headers": _ref("components", "schemas", carried)} if carried else {}
    examples = _EXAMPLES.get(published.short)
    return {
        "name": published.name,
        "title": published.title,
        "summary": described(published),
        **headers,
        "payload": _ref("components", "schemas", published.struct.__name__),
        **({"examples": examples} if examples else {}),
    }


def _ref(*path: str) -> Document:
    return {"$ref": "#/" + "/".join(path)}
