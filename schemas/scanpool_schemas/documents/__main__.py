"""Writes the documents: `python -m scanpool_schemas.documents schemas/json`."""

import argparse
from pathlib import Path

from scanpool_schemas.documents.field_texts import FILE_NAME, read_from_source
from scanpool_schemas.documents.rendering import as_json, rendered


def main() -> None:
    """Write the texts of the fields beside this package, and every document to the folder."""
    parser = argparse.ArgumentParser(description="Write JSON Schema files and asyncapi.yaml.")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    texts = read_from_source()
    Path(__file__).with_name(FILE_NAME).write_text(as_json(texts), encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in rendered(texts).items():
        folder.joinpath(name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
