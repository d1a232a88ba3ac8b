"""Where locks do not hold nothing is begun."""

import errno
import os
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from pipeline.errors import PipelineError
from pipeline.store import backlog, locks
from pipeline.store.journal import Journal
from pipeline.store.locks import (
    ALWAYS,
    FREE,
    SOFT,
    SOUND,
    TAKEN,
    Mount,
    OftenLock,
    file_lock,
    mount_of,
    require_locks,
    take,
    try_lock,
    why_soft,
)
from pipeline.store.run_file import hold
from tests.store import builders as make

LOCAL = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"


def mounted(scratch: Path, kind: str, options: str = "rw", *, point: str | None = None) -> Path:
    """Return a list of mounts by which `scratch` lies on a file system of that kind."""
    listed = scratch / "mountinfo"
    place = (point or str(scratch)).replace(" ", "\\040")
    listed.write_text(
        f"{LOCAL}40 27 0:50 / {place} rw,noatime shared:1 - {kind} host:/x {options}\n"
    )
    return listed


@pytest.mark.parametrize("kind", SOFT)
def test_a_file_system_with_soft_locks_is_refused_by_its_name(scratch: Path, kind: str) -> None:
    for option in SOFT[kind] or ("rw",):
        listed = mounted(scratch, kind, f"rw,vers=3,{option}")
        with pytest.raises(PipelineError, match=f"lies on {kind}.* move the repository to a local"):
            require_locks(scratch, listed)


@pytest.mark.parametrize("kind", sorted(kind for kind in SOFT if SOFT[kind] != ALWAYS))
def test_without_the_option_it_is_tried_and_serves(scratch: Path, kind: str) -> None:
    require_locks(scratch, mounted(scratch, kind, "rw,local_lock=none"))
    assert not list(scratch.glob(".locks*"))


def test_no_kind_is_sound_and_soft() -> None:
    assert SOUND.isdisjoint(SOFT)


def test_the_run_is_refused_before_anything_is_written(scratch: Path) -> None:
    places = make.places_in(scratch / "repo")
    listed = mounted(scratch, "fuse.sshfs")
    with pytest.raises(PipelineError, match=r"lies on fuse\.sshfs"), hold(places, mounts=listed):
        raise AssertionError("begun on a file system without locks")
    assert list(places.workflow.iterdir()) == []


def test_the_innermost_mount_counts_and_the_last_at_one_place(scratch: Path) -> None:
    inner = scratch / "a b"
    (inner / "deep").mkdir(parents=True)
    listed = mounted(scratch, "9p", point=str(inner))
    assert mount_of(scratch, listed) == Mount(
        Path("/"), "ext4", frozenset({"rw", "relatime", "discard"})
    )
    found = mount_of(inner / "deep", listed)
    assert found is not None
    assert (found.point, found.kind) == (inner, "9p")
    listed.write_text(listed.read_text() + listed.read_text().splitlines()[1].replace("9p", "xfs"))
    assert why_soft(mount_of(inner, listed)) is None


def test_where_there_is_no_list_of_mounts_locks_are_tried(scratch: Path) -> None:
    require_locks(scratch, scratch / "none")


@pytest.mark.parametrize(
    ("found", "says"), [(FREE, "two processes got one"), (7, "cannot be tried"), (TAKEN, None)]
)
def test_what_contends_for_the_lock_must_not_get_it(
    scratch: Path, found: int, says: str | None
) -> None:
    if says is None:
        try_lock(scratch, None, lambda place: found)
    else:
        with pytest.raises(PipelineError, match=says):
            try_lock(scratch, None, lambda place: found)
    assert list(scratch.iterdir()) == []


def test_another_process_tells_a_lock_that_is_held_from_a_free_one(scratch: Path) -> None:
    place = scratch / "lock"
    with file_lock(place):
        assert locks.another_process(place) == TAKEN
    assert locks.another_process(place) == FREE


def test_a_lock_that_stays_open_is_given_back_each_time(scratch: Path) -> None:
    place = scratch / "lock"
    lock = OftenLock(place, 0)
    for _ in range(3):  # the first time through filelock, then on the open file
        lock.acquire()
        assert locks.another_process(place) == TAKEN
        lock.release()
        assert locks.another_process(place) == FREE


@pytest.mark.parametrize("times", [0, 1])
def test_a_lock_that_stays_open_waits_for_its_holder(scratch: Path, times: int) -> None:
    lock = OftenLock(scratch / "lock", 0)
    for _ in range(times):
        lock.acquire()
        lock.release()
    with file_lock(scratch / "lock"), pytest.raises(Timeout):
        lock.acquire()
    lock.acquire()
    assert locks.another_process(scratch / "lock") == TAKEN


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_lock_whose_file_is_gone_is_taken_on_the_new_one(
    scratch: Path, is_replaced: bool
) -> None:
    place = scratch / "lock"
    lock = OftenLock(place, 0)
    lock.acquire()
    lock.release()
    place.unlink()
    if is_replaced:
        place.touch()
    lock.acquire()
    assert locks.another_process(place) == TAKEN


def test_a_fork_does_not_share_a_lock(scratch: Path) -> None:
    lock = OftenLock(scratch / "lock", 0)
    for _ in range(2):
        lock.acquire()
        child = os.fork()
        if not child:
            try:
                lock.acquire()
            except (Timeout, RuntimeError):  # filelock refuses what was forked
                os._exit(TAKEN)
            os._exit(FREE)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == TAKEN
        assert locks.another_process(scratch / "lock") == TAKEN
        lock.release()


class NoLocks(FileLock):
    """A lock on a file system that has none."""

    def acquire(self, *_: object, **__: object) -> object:  # type: ignore[override]
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def test_a_missing_lock_is_one_line_and_no_file_takes_its_place(scratch: Path) -> None:
    with pytest.raises(PipelineError, match=r"there are no locks in .*: No locks available; move"):
        take(NoLocks(scratch / "lock"))


def test_no_lock_is_ever_a_file_alone(scratch: Path) -> None:
    assert not file_lock(scratch / "lock").fallback_to_soft


def test_what_is_changed_is_locked_meanwhile(scratch: Path) -> None:
    places = make.places_in(scratch)
    with backlog.locked(places):
        assert locks.another_process(places.backlog_lock) == TAKEN
    with Journal(places).locked():
        assert locks.another_process(places.journal_lock) == TAKEN
    with hold(places):
        assert locks.another_process(places.run_lock) == TAKEN
    for lock in (places.backlog_lock, places.journal_lock, places.run_lock):
        assert locks.another_process(lock) == FREE
