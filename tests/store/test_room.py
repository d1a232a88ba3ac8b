"""Room on the disk is there before money is spent, and serves what was paid for."""

import errno
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import DiskProblem
from pipeline.store.entries import RetryAsked
from pipeline.store.journal import Journal
from pipeline.store.room import HELD, give_up_room, require_room
from tests.crash.troubles import WRITES
from tests.kill.listener import submit
from tests.kill.watcher import GO, Decision, Point, Watcher
from tests.store import builders as make


def test_room_is_held_once_and_given_up_once(scratch: Path) -> None:
    places = make.places_in(scratch)
    places.workflow.mkdir(exist_ok=True)
    require_room(places)
    held = places.room.stat()
    assert held.st_blocks * 512 >= HELD
    require_room(places)
    assert places.room.stat().st_mtime_ns == held.st_mtime_ns
    assert give_up_room(places)
    assert not give_up_room(places)


def test_a_disk_with_too_little_left_is_named_in_one_line(scratch: Path) -> None:
    places = make.places_in(scratch)
    places.workflow.mkdir(exist_ok=True)
    with pytest.raises(DiskProblem, match=r"MB are left on the disk of '.*', and work needs"):
        require_room(places, left=2**60)
    assert not places.room.exists()


def require_room_in(root: str) -> None:
    """Do what comes before a model call, in a process that sees other mounts."""
    require_room(make.places_in(Path(root)))


def test_a_read_only_disk_is_noticed_before_a_model_is_asked(scratch: Path) -> None:
    places = make.places_in(scratch)
    places.workflow.mkdir(exist_ok=True)
    folder = str(places.workflow)
    ask = "import sys; from tests.store.test_room import require_room_in as ask; ask(sys.argv[1])"
    words = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", folder, folder]
    words += [sys.executable, "-c", ask, str(scratch)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert f"DiskProblem: the disk of '{folder}' is read-only: mend that" in done.stderr


def append_one(root: Path, line: Path) -> None:
    journal = Journal(make.places_in(root))
    submit(line)
    journal.append(RetryAsked(issue_id="A", again="plan"))


def test_a_full_disk_takes_one_more_line_from_the_room_that_is_held(scratch: Path) -> None:
    places = make.places_in(scratch)
    places.workflow.mkdir(exist_ok=True)
    require_room(places)

    def decide(point: Point) -> Decision:
        is_full = places.room.exists()
        return errno.ENOSPC if is_full and point.call in WRITES else GO

    with Watcher(scratch / "line", scratch, decide) as watcher:
        context = multiprocessing.get_context("fork")
        child = context.Process(target=append_one, args=(scratch, watcher.line))
        child.start()
        child.join()

    assert child.exitcode == 0
    assert not places.room.exists()
    assert Journal(places).verify() == 1
