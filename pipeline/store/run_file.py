"""Who works in this repository: `run.lock` is held by the orchestrator, `run.json` says who it is.

Whoever only wants to know whether a run is alive reads `run.json` and never takes the lock.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from pipeline.domain.base import Noun, Time, iso, utc_now
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.files import make_folder, write_atomic

_STATE, _START = 0, 19
"""Fields of `/proc/<pid>/stat` behind the program's name (proc(5): `state` and `starttime`)."""


class RunInfo(Noun):
    """The process that holds `run.lock`."""

    pid: int
    process_start: int
    """Clock ticks from boot to its start: tells it from a later process with the same pid."""
    started_at: Time
    host: str
    run_id: str | None = None


class RunFile:
    """The held lock; made by `hold`."""

    def __init__(self, places: Places, info: RunInfo) -> None:
        self._path = places.run_file
        self._info = info
        self._write()

    def work_on(self, run_id: str) -> None:
        """Write down which run the process works on."""
        self._info = self._info.model_copy(update={"run_id": run_id})
        self._write()

    def _write(self) -> None:
        write_atomic(self._path, self._info.model_dump_json().encode() + b"\n")


@contextmanager
def hold(places: Places, run_id: str | None = None) -> Iterator[RunFile]:
    """Hold `run.lock` while working; `PipelineError` naming the holder when it is taken."""
    make_folder(places.workflow)
    lock = FileLock(places.run_lock)
    try:
        held = lock.acquire(timeout=0)
    except Timeout as error:
        raise _taken(places) from error
    with held:
        pid = os.getpid()
        info = RunInfo(
            pid=pid,
            process_start=_process_start(pid) or 0,
            started_at=utc_now(),
            host=socket.gethostname(),
            run_id=run_id,
        )
        try:
            yield RunFile(places, info)
        finally:
            places.run_file.unlink(missing_ok=True)


def alive(places: Places) -> RunInfo | None:
    """Return who works here now; None when nobody does, whatever a killed process left behind."""
    info = _read(places.run_file)
    if info is None or info.host != socket.gethostname():
        return None
    return info if _process_start(info.pid) == info.process_start else None


def is_other(info: RunInfo | None) -> bool:
    """Tell whether `info` names another process than this one."""
    return info is not None and info.pid != os.getpid()


def _read(path: Path) -> RunInfo | None:
    try:
        return RunInfo.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _taken(places: Places) -> PipelineError:
    info = _read(places.run_file)
    who = f"process {info.pid} since {iso(info.started_at)}" if info else "another process"
    return PipelineError(
        f"a run is at work here ({who}, '{places.run_lock}'): wait for it, or stop it first"
    )


def _process_start(pid: int) -> int | None:
    """Return when a living process started, 0 where the system has no `/proc`, None when gone."""
    if not Path("/proc/self/stat").exists():
        return 0 if _answers(pid) else None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else int(fields[_START])


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
