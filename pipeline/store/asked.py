"""What a person asks of a run that is at work in another process: to pause, or to stop.

    pipeline pause | stop | resume  --writes, removes-->  <user state>/asked/<checkout>.json
    the process that works          --looks at it between two steps, and wherever it looks at its
                                      stop flag: one `stat`, however long it works

The file names the process that is asked. So nothing that was asked of one process is ever done by
another one: a run that was paused and killed is not paused when it is begun again. It lies in the
user's state folder, which no sandbox sees, and counts only if it belongs to the same user.
"""

import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import orjson

from pipeline.paths import Places
from pipeline.store.files import make_folder, write_atomic
from pipeline.store.run_info import RunInfo

Mark = tuple[int, int, int]
NOTHING: Mark = (0, 0, 0)


class What(StrEnum):
    """What can be asked of a run."""

    PAUSE = "pause"
    """Finish what is under way, then wait."""
    STOP = "stop"
    """Finish what is under way, then end."""
    STOP_NOW = "stop now"
    """End the turn under way as a signal does."""


@dataclass(frozen=True)
class Asked:
    """What was asked, of which process, and by whom."""

    what: What
    by: str
    """A user's name, as the operating system has it."""
    at: str
    """ISO-8601, UTC."""
    pid: int
    process_start: int


class Inbox:
    """What is asked of one process; the file is read only when it has changed."""

    def __init__(self, path: Path, pid: int, process_start: int) -> None:
        self._path = path
        self._process = (pid, process_start)
        self._mark = NOTHING
        self._asked: Asked | None = None

    def look(self) -> Asked | None:
        """Return what is asked now; None when it is nothing."""
        mark = _mark(self._path)
        if mark != self._mark:
            found = _read(self._path) if mark != NOTHING else None
            is_mine = found is not None and (found.pid, found.process_start) == self._process
            self._asked = found if is_mine else None
            self._mark = mark
        return self._asked

    def ends(self) -> bool:
        """Tell whether the run is to end, at once or after what is under way."""
        asked = self.look()
        return asked is not None and asked.what is not What.PAUSE

    def ends_now(self) -> bool:
        """Tell whether the turn under way is to be interrupted."""
        asked = self.look()
        return asked is not None and asked.what is What.STOP_NOW

    def empty(self) -> None:
        """Take away what was asked of this process: it ends."""
        if self.look() is not None:
            self._path.unlink(missing_ok=True)


def asked_of(places: Places, worker: RunInfo | None) -> Asked | None:
    """Return what is asked of the process that works; None when that is nothing."""
    if worker is None:
        return None
    return Inbox(places.asked_file, worker.pid, worker.process_start).look()


def ask(places: Places, worker: RunInfo, what: What, *, by: str, at: str) -> Asked:
    """Ask something of the process that works; it takes the place of what was asked before."""
    asked = Asked(what, by, at, worker.pid, worker.process_start)
    make_folder(places.asked_file.parent)
    write_atomic(places.asked_file, orjson.dumps(asdict(asked)) + b"\n")
    return asked


def take_back(places: Places) -> None:
    """Ask nothing any more."""
    places.asked_file.unlink(missing_ok=True)


def _mark(path: Path) -> Mark:
    try:
        found = path.lstat()
    except OSError:
        return NOTHING
    is_ours = found.st_uid == os.getuid()
    return (found.st_ino, found.st_size, found.st_mtime_ns) if is_ours else NOTHING


def _read(path: Path) -> Asked | None:
    try:
        found = orjson.loads(path.read_bytes())
        return Asked(**found | {"what": What(found["what"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
