"""The contract for readers outside Python: JSON Schema of every type and version, and an AsyncAPI document.

`python -m scanpool_schemas.documents schemas/json` writes the files.
"""

from scanpool_schemas.documents.asyncapi import asyncapi, asyncapi_yaml
from scanpool_schemas.documents.json_schema import schema
from scanpool_schemas.documents.published import UnknownDocument, names

__all__ = ["UnknownDocument", "asyncapi", "asyncapi_yaml", "names", "schema"]
