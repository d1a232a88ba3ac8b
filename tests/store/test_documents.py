"""The documents are always whole, and hands on them are noticed."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import events
from pipeline.domain.results import ExecutionStatus
from pipeline.errors import PipelineError
from pipeline.events import Event
from pipeline.store import entries as e
from pipeline.store.book import Book
from pipeline.store.journal import Journal
from pipeline.store.run_file import hold
from tests.store import builders as make

Document = dict[str, object]


def read(book: Book, phase: str = "planning") -> Document:
    document = json.loads((book.places.workflow / f"{phase}-results.json").read_text())
    assert isinstance(document, dict)
    return document


def keys(book: Book, phase: str = "planning") -> list[str]:
    name = "solution_id" if phase == "planning" else "execution_result_id"
    records = read(book, phase)["results"]
    assert isinstance(records, list)
    return [record[name] or f"{record['issue_id']}#{record['attempt']}" for record in records]


def edit(book: Book, change: Callable[[list[dict[str, object]]], object], phase: str) -> bytes:
    """Change the records of a document as an editor that formats would, and return its bytes."""
    document = read(book, phase)
    records = document["results"]
    assert isinstance(records, list)
    change(records)
    raw = json.dumps(document, indent=4).encode()
    (book.places.workflow / f"{phase}-results.json").write_bytes(raw)
    return raw


def without(key: str) -> Callable[[list[dict[str, object]]], object]:
    def change(records: list[dict[str, object]]) -> None:
        records[:] = [r for r in records if key not in json.dumps(r)]

    return change


def kinds(book: Book) -> list[str]:
    return [line.kind for line in book.journal.lines()]


def written(book: Book) -> tuple[int, int]:
    """Return what tells one write of the document from the next; reading it changes no part."""
    status = book.places.planning_results.stat()
    return status.st_ino, status.st_mtime_ns


def copies(book: Book) -> list[Path]:
    return sorted(book.places.workflow.glob("*.edited-*"))


def filled(root: Path, *more: e.Entry) -> Book:
    book = make.open_book(root, timer=lambda: 0.0)  # writing is cheap on any machine
    for entry in (make.planned("A"), make.planned("B"), make.planning_failed("C"), *more):
        book.record(entry)
    return book


FAILED = ExecutionStatus.FAILED


def test_a_document_is_a_header_line_and_one_record_a_line(scratch: Path) -> None:
    book = filled(scratch)

    lines = book.places.planning_results.read_text().splitlines()

    head = json.loads(lines[0] + "]}")
    assert (head["phase"], head["schema_version"], head["journal_seq"]) == ("planning", 1, 3)
    assert [json.loads(line.rstrip(","))["issue_id"] for line in lines[1:-1]] == ["A", "B", "C"]
    assert lines[-1] == "]}"
    assert read(book, "execution")["results"] == []


def test_nothing_is_written_before_there_is_anything_to_say(scratch: Path) -> None:
    book = make.open_book(scratch)

    assert not book.places.planning_results.exists()
    assert not book.places.journal.exists()


def test_a_record_is_in_the_document_when_it_is_recorded(scratch: Path) -> None:
    book = filled(scratch)

    book.record(make.approved("A"))

    record = read(book)["results"][0]  # type: ignore[index]
    assert record["plan"]["state"] == "approved"
    assert read(book)["journal_seq"] == 4


def test_a_line_that_changes_no_record_renders_nothing(scratch: Path) -> None:
    book = filled(scratch)
    before = written(book)

    book.record(e.QuotaOver(provider="p"))

    assert written(book) == before


def test_a_large_document_takes_a_bounded_share_of_the_time(scratch: Path) -> None:
    now = [0.0]

    def timer() -> float:
        now[0] += 0.5  # so each render takes half a second
        return now[0]

    book = make.open_book(scratch, timer=timer)
    book.record(make.planned("A"))
    book.record(make.planned("B"))
    assert keys(book) == ["SOL-A-1"]

    now[0] += 9.5
    book.catch_up()
    assert keys(book) == ["SOL-A-1", "SOL-B-1"]

    book.record(make.planned("C"))
    assert len(keys(book)) == 2
    book.flush()
    assert len(keys(book)) == 3


def test_a_second_start_changes_nothing(scratch: Path) -> None:
    book = filled(scratch, make.begun("A"), make.attempted("A"))
    heard: list[Event] = []

    before = written(book)
    again = make.open_book(scratch, heard=heard)

    assert (heard, copies(book)) == ([], [])
    assert kinds(again) == kinds(book)
    assert written(book) == before


def test_an_issue_whose_record_was_removed_is_planned_again_and_no_other(scratch: Path) -> None:
    edit(filled(scratch), without("SOL-A-1"), "planning")
    heard: list[Event] = []

    book = make.open_book(scratch, heard=heard)

    assert heard == [events.RecordRemoved("planning", "SOL-A-1", "A")]
    assert book.state.replan == {"A"}
    assert book.state.current("A") is None
    assert book.state.next_solution_id("A") == "SOL-A-2"
    assert keys(book) == ["SOL-B-1", "C#1"]
    assert copies(book) == []
    assert make.open_book(scratch).state.replan == {"A"}
    assert kinds(book).count("removed_by_hand") == 1


def test_a_removal_during_the_work_is_noticed_before_the_next_render(scratch: Path) -> None:
    heard: list[Event] = []
    filled(scratch)
    book = make.open_book(scratch, heard=heard)
    with hold(book.places):
        edit(book, without("SOL-A-1"), "planning")
        book.record(make.planned("D"))

    assert heard == [events.RecordRemoved("planning", "SOL-A-1", "A")]
    assert keys(book) == ["SOL-B-1", "C#1", "SOL-D-1"]


def test_a_removal_is_noticed_when_nothing_else_happens(scratch: Path) -> None:
    book = filled(scratch)
    edit(book, without("C"), "planning")

    book.catch_up()

    assert book.state.replan == {"C"}


def test_jq_may_pretty_print_a_document(scratch: Path) -> None:
    path = filled(scratch, make.approved("A")).places.planning_results
    path.write_bytes(
        subprocess.run(["jq", "-S", ".", path], capture_output=True, check=True).stdout
    )
    heard: list[Event] = []

    book = make.open_book(scratch, heard=heard)

    assert (heard, copies(book)) == ([], [])
    assert "removed_by_hand" not in kinds(book)


def test_jq_may_delete_a_record(scratch: Path) -> None:
    path = filled(scratch, make.approved("A")).places.planning_results
    program = 'del(.results[] | select(.solution_id == "SOL-A-1"))'
    path.write_bytes(subprocess.run(["jq", program, path], capture_output=True, check=True).stdout)

    book = make.open_book(scratch)

    assert (book.state.replan, copies(book)) == ({"A"}, [])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ((make.begun("A"), make.attempted("A")), "does not undo the commit"),
        ((make.begun("A"),), "is open"),
    ],
)
def test_the_plan_of_landed_or_open_work_comes_back_and_that_is_said(
    scratch: Path, more: tuple[e.Entry, ...], says: str
) -> None:
    raw = edit(filled(scratch, *more), without("SOL-A-1"), "planning")
    heard: list[Event] = []

    book = make.open_book(scratch, heard=heard)

    (event,) = heard
    assert isinstance(event, events.RecordRestored)
    assert event.key == "SOL-A-1"
    assert says in event.reason
    assert (book.state.replan, keys(book)) == (set(), ["SOL-A-1", "SOL-B-1", "C#1"])
    assert [copy.read_bytes() for copy in copies(book)] == [raw]


def test_a_removed_failed_attempt_is_made_again(scratch: Path) -> None:
    more = (make.begun("A"), make.attempted("A", status=FAILED))
    edit(filled(scratch, *more), without("EXR-A-1"), "execution")
    heard: list[Event] = []

    book = make.open_book(scratch, heard=heard)

    assert heard == [events.RecordRemoved("execution", "EXR-A-1", "A")]
    assert book.state.rerun == {"SOL-A-1"}
    assert (keys(book, "execution"), keys(book)[0]) == ([], "SOL-A-1")


def test_the_removed_record_of_a_landed_commit_comes_back(scratch: Path) -> None:
    more = (make.attempted("A", status=FAILED), make.attempted("A", 2))
    edit(filled(scratch, *more), lambda records: records.clear(), "execution")
    heard: list[Event] = []

    book = make.open_book(scratch, heard=heard)

    assert [type(event) for event in heard] == [events.Notice, events.RecordRestored]
    assert keys(book, "execution") == ["EXR-A-1", "EXR-A-2"]
    assert book.state.rerun == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda records: records[0].update(status="failed"),
        lambda records: records[0]["plan"].update(state="approved"),
        lambda records: records.append({"issue_id": "X", "solution_id": "SOL-X-1"}),
        lambda records: records.append(records[0]),
        lambda records: records.append(5),
    ],
)
def test_other_edits_do_not_count_and_are_kept(
    scratch: Path, change: Callable[[list[dict[str, object]]], object]
) -> None:
    before = filled(scratch)
    raw = edit(before, change, "planning")
    heard: list[Event] = []

    book = make.open_book(scratch, heard=heard)

    assert [copy.read_bytes() for copy in copies(book)] == [raw]
    (event,) = heard
    assert isinstance(event, events.Notice)
    assert copies(book)[0].name in event.text
    assert dict(book.state.planning) == dict(before.state.planning)
    assert kinds(book)[-1] == "edited_by_hand"
    assert keys(book) == ["SOL-A-1", "SOL-B-1", "C#1"]


def test_a_removed_superseded_record_comes_back_without_planning_again(scratch: Path) -> None:
    before = filled(scratch, make.planned("A", 2, supersedes="SOL-A-1"))
    edit(before, lambda records: records.pop(0), "planning")

    book = make.open_book(scratch)

    assert book.state.replan == set()
    assert keys(book)[0] == "SOL-A-1"


def test_one_removal_counts_beside_an_edit_that_does_not(scratch: Path) -> None:
    def change(records: list[dict[str, object]]) -> None:
        del records[0]
        records[0]["error"] = "mine"

    edit(filled(scratch), change, "planning")

    book = make.open_book(scratch)

    assert (book.state.replan, len(copies(book))) == ({"A"}, 1)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"results": 3}', '{"results": []}', '{"journal_seq": "1"}']
)
def test_a_document_that_says_nothing_is_kept_and_rendered_again(
    scratch: Path, content: str
) -> None:
    filled(scratch).places.planning_results.write_text(content)

    book = make.open_book(scratch)

    assert [copy.read_text() for copy in copies(book)] == [content]
    assert book.state.replan == set()
    assert len(keys(book)) == 3


def test_a_missing_document_is_rendered_again(scratch: Path) -> None:
    filled(scratch).places.planning_results.unlink()
    heard: list[Event] = []

    book = make.open_book(scratch, heard=heard)

    assert heard == []
    assert len(keys(book)) == 3
    book.places.planning_results.unlink()
    book.catch_up()
    assert len(keys(book)) == 3


def test_an_older_document_is_compared_with_its_own_time(scratch: Path) -> None:
    book = filled(scratch)
    old = book.places.planning_results.read_bytes()
    book.record(make.planned("D"))
    book.record(make.approved("A"))
    book.places.planning_results.write_bytes(old)
    heard: list[Event] = []

    again = make.open_book(scratch, heard=heard)

    assert (heard, copies(book)) == ([], [])
    assert keys(again) == ["SOL-A-1", "SOL-B-1", "C#1", "SOL-D-1"]


def test_a_document_of_another_journal_removes_nothing(scratch: Path) -> None:
    other = make.open_book(scratch / "other")
    other.record(make.planned("Z"))
    book = filled(scratch / "mine")
    book.places.planning_results.write_bytes(other.places.planning_results.read_bytes())

    again = make.open_book(scratch / "mine")

    assert (again.state.replan, len(copies(again))) == (set(), 1)
    assert keys(again) == ["SOL-A-1", "SOL-B-1", "C#1"]


def test_a_document_of_a_newer_version_stops_the_work(scratch: Path) -> None:
    book = filled(scratch)
    path = book.places.planning_results
    path.write_text(path.read_text().replace('"schema_version":1', '"schema_version":2'))
    before = path.read_bytes()

    with pytest.raises(PipelineError, match=r"has schema_version 2, this version knows up to 1"):
        make.open_book(scratch)
    assert path.read_bytes() == before


def test_a_journal_that_lost_lines_stops_the_work(scratch: Path) -> None:
    book = filled(scratch)
    lines = book.places.journal.read_bytes().splitlines(keepends=True)
    book.places.journal.write_bytes(b"".join(lines[:2]))

    with pytest.raises(PipelineError, match=r"knows journal line 3, but .* ends at 2"):
        make.open_book(scratch)


def test_a_command_leaves_the_documents_to_the_run_that_is_alive(scratch: Path) -> None:
    run = filled(scratch)
    before = run.places.planning_results.read_bytes()
    info_of_another = '{"pid": 1, "process_start": %s, "started_at": "%s", "host": "%s"}'
    with hold(run.places):
        stat = Path("/proc/1/stat").read_text().rpartition(")")[2].split()
        mine = json.loads(run.places.run_file.read_text())
        run.places.run_file.write_text(
            info_of_another % (stat[19], mine["started_at"], mine["host"])
        )
        command = make.open_book(scratch)
        command.record(make.approved("A"))
        command.flush()
        assert run.places.planning_results.read_bytes() == before

        run.places.run_file.write_text(json.dumps(mine))
        run.catch_up()

    assert read(run)["journal_seq"] == 4
    assert run.state.seq == 4


def test_what_a_killed_process_left_is_swept(scratch: Path) -> None:
    book = filled(scratch)
    debris = book.places.workflow / ".planning-results.json.999999999.tmp"
    debris.write_text("half")

    make.open_book(scratch)

    assert not debris.exists()


def test_an_edit_that_does_not_count_is_kept_once_even_while_renders_are_rare(
    scratch: Path,
) -> None:
    now = [0.0]

    def timer() -> float:
        now[0] += 5.0
        return now[0]

    book = make.open_book(scratch, timer=timer)
    book.record(make.planned("A"))
    edit(book, lambda records: records[0].update(error="mine"), "planning")

    book.catch_up()
    book.catch_up()
    book.record(make.planned("B"))

    assert len(copies(book)) == 1
    assert kinds(book).count("edited_by_hand") == 1


def test_a_journal_alone_is_enough(scratch: Path) -> None:
    Journal(make.places_in(scratch)).append(make.planned("A"))

    book = make.open_book(scratch)

    assert keys(book) == ["SOL-A-1"]
