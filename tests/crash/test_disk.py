"""A disk that fails one wait, once, as Linux reports it: nobody waits a second time."""

import errno
import multiprocessing
from pathlib import Path

import pytest

from pipeline.errors import DiskProblem
from pipeline.store.entries import RetryAsked
from pipeline.store.journal import Journal
from tests.crash.troubles import SYNCS
from tests.kill.listener import submit
from tests.kill.watcher import GO, Decision, Point, Watcher
from tests.store import builders as make


def append_three(root: Path, line: Path, said: Path) -> None:
    """Append three lines under watch; say what came of each."""
    journal, told = Journal(make.places_in(root)), []
    submit(line)
    for name in ("A", "B", "C"):
        try:
            journal.append(RetryAsked(issue_id=name, again="plan"))
            told.append(name)
        except DiskProblem as problem:
            told.append(str(problem))
    said.write_text("\n".join(told))


@pytest.mark.parametrize(("fails_at", "kept"), [(1, []), (2, []), (3, ["A"])])
def test_after_a_failed_wait_only_another_process_writes_the_journal(
    scratch: Path, fails_at: int, kept: list[str]
) -> None:
    syncs: list[Point] = []

    def decide(point: Point) -> Decision:
        if point.call not in SYNCS:
            return GO
        syncs.append(point)
        return errno.EIO if len(syncs) == fails_at else GO

    places, said = make.places_in(scratch), scratch / "said"
    places.workflow.mkdir(parents=True, exist_ok=True)
    with Watcher(scratch / "line", scratch, decide) as watcher:
        context = multiprocessing.get_context("fork")
        child = context.Process(target=append_three, args=(scratch, watcher.line, said))
        child.start()
        child.join()

    *written, second, third = said.read_text().splitlines()
    assert (written[: len(kept)], second) == (kept, third)
    assert second.endswith("Input/output error; mend that and run again")
    assert len(syncs) == fails_at
    journal = Journal(places)
    journal.append(RetryAsked(issue_id="D", again="plan"))
    entries = [line.entry for line in journal.lines()]
    assert [one.issue_id for one in entries if isinstance(one, RetryAsked)] == [*kept, "D"]
    assert journal.verify() == len(kept) + 1
