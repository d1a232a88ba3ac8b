"""A missing journal is started from the documents."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline import events
from pipeline.domain.plan import PlanState
from pipeline.domain.results import ExecutionStatus, FailureClass, PlanningStatus
from pipeline.errors import PipelineError
from pipeline.events import Event, EventBus
from pipeline.store import entries as e
from pipeline.store.backlog import load_issues
from pipeline.store.book import Book
from tests.store import builders as make


def carry_documents(source: Path, target: Path) -> None:
    """Copy the two documents alone, as somebody does who changes machines."""
    folder = make.places_in(target).workflow
    folder.mkdir(parents=True)
    for path in make.places_in(source).workflow.glob("*-results.json"):
        shutil.copy(path, folder)


def write_backlog(root: Path, *issue_ids: str) -> Path:
    path = make.places_in(root).issues_file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"id": i, "title": f"do {i}"}) + "\n" for i in issue_ids))
    return path


def write_document(root: Path, phase: str, *records: object, **header: object) -> Path:
    path = make.places_in(root).workflow / f"{phase}-results.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"phase": phase, "created_at": "2025-01-29T12:00:00Z", "results": records} | header
    path.write_text(json.dumps(document, indent=2))
    return path


def kinds(book: Book) -> list[str]:
    return [line.kind for line in book.journal.lines()]


def states(book: Book) -> dict[str, PlanState | None]:
    return {key: r.plan.state if r.plan else None for key, r in book.state.planning.items()}


def work_on_the_first_machine(root: Path) -> Book:
    book = make.open_book(root)
    for entry in (
        make.planned("A"),
        make.approved("A"),
        make.attempted("A"),
        make.planned("B"),
        make.planned("B", 2, supersedes="SOL-B-1"),
        make.approved("B", 2),
        make.planned("C"),
        e.PlanChanged(solution_id="SOL-C-1", event="reject", plan=make.plan(PlanState.REJECTED)),
        make.planning_failed("D"),
        make.attempted("B", status=ExecutionStatus.FAILED),
    ):
        book.record(entry)
    return book


def test_plans_wait_again_and_landed_work_stays_landed(scratch: Path) -> None:
    first = work_on_the_first_machine(scratch / "one")
    carry_documents(scratch / "one", scratch / "two")
    write_backlog(scratch / "two", "A", "B", "C", "D")
    heard: list[Event] = []

    book = make.open_book(scratch / "two", heard=heard)

    assert heard == []
    assert states(book) == {
        "SOL-A-1": PlanState.PENDING,
        "SOL-B-1": PlanState.SUPERSEDED,
        "SOL-B-2": PlanState.PENDING,
        "SOL-C-1": PlanState.REJECTED,
        "D#1": None,
    }
    assert all(r.plan.approval is None for r in book.state.planning.values() if r.plan)
    assert book.state.landed("A") == first.state.landed("A")
    assert dict(book.state.execution) == dict(first.state.execution)
    assert kinds(book) == ["documents_adopted", *["plan_recorded"] * 5, *["attempt_recorded"] * 2]
    assert book.verify() == 8
    assert book.state.next_solution_id("B") == "SOL-B-3"
    document = json.loads(book.places.planning_results.read_text())
    assert document["journal_seq"] == 8


def test_issues_without_a_line_in_the_backlog_are_entered_and_said(scratch: Path) -> None:
    work_on_the_first_machine(scratch / "one")
    carry_documents(scratch / "one", scratch / "two")
    backlog = write_backlog(scratch / "two", "B")
    before = backlog.read_text()
    heard: list[Event] = []

    book = make.open_book(scratch / "two", heard=heard)

    assert backlog.read_text().startswith(before)
    assert [issue.id for issue in load_issues(book.places)] == ["B", "A", "C"]
    (event,) = heard
    assert isinstance(event, events.Notice)
    assert event.text.startswith("A, C came in from the documents and had no line in the backlog")


def test_adopting_happens_once(scratch: Path) -> None:
    work_on_the_first_machine(scratch / "one")
    carry_documents(scratch / "one", scratch / "two")
    book = make.open_book(scratch / "two")
    book.record(make.approved("B", 2))

    again = make.open_book(scratch / "two")

    assert again.state.seq == 9
    assert states(again)["SOL-B-2"] is PlanState.APPROVED
    assert list(book.places.workflow.glob("*.edited-*")) == []


def test_a_completed_attempt_whose_commit_is_missing_has_not_landed(scratch: Path) -> None:
    work_on_the_first_machine(scratch / "one")
    carry_documents(scratch / "one", scratch / "two")
    book = make.open_book(scratch / "two", start=False)

    book.start(make.no_commit)

    assert book.state.landed("A") is None
    record = book.state.execution["EXR-A-1"]
    assert (record.status, record.failure_class) == (
        ExecutionStatus.FAILED,
        FailureClass.INFRASTRUCTURE,
    )
    assert record.error == f"its commit {make.COMMIT} is not in this repository"


def test_a_kill_between_adoption_and_render_loses_nothing(scratch: Path) -> None:
    work_on_the_first_machine(scratch / "one")
    carry_documents(scratch / "one", scratch / "two")
    book = make.open_book(scratch / "two", start=False)
    assert book.adopt(make.every_commit)

    again = make.open_book(scratch / "two")

    assert len(again.state.planning) == 5
    assert again.state.replan == set()


MINIMAL_PLAN = {
    "issue_id": "ISS-001",
    "solution_id": "SOL-ISS-001-1",
    "status": "completed",
    "solution": {"tasks": [{"id": "T1", "title": "Do it"}], "score": 0.9},
    "planned_at": "2025-01-29T12:05:00Z",
}
MINIMAL_ATTEMPT = {
    "issue_id": "ISS-001",
    "solution_id": "SOL-ISS-001-1",
    "status": "completed",
    "commit_hash": "abc123def",
    "files_modified": ["src/auth.ts"],
    "executed_at": "2025-01-29T12:30:00Z",
}


def test_the_minimal_shape_is_accepted(scratch: Path) -> None:
    write_document(scratch, "planning", MINIMAL_PLAN)
    write_document(scratch, "execution", MINIMAL_ATTEMPT)

    book = make.open_book(scratch)

    record = book.state.planning["SOL-ISS-001-1"]
    assert record.plan is not None
    assert (record.plan.state, record.plan.created_by) == (PlanState.PENDING, "adoption")
    assert record.solution is not None
    assert record.solution.score == 0.9
    landed = book.state.landed("ISS-001")
    assert landed is not None
    assert (landed.key, landed.commit_hash) == ("EXR-ISS-001-1", "abc123def")
    assert landed.files_modified == ("src/auth.ts",)


def test_a_solution_that_is_not_ours_is_planned_again_and_kept(scratch: Path) -> None:
    strange = MINIMAL_PLAN | {"solution": {"steps": ["think", "do"]}}
    raw = write_document(scratch, "planning", strange).read_bytes()
    heard: list[Event] = []

    book = make.open_book(scratch, heard=heard)

    record = book.state.current("ISS-001")
    assert record is not None
    assert (record.status, record.solution, record.plan) == (PlanningStatus.FAILED, None, None)
    assert book.state.replan == {"ISS-001"}
    assert book.state.next_solution_id("ISS-001") == "SOL-ISS-001-2"
    (copy,) = book.places.workflow.glob("*.edited-*")
    assert copy.read_bytes() == raw
    (event,) = heard
    assert isinstance(event, events.Notice)
    assert "ISS-001" in event.text
    assert copy.name in event.text


def test_landed_work_is_not_planned_again_for_its_strange_solution(scratch: Path) -> None:
    write_document(scratch, "planning", MINIMAL_PLAN | {"solution": "as discussed"})
    write_document(scratch, "execution", MINIMAL_ATTEMPT)

    book = make.open_book(scratch)

    assert book.state.replan == set()
    assert book.state.landed("ISS-001") is not None


@pytest.mark.parametrize("record", [5, None, {}, {"issue_id": "../x", "solution_id": 3}])
def test_a_record_without_a_usable_issue_is_left_out_and_said(
    scratch: Path, record: object
) -> None:
    write_backlog(scratch, "ISS-001")
    write_document(scratch, "planning", record, MINIMAL_PLAN)
    heard: list[Event] = []

    book = make.open_book(scratch, heard=heard)

    assert list(book.state.planning) == ["SOL-ISS-001-1"]
    assert len(heard) == 1


def test_a_broken_document_is_kept_and_the_other_one_adopted(scratch: Path) -> None:
    write_backlog(scratch, "ISS-001")
    write_document(scratch, "execution", MINIMAL_ATTEMPT)
    make.places_in(scratch).planning_results.write_text("{half")
    heard: list[Event] = []

    book = make.open_book(scratch, heard=heard)

    assert book.state.landed("ISS-001") is not None
    assert len(heard) == 1
    (copy,) = book.places.workflow.glob("*.edited-*")
    assert copy.read_text() == "{half"


def test_a_document_of_a_newer_version_is_not_adopted(scratch: Path) -> None:
    path = write_document(scratch, "planning", MINIMAL_PLAN, schema_version=2)
    before = path.read_bytes()

    with pytest.raises(PipelineError, match=f"'{path}' has schema_version 2"):
        make.open_book(scratch)

    assert path.read_bytes() == before
    assert not make.places_in(scratch).journal.exists()


def test_nothing_to_adopt_is_no_journal(scratch: Path) -> None:
    book = Book(make.places_in(scratch), EventBus())

    assert not book.adopt(make.every_commit)
    assert not book.places.journal.exists()
