"""`kill -9` before and after every journal line and render: nothing lost, nothing twice."""

import json
import os
import signal
from pathlib import Path

import pytest

from pipeline.store import entries as e
from pipeline.store.book import Book
from tests.kill.driver import warm
from tests.store import builders as make


def work(book: Book) -> None:
    """Plan, approve and land an issue, taking up what was recorded before."""
    if book.state.current("A") is None:
        book.record(make.planned("A"))
    record = book.state.current("A")
    assert record is not None
    assert record.plan is not None
    if record.plan.approval is None:
        book.record(make.approved("A"))
    if book.state.landed("A") is None:
        if book.state.open_attempt is None:
            book.record(make.begun("A"))
        book.record(make.attempted("A"))


def summary(root: Path) -> tuple[object, ...]:
    book = make.open_book(root)
    kinds = [line.kind for line in book.journal.lines()]
    return (dict(book.state.execution), list(book.state.planning), book.verify(), kinds)


def run_worker(root: Path, kill_at: int) -> int | None:
    """Do the work in a process that kills itself at a point; return how it ended."""
    process = warm().Process(target=_work, args=(root, kill_at))
    process.start()
    process.join()
    return process.exitcode


def _work(root: Path, kill_at: int) -> None:
    left = kill_at

    def probe(_point: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    book = make.open_book(root, probe=probe)
    work(book)
    book.flush()


def documents(root: Path) -> list[Path]:
    return sorted(make.places_in(root).workflow.glob("*-results.json"))


def test_a_kill_at_any_point_changes_nothing_in_the_end(scratch: Path) -> None:
    assert run_worker(scratch / "whole", 0) == 0
    whole = summary(scratch / "whole")
    kill_at, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        kill_at += 1
        root = scratch / str(kill_at)
        code = run_worker(root, kill_at)
        for document in documents(root):
            json.loads(document.read_text())
        before = len(list(make.open_book(root, start=False).journal.lines())) if code else 4

        book = make.open_book(root)
        work(book)

        assert summary(root) == whole, f"killed at point {kill_at}"
        assert before <= book.state.seq == 4
        assert len(documents(root)) == 2
    assert kill_at > 12


def test_a_kill_between_noticing_a_removal_and_rendering_counts_it_once(scratch: Path) -> None:
    class Killed(BaseException):
        pass

    def probe(point: str) -> None:
        if point in armed:
            raise Killed

    armed: set[str] = set()
    book = make.open_book(scratch)
    book.record(make.planned("A"))
    book.record(make.planned("B"))
    path = book.places.planning_results
    document = json.loads(path.read_text())
    document["results"].pop(0)
    path.write_text(json.dumps(document))

    armed.add("render:before:planning")
    with pytest.raises(Killed):
        make.open_book(scratch, probe=probe)
    again = make.open_book(scratch)

    assert [line.kind for line in again.journal.lines()].count("removed_by_hand") == 1
    assert again.state.replan == {"A"}


def test_a_killed_writer_leaves_the_lock_free(scratch: Path) -> None:
    assert run_worker(scratch, 4) == -signal.SIGKILL

    book = make.open_book(scratch)
    book.record(e.RetryAsked(issue_id="A", again="plan"))

    assert book.verify() == book.state.seq
