"""JSON Schemas of what outside programs read and write, made from the models.

`python -m pipeline.domain.schemas [FOLDER]` writes them (into `specs/`).
"""

import json
import sys
from pathlib import Path

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from pipeline.domain.issue import Issue
from pipeline.domain.results import ExecutionResults, PlanningResults
from pipeline.domain.solution import Solution

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SOURCES: dict[str, tuple[type[BaseModel], JsonSchemaMode]] = {
    "issue.schema.json": (Issue, "validation"),
    "solution.schema.json": (Solution, "validation"),
    "planning-results.schema.json": (PlanningResults, "serialization"),
    "execution-results.schema.json": (ExecutionResults, "serialization"),
}
"""File name -> its model, and whether the schema describes what we accept or what we write."""


def schemas() -> dict[str, bytes]:
    """Return file name -> the schema's text."""
    return {name: _schema(model, mode) for name, (model, mode) in SOURCES.items()}


def write_schemas(folder: Path) -> None:
    """Write all schemas into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_bytes(text)


def _schema(model: type[BaseModel], mode: JsonSchemaMode) -> bytes:
    schema = {"$schema": DIALECT} | model.model_json_schema(mode=mode)
    return json.dumps(schema, indent=2, ensure_ascii=False).encode() + b"\n"


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1] if len(sys.argv) > 1 else "specs"))
