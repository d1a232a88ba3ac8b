"""Who works in this repository, as `run.json` says it: read without taking the lock."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from pipeline.paths import Places

_STATE, _START = 0, 19
"""Fields of `/proc/<pid>/stat` behind the program's name (proc(5): `state` and `starttime`)."""


@dataclass(frozen=True)
class RunInfo:
    """The process that holds `run.lock`."""

    pid: int
    process_start: int
    """Clock ticks from boot to its start: tells it from a later process with the same pid."""
    started_at: str
    """ISO-8601, UTC."""
    host: str
    run_id: str | None = None
    waits_until: str | None = None
    """Until when it waits for decisions, with nothing else to do (ISO-8601, UTC)."""
    paused_since: str | None = None
    """Since when it waits because a person asked it to (ISO-8601, UTC)."""
    caps: dict[str, int | float | None] | None = None
    """What it may spend: the fields of `Caps`."""


def alive(places: Places) -> RunInfo | None:
    """Return who works here now; None when nobody does, whatever a killed process left behind."""
    info = read_run_info(places.run_file)
    if info is None or info.host != socket.gethostname():
        return None
    return info if process_start(info.pid) == info.process_start else None


def is_other(info: RunInfo | None) -> bool:
    """Tell whether `info` names another process than this one."""
    return info is not None and info.pid != os.getpid()


def read_run_info(path: Path) -> RunInfo | None:
    """Return what `run.json` says; None when it is missing or broken."""
    try:
        found = orjson.loads(path.read_bytes())
        info = RunInfo(**found)
    except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
        return None
    numbers = isinstance(info.pid, int) and isinstance(info.process_start, int)
    return info if numbers and isinstance(info.started_at, str) else None


def waits_for_decisions(until: str) -> str:
    """Say until when (ISO-8601) a run that has nothing else to do waits."""
    return f"waits for decisions until {clock_time(datetime.fromisoformat(until))}"


def clock_time(moment: datetime) -> str:
    """Return a moment as a clock here shows it: `06:30`, with the date unless it is today's."""
    local = moment.astimezone()
    today = local.date() == datetime.now(tz=local.tzinfo).date()
    return f"{local:%H:%M}" if today else f"{local:%Y-%m-%d %H:%M}"


def process_start(pid: int) -> int | None:
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
