"""The schemas in `specs/` are those of the models, and what we write is valid against them."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pipeline.domain.schemas import schemas, write_schemas
from pipeline.store.backlog import add_issue
from tests.store import builders as make

SPECS = Path(__file__).parent.parent / "specs"


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SPECS / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_file_is_what_the_models_say(name: str) -> None:
    assert (SPECS / name).read_bytes() == schemas()[name], "run: python -m pipeline.domain.schemas"


def test_the_folder_holds_no_schema_without_a_model(scratch: Path) -> None:
    write_schemas(scratch)

    assert {p.name for p in SPECS.glob("*.json")} == {p.name for p in scratch.iterdir()}


def test_both_documents_are_valid(scratch: Path) -> None:
    book = make.open_book(scratch)
    book.record(make.planned("A"))
    book.record(make.planning_failed("B"))
    book.record(make.approved("A"))
    book.record(make.attempted("A"))

    for phase in ("planning", "execution"):
        document = json.loads((book.places.workflow / f"{phase}-results.json").read_text())
        assert document["results"]
        validator(f"{phase}-results.schema.json").validate(document)


def test_a_backlog_line_and_a_solution_are_valid(scratch: Path) -> None:
    places = make.places_in(scratch)
    add_issue(places, make.issue("A"))

    line = json.loads(places.issues_file.read_text())

    validator("issue.schema.json").validate(line)
    validator("solution.schema.json").validate(json.loads(make.solution("A").model_dump_json()))


def test_a_record_without_its_issue_is_not_valid() -> None:
    document = {"phase": "planning", "created_at": "2026-11-21T02:29:00Z", "results": [{}]}

    assert not validator("planning-results.schema.json").is_valid(document)
