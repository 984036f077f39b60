"""JSON Schema and AsyncAPI documents of the contract."""

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from scanpool_schemas import documents
from scanpool_schemas.documents.field_texts import FILE_NAME, read_from_source
from scanpool_schemas.documents.rendering import as_json, rendered
from scanpool_schemas.names import SCAN_ID_PATTERN
from scanpool_schemas.request import RequestInvalid, decode_scan_request
from tests.support.golden import NAMES, golden, published_as

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "schemas" / "json"
WRITE_THEM = "run `python -m scanpool_schemas.documents schemas/json`"


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        documents.schema(name), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def is_valid(name: str, document: Any) -> bool:
    return validator(name).is_valid(document)


@pytest.mark.usefixtures("checkout")
def test_the_texts_of_the_fields_are_those_of_the_source() -> None:
    packed = ROOT / "schemas" / "scanpool_schemas" / "documents" / FILE_NAME
    assert packed.read_text(encoding="utf-8") == as_json(read_from_source()), WRITE_THEM


@pytest.mark.usefixtures("checkout")
def test_the_files_are_what_the_contract_says() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert written.keys() == rendered().keys(), WRITE_THEM
    assert [name for name, text in rendered().items() if written[name] != text] == [], WRITE_THEM


@pytest.mark.parametrize("name", documents.names())
def test_a_schema_is_valid_and_needs_no_other_file(name: str) -> None:
    schema = documents.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:scanpool:schema:{name}"
    assert schema["title"]
    assert schema["description"]
    for reference in references(schema):
        assert reference.removeprefix("#/$defs/") in schema["$defs"]


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_examples_are_valid(name: str) -> None:
    validator(published_as(name).short).validate(msgspec.json.decode(golden(name)))


def test_a_schema_is_found_by_its_short_name_too() -> None:
    assert documents.schema("completed") == documents.schema("scanpool.scan.completed.v1")


def test_a_mistyped_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(documents.UnknownDocument, match="did you mean 'completed'"):
        documents.schema("compleeted")


def test_a_field_is_described_by_the_string_under_it() -> None:
    completed = documents.schema("completed")
    assert completed["properties"]["request_digest"]["description"] == "Of the request as it was submitted."
    assert "`partial`: On some hosts" in completed["$defs"]["AuthenticationStatus"]["description"]


def test_names_and_instants_are_checked() -> None:
    properties = documents.schema("completed")["properties"]
    assert properties["id"] == {"type": "string", "pattern": f"^{SCAN_ID_PATTERN}$"}
    assert properties["at"]["format"] == "date-time"
    event = msgspec.json.decode(golden("completed"))
    assert is_valid("completed", event)
    assert not is_valid("completed", {**event, "pool": "Not A Pool"})
    assert not is_valid("load", {"capacity": 2, "holders": ["no.scan"]})


def test_events_and_keys_may_carry_fields_of_newer_versions() -> None:
    for name in ("completed", "load", "progress"):
        assert is_valid(name, {**msgspec.json.decode(golden(name)), "from_a_newer_version": 1})


@pytest.mark.parametrize(
    "wrong",
    [
        {"exlude": ["10.0.0.1"]},
        {"targets": []},
        {"targets": "10.0.0.1"},
        {"name": ""},
        {"scan_type": "authenticated"},
        {"credential_ref": "linux-audit"},
        {"require_auth": 0.5},
        {"scanner": "Scanner One"},
        {"max_duration_s": 1},
        {"settings": {"safe_checks": True}},
    ],
)
def test_a_request_that_admission_refuses_for_its_form_is_invalid(wrong: dict[str, Any]) -> None:
    request = {"targets": ["10.0.0.0/28"], "name": "weekly", **wrong}
    with pytest.raises(RequestInvalid):
        decode_scan_request(msgspec.json.encode(request))
    assert not is_valid("requested", request)


def test_asyncapi_yaml_is_the_document() -> None:
    assert yaml.safe_load(documents.asyncapi_yaml()) == documents.asyncapi()


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = documents.asyncapi()
    for reference in references(document):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_an_application_sends_requests_and_receives_how_scans_end() -> None:
    document = documents.asyncapi()
    actions = {
        (operation["action"], document["channels"][operation["channel"]["$ref"].split("/")[-1]]["address"])
        for operation in document["operations"].values()
    }
    assert actions == {
        ("send", "scan.{pool}.requested.{id}"),
        ("send", "scan.{pool}.cancel.{id}"),
        ("send", "order.{pool}.{order}.{id}"),
        ("receive", "scan.{pool}.completed.{id}"),
        ("receive", "scan.{pool}.failed.{id}"),
        ("receive", "scan.{pool}.dead.{id}"),
        ("receive", "scan.{pool}.{state}.{id}"),
        ("receive", "scan.{pool}.progress.{id}"),
        ("receive", "scanner.{pool}.{scanner}.{event}"),
        ("receive", "audit.{client}.{tool}"),
        ("receive", "dlq.{pool}.{stage}.{id}.s{sequence}"),
    }


def references(document: Any) -> list[str]:
    """Every `$ref` in the document."""
    match document:
        case dict():
            here = [document["$ref"]] if isinstance(document.get("$ref"), str) else []
            return here + [each for value in document.values() for each in references(value)]
        case list():
            return [each for item in document for each in references(item)]
        case _:
            return []
