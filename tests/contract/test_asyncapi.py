"""asyncapi.yaml is an AsyncAPI 3.0.0 document, by the schema that the project publishes."""

from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from scanpool_schemas.documents.rendering import rendered
from tests.support.asyncapi_specs import asyncapi_schema


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Draft7Validator:
    return Draft7Validator(asyncapi_schema(tmp_path_factory.mktemp("asyncapi-specs")))


@pytest.fixture
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(rendered()["asyncapi.yaml"])
    return loaded


def test_the_document_is_valid(validator: Draft7Validator, document: dict[str, Any]) -> None:
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)] == []


def test_an_operation_without_its_action_would_be_noticed(validator: Draft7Validator, document: dict[str, Any]) -> None:
    del document["operations"]["requestScan"]["action"]
    assert not validator.is_valid(document)
