"""Who works in this repository: `run.lock` is held by the orchestrator, `run.json` says who it is.

Whoever only wants to know whether a run is alive asks `run_info` and never takes the lock.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import orjson
from filelock import FileLock, Timeout

from pipeline.domain.base import iso, utc_now
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.asked import Inbox
from pipeline.store.balance import Caps
from pipeline.store.files import make_folder, write_atomic
from pipeline.store.locks import MOUNTS, file_lock, require_locks, take
from pipeline.store.room import give_up_room
from pipeline.store.run_info import RunInfo, alive, process_start, read_run_info

NAMING_S = 0.5
"""How long the holder of the lock may take to say who they are."""
STEP_S = 0.01


class RunFile:
    """The held lock; made by `hold`."""

    def __init__(self, places: Places, info: RunInfo) -> None:
        self._path = places.run_file
        self._info = info
        self.inbox = Inbox(places.asked_file, info.pid, info.process_start)
        """Where a person asks something of this process."""
        self._write()

    def work_on(self, run_id: str) -> None:
        """Write down which run the process works on."""
        self._info = replace(self._info, run_id=run_id)
        self._write()

    def spend_within(self, caps: Caps) -> None:
        """Write down what the process may spend."""
        self._info = replace(self._info, caps=asdict(caps))
        self._write()

    def wait_until(self, moment: str | None) -> None:
        """Write down until when the process waits for decisions (ISO-8601, UTC); None: it works."""
        self._info = replace(self._info, waits_until=moment)
        self._write()

    def pause_since(self, moment: str | None) -> None:
        """Write down since when a person has the process wait (ISO-8601, UTC); None: it works."""
        self._info = replace(self._info, paused_since=moment)
        self._write()

    def _write(self) -> None:
        write_atomic(self._path, orjson.dumps(asdict(self._info)) + b"\n")


@contextmanager
def hold(places: Places, run_id: str | None = None, *, mounts: Path = MOUNTS) -> Iterator[RunFile]:
    """Hold `run.lock` while working; `PipelineError` naming the holder when it is taken.

    Raises `PipelineError` too where a file system (`mounts` lists them) has no locks that hold.
    """
    make_folder(places.workflow)
    require_locks(places.workflow, mounts)
    lock = file_lock(places.run_lock)
    _take(lock, places)
    try:
        pid = os.getpid()
        info = RunInfo(
            pid=pid,
            process_start=process_start(pid) or 0,
            started_at=iso(utc_now()),
            host=socket.gethostname(),
            run_id=run_id,
        )
        held = RunFile(places, info)
        try:
            yield held
        finally:
            held.inbox.empty()
            places.run_file.unlink(missing_ok=True)
            give_up_room(places)
    finally:
        lock.release()


def _take(lock: FileLock, places: Places) -> None:
    """Take the run lock, or raise a `PipelineError` that names who has it.

    Whoever has taken it a moment ago has not said yet who they are: they are given that moment.
    """
    until = time.monotonic() + NAMING_S
    while True:
        try:
            take(lock)
            return
        except Timeout as error:
            holder = alive(places)
            if holder is not None or time.monotonic() >= until:
                raise taken(places, holder or read_run_info(places.run_file)) from error
        time.sleep(STEP_S)


def taken(places: Places, info: RunInfo | None) -> PipelineError:
    """Return the error of whoever finds the lock held by `info`; None: by somebody unknown."""
    who = "another process"
    if info is not None:
        who = f"process {info.pid} since {info.started_at} on {info.host}"
    return PipelineError(
        f"a run is at work here ({who}, '{places.run_lock}'): wait for it, or `pipeline stop`"
    )
