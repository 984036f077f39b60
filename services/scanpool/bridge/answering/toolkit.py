"""Makes tools of the SDK out of plain functions: strict arguments, compact answers, refusals instead of exceptions."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any

import structlog
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel

from scanpool.bridge.answering.answers import answer, refused
from scanpool.bridge.answering.definitions import lean, outline
from scanpool.bridge.answering.refusals import EXPECTED, Refusal, refusal_of
from scanpool.bridge.caller import Scope

_BUG = Refusal("internal", "the bridge failed; this was logged", hint="report it to those who run scanpool")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolDefinition:
    """A tool: its function is named as the tool, its docstring is the description, its parameters the arguments."""

    call: Callable[..., Awaitable[BaseModel]]
    title: str
    scope: Scope
    """Without it the call is refused."""
    read_only: bool = True
    destructive: bool = False
    idempotent: bool = True
    open_world: bool = False
    failed: Callable[[Any], bool] = lambda _answer: False
    """Whether what is answered is that the thing itself failed, as a scan that was waited for."""

    @property
    def name(self) -> str:
        return self.call.__name__


def registered(definition: ToolDefinition) -> Tool:
    """The SDK's tool."""
    tool = Tool.from_function(
        _answering(definition),
        name=definition.name,
        title=definition.title,
        description=inspect.cleandoc(definition.call.__doc__ or ""),
        annotations=_annotations(definition),
    )
    return _strict(tool)


def _annotations(definition: ToolDefinition) -> ToolAnnotations:
    """What changes nothing can neither destroy nor be repeated: the protocol gives those hints no meaning there."""
    if definition.read_only:
        return ToolAnnotations(read_only_hint=True, open_world_hint=definition.open_world)
    return ToolAnnotations(
        read_only_hint=False,
        destructive_hint=definition.destructive,
        idempotent_hint=definition.idempotent,
        open_world_hint=definition.open_world,
    )


def _answering(definition: ToolDefinition) -> Callable[..., Awaitable[CallToolResult]]:
    """The function with what it answers and what it refuses put into the wire's form."""
    signature = inspect.signature(definition.call, eval_str=True)

    @wraps(definition.call)
    async def answering(*args: Any, **arguments: Any) -> CallToolResult:
        try:
            answered = await definition.call(*args, **arguments)
            return answer(answered, is_error=definition.failed(answered))
        except MCPError:
            raise
        except EXPECTED as error:
            return refused(refusal_of(error))
        except Exception as error:  # the last boundary: a bug is told as one, never with its text
            log.error("a tool failed", tool=definition.name, exc_info=error)
            return refused(_BUG)

    returned = Annotated[CallToolResult, signature.return_annotation]
    answering.__signature__ = signature.replace(return_annotation=returned)  # type: ignore[attr-defined]
    answering.__annotations__ = {
        **{name: each.annotation for name, each in signature.parameters.items()},
        "return": returned,
    }
    return answering


def _strict(tool: Tool) -> Tool:
    """Refuse arguments that the tool has not: the SDK passes over them, and a mistyped `exclude` would widen a scan."""
    model = tool.fn_metadata.arg_model
    model.model_config["extra"] = "forbid"
    model.model_rebuild(force=True)
    tool.fn_metadata.output_schema = outline(tool.fn_metadata.output_schema)
    return tool.model_copy(update={"parameters": lean(model.model_json_schema(by_alias=True))})
