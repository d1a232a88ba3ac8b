"""What a process that works is doing at this moment, in a file for whoever watches.

The process that holds the run lock writes it on every event, without waiting for the disk; it says
nothing once that process is gone. Plain values only, so that reading it costs nothing.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.files import write_whole


@dataclass(frozen=True)
class Turn:
    """An agent's turn under way. Times are ISO-8601, UTC."""

    issue_id: str
    title: str
    began: str
    attempt: int = 1
    solution_id: str | None = None
    tasks: tuple[str, ...] = ()
    """Tasks of the solution, as `T1: its title`."""
    finished: tuple[str, ...] = ()
    """Ids of the tasks whose tests have passed."""
    call: int = 0
    """Number of the model call under way, or made last."""
    doing: str = ""
    """What the agent does, or the pipeline for it, in words."""
    since: str = ""
    """When that began."""

    @property
    def task(self) -> str | None:
        """Return the first task that is not finished, as `T1: its title`."""
        return next((t for t in self.tasks if t.partition(":")[0] not in self.finished), None)


@dataclass(frozen=True)
class Pause:
    """What everything waits for. Times are ISO-8601, UTC."""

    kind: str
    """quota, outage"""
    provider: str
    since: str
    until: str | None
    reason: str = ""


@dataclass(frozen=True)
class Now:
    """What one process is doing."""

    pid: int
    turns: dict[str, Turn] = field(default_factory=dict)
    """Role -> its turn under way."""
    doing: str = ""
    """What the pipeline does by itself, outside of all turns."""
    since: str = ""
    pause: Pause | None = None
    plans: bool = True
    """Whether this process plans."""
    executes: bool = True
    """Whether this process carries plans out."""
    only: tuple[str, ...] = ()
    """The issues and plans that it was started for; none: all."""


def save_now(places: Places, now: Now) -> None:
    """Write down what is being done; who watches is no reason to stop work."""
    with suppress(PipelineError):
        write_whole(places.now_file, orjson.dumps(asdict(now)), mode=0o600)


def load_now(places: Places, pid: int) -> Now | None:
    """Return what process `pid` is doing; None when it has not said."""
    try:
        found = orjson.loads(places.now_file.read_bytes())
        now = _of_json(found)
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
    return now if now.pid == pid else None


def _of_json(found: dict[str, Any]) -> Now:
    turns = {
        role: Turn(**one | {name: tuple(one[name]) for name in ("tasks", "finished")})
        for role, one in found["turns"].items()
    }
    pause = Pause(**found["pause"]) if found["pause"] else None
    only = tuple(found.get("only", ()))
    return Now(**found | {"turns": turns, "pause": pause, "only": only})
