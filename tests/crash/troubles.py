"""What comes at a system call: a death, or a disk that is full or broken from there on."""

import errno
from collections.abc import Callable
from dataclasses import dataclass

from tests.kill.lane import Ended, Wrong
from tests.kill.watcher import GO, KILL, Decide, Decision, Point

WRITES = frozenset({"write", "pwrite64", "writev", "pwritev", "copy_file_range", "sendfile"})
SYNCS = frozenset({"fsync", "fdatasync"})
NAMES = frozenset({"rename", "renameat", "renameat2", "link", "linkat", "mkdir", "mkdirat"})
REMOVALS = frozenset({"unlink", "unlinkat", "rmdir"})
OPENS = frozenset({"open", "openat"})
GIT = frozenset({"execve"})
ROOM = frozenset({"fallocate"})
DEADLY = WRITES | SYNCS | NAMES | REMOVALS | GIT | {"ftruncate"}
MENDABLE = 1
"""The exit code of what a person can mend."""


@dataclass(frozen=True)
class Trouble:
    """Where something comes, what it is, and how a command may end by it."""

    calls: frozenset[str]
    at: Callable[[int], Decide]
    """Point number -> what happens at each point; it comes at the first of `calls` from there."""
    judge: Callable[[Ended, int], None]
    """Raises `Wrong` for an ending that is not as it must be; given too what is usual."""

    def comes_at(self, point: Point) -> bool:
        """Tell whether this is a call at which it can come."""
        return point.call in self.calls


def _kill(number: int) -> Decide:
    return lambda point: KILL if point.number >= number and point.call in DEADLY else GO


def _from_then_on(error: int, calls: frozenset[str]) -> Callable[[int], Decide]:
    """Fail each of the calls from a point on: nobody makes room, nobody mends the disk."""

    def at(number: int) -> Decide:
        return lambda point: error if point.number >= number and point.call in calls else GO

    return at


def _sync_once(number: int) -> Decide:
    """Fail one sync with EIO, as Linux does; a second one of the same file would succeed."""
    failed: list[Point] = []

    def decide(point: Point) -> Decision:
        if point.call not in SYNCS or point.number < number:
            return GO
        if not failed:
            failed.append(point)
            return errno.EIO
        is_again = (point.is_pipeline, point.path) == (failed[0].is_pipeline, failed[0].path)
        return KILL if is_again else GO

    return decide


def _died(ended: Ended, _code: int) -> None:
    if not ended.was_killed:
        raise Wrong(f"it was not killed: exit {ended.code}: {ended.err[-300:]}")


def _one_line(ended: Ended, usual: int) -> None:
    """Accept one clear line and exit 1; and the usual end, where nothing was lost by it."""
    if ended.was_killed:
        raise Wrong(f"a sync that had failed was tried again: {ended.err[-300:]}")
    if "Traceback" in ended.err or ended.code not in (MENDABLE, usual):
        raise Wrong(f"exit {ended.code}: {ended.err[-600:]}")
    if ended.code == MENDABLE:
        last = ended.err.rstrip("\n").splitlines()[-1:]
        if not last or not last[0].startswith("pipeline: "):
            raise Wrong(f"no line of ours at the end: {ended.err[-600:]}")


TROUBLES: dict[str, Trouble] = {
    "kill": Trouble(DEADLY, _kill, _died),
    "full": Trouble(
        WRITES | NAMES | OPENS | ROOM,
        _from_then_on(errno.ENOSPC, WRITES | NAMES | OPENS | ROOM),
        _one_line,
    ),
    "broken": Trouble(
        WRITES | SYNCS | NAMES, _from_then_on(errno.EIO, WRITES | SYNCS | NAMES), _one_line
    ),
    "sync": Trouble(SYNCS, _sync_once, _one_line),
}
"""Name -> trouble: killed; the disk full, or broken, from there on; one sync that fails."""
