"""What `status` shows, kept beside the user's caches so that showing it again costs nothing.

A summary is a pure cache: it names the ground it was made on (how far the journal went, which
backlog, who was at work), and is used only while that ground is the same. Lines that were added to
the journal meanwhile and change nothing that is shown (calls and tools under way) are allowed.
Nothing here needs the models: this file is read when nothing else has been imported.
"""

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from pipeline import __version__
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.bill import Bill
from pipeline.store.files import write_atomic
from pipeline.store.run_info import alive

Counts = dict[str, int | float | str | None]
"""A `Usage` as JSON."""

UNSEEN = frozenset({b"tool_begun", b"tool_done", b"agent_spawned"})
"""Kinds of journal lines that change nothing in a summary."""
BEGUN, SPENDING = b"call_begun", b"call_settled"

BUDGET_VARIABLES = "PIPELINE_BUDGET_"

_KIND = b'"kind":"'
_HASH = b'"hash":"'


@dataclass(frozen=True)
class Row:
    """One issue in the summary."""

    id: str
    title: str
    state: str
    group: str
    reason: str | None
    solution_id: str | None


@dataclass(frozen=True)
class Ground:
    """What a summary was made from."""

    version: str
    end: int
    """Offset behind the last line of the journal that was read."""
    last_hash: str
    backlog: tuple[int, int]
    """Size and time of change (ns) of the backlog's file."""
    worker: int | None
    """The process that was at work."""
    settings: str = ""
    """The files and variables that say what may be spent."""


@dataclass(frozen=True)
class Summary:
    """Where everything stands, in plain values."""

    ground: Ground
    rows: tuple[Row, ...]
    holds: tuple[str, ...]
    """What waits for a person besides single issues."""
    run_id: str | None
    branch: str | None
    planning: bool
    executing: bool
    usage: Counts
    bill: dict[str, Any] = field(default_factory=dict)
    """What is spent and reserved, as `Bill.to_json` gives it."""
    caps: dict[str, Any] = field(default_factory=dict)
    """What may be spent, by this user's settings."""
    quotas: dict[str, str | None] = field(default_factory=dict)
    """Vendor -> until when its quota is used up (ISO-8601, UTC); None: it has not said."""


def make_ground(places: Places, *, end: int, last_hash: str) -> Ground:
    """Return the ground as it is now; `end` and `last_hash` are of the journal as it was read."""
    worker = alive(places)
    return Ground(
        __version__,
        end,
        last_hash,
        _backlog(places),
        None if worker is None else worker.pid,
        _settings(places),
    )


def save(places: Places, summary: Summary) -> None:
    """Keep the summary for whoever asks next; where that is impossible it is made again."""
    with suppress(PipelineError):
        write_atomic(places.summary_file, orjson.dumps(asdict(summary)), mode=0o600)


def load(places: Places) -> Summary | None:
    """Return the kept summary with today's spending; None when its ground is not the same."""
    try:
        found = orjson.loads(places.summary_file.read_bytes())
        kept = found["ground"] | {"backlog": tuple(found["ground"]["backlog"])}
        ground = Ground(**kept)
        rows = tuple(Row(**row) for row in found["rows"])
        known = {"ground": ground, "rows": rows, "holds": tuple(found["holds"])}
        summary = Summary(**(found | known))
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if make_ground(places, end=ground.end, last_hash=ground.last_hash) != ground:
        return None
    return _brought_up_to_date(places.journal, summary)


def _brought_up_to_date(journal: Path, summary: Summary) -> Summary | None:
    """Take in the journal's newer lines where they change nothing but what was spent."""
    ground, usage = summary.ground, dict(summary.usage)
    bill = Bill.of_json(summary.bill)
    closing = _HASH + ground.last_hash.encode() + b'"}\n'
    try:
        with journal.open("rb") as file:
            file.seek(max(ground.end - len(closing), 0))
            if file.read(len(closing)) != closing:
                return None
            for line in file:
                kind = line[line.find(_KIND) + len(_KIND) :].split(b'"', 1)[0]
                if not line.endswith(b"\n"):
                    break
                if kind in (BEGUN, SPENDING):
                    found = orjson.loads(line)
                    data, day = found["data"], found["at"][: len("2026-11-21")]
                    if kind == BEGUN:
                        bill.begin(data, day)
                    else:
                        bill.settle(data, day)
                        _add(usage, data["usage"])
                elif kind not in UNSEEN:
                    return None
    except (OSError, orjson.JSONDecodeError, KeyError):
        return None
    return replace(summary, usage=usage, bill=asdict(bill))


def _add(usage: Counts, more: Counts) -> None:
    for name, value in more.items():
        before = usage.get(name)
        if isinstance(value, int | float) and isinstance(before, int | float):
            usage[name] = before + value
        elif name == "usd":
            usage[name] = None


def _settings(places: Places) -> str:
    """Return what changes when somebody sets another budget."""
    files = [_stamp(path) for path in (places.config_file, places.user_config)]
    given = {name: text for name, text in os.environ.items() if name.startswith(BUDGET_VARIABLES)}
    return repr((files, sorted(given.items())))


def _backlog(places: Places) -> tuple[int, int]:
    return _stamp(places.issues_file)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_size, found.st_mtime_ns)
