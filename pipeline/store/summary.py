"""What `status` shows, kept beside the user's caches so that showing it again costs nothing.

A summary is a pure cache: it names the ground it was made on (how far the journal went, which
backlog, who was at work), and is used only while that ground is the same. What lines that were
added to the journal meanwhile change is taken in, where that needs no fold (`row_changes`).
Nothing here needs the models: this file is read when nothing else has been imported.
"""

import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

from pipeline import __version__
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.bill import Bill
from pipeline.store.files import write_whole
from pipeline.store.pace import Pace
from pipeline.store.row_changes import EXECUTING, PLANNING, Draft, Row, apply
from pipeline.store.run_info import alive

Counts = dict[str, int | float | str | None]
"""A `Usage` as JSON."""

UNSEEN = frozenset(
    {
        b"agent_spawned",
        b"cache_fell",
        b"edited_by_hand",
        b"execution_refused",
        b"landing_begun",
        b"ledger_folded",
        b"run_continued",
        b"run_paused",
        b"run_stopped",
        b"tool_begun",
        b"tool_done",
        b"turn_compacted",
        b"turn_settled",
    }
)
"""Kinds of journal lines that change nothing in a summary."""
BEGUN, SPENDING = b"call_begun", b"call_settled"

BUDGET_VARIABLES = "PIPELINE_BUDGET_"

KEEP_AGAIN = 1 << 18
"""After so many bytes of new lines a summary that was brought up to date is kept."""

_KIND = b'"kind":"'
_HASH = b'"hash":"'


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
    usage: Counts
    bill: dict[str, Any] = field(default_factory=dict)
    """What is spent and reserved, as `Bill.to_json` gives it."""
    caps: dict[str, Any] = field(default_factory=dict)
    """What whoever works, or worked last, may spend."""
    caps_end: bool = False
    """They came with flags: the next command has them only when it is given them again."""
    quotas: dict[str, str | None] = field(default_factory=dict)
    """Vendor -> until when its quota is used up (ISO-8601, UTC); None: it has not said."""
    pace: dict[str, Any] = field(default_factory=dict)
    """How long the newest turns took: the fields of `Pace`."""
    max_pending: int = sys.maxsize
    """With so many plans waiting nothing more is planned."""
    checkpoint: bool = False
    """Execution stands at a checkpoint."""

    @property
    def planning(self) -> bool:
        """Tell whether an issue is being planned."""
        return any(row.state == PLANNING for row in self.rows)

    @property
    def executing(self) -> bool:
        """Tell whether a solution is being carried out."""
        return any(row.state == EXECUTING for row in self.rows)


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
        body = orjson.dumps(asdict(summary))
        write_whole(places.summary_file, body + _checksum(body), mode=0o600)


def load(places: Places) -> Summary | None:
    """Return the kept summary, brought up to date; None when its ground is not the same."""
    try:
        body, end, checksum = places.summary_file.read_bytes().rpartition(b"\n")
        if end + checksum != _checksum(body):
            return None
        found = orjson.loads(body)
        kept = found["ground"] | {"backlog": tuple(found["ground"]["backlog"])}
        ground = Ground(**kept)
        rows = tuple(Row(**row) for row in found["rows"])
        known = {"ground": ground, "rows": rows, "holds": tuple(found["holds"])}
        summary = Summary(**(found | known))
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    shown = refreshed(places, summary)
    if shown is not None and shown.ground.end - ground.end > KEEP_AGAIN:
        save(places, shown)
    return shown


def _checksum(body: bytes) -> bytes:
    """Return what follows a summary: written without a wait for the disk, it may come back torn."""
    return b"\n%08x" % crc32(body)


def refreshed(places: Places, summary: Summary) -> Summary | None:
    """Return a summary brought up to date; None when its ground is not the same."""
    ground = summary.ground
    now = make_ground(places, end=ground.end, last_hash=ground.last_hash)
    if replace(now, worker=ground.worker) != ground:
        return None
    shown = _brought_up_to_date(places.journal, summary)
    is_open = shown is not None and (shown.planning or shown.executing)
    is_its = now.worker is not None and now.worker == ground.worker
    return None if is_open and not is_its else shown


def _brought_up_to_date(journal: Path, summary: Summary) -> Summary | None:
    """Take in the journal's newer lines; None where that takes a fold."""
    ground, usage = summary.ground, dict(summary.usage)
    if _stamp(journal)[0] == ground.end:
        return summary
    bill = Bill.of_json(summary.bill)
    draft = Draft(
        summary.rows,
        Pace.of_json(summary.pace),
        summary.quotas,
        held=summary.holds,
        max_pending=summary.max_pending,
    )
    closing = _HASH + ground.last_hash.encode() + b'"}\n'
    end, last = ground.end, b""
    try:
        with journal.open("rb") as file:
            file.seek(max(ground.end - len(closing), 0))
            if file.read(len(closing)) != closing:
                return None
            for line in file:
                kind = line[line.find(_KIND) + len(_KIND) :].split(b'"', 1)[0]
                if not line.endswith(b"\n"):
                    break
                end, last = end + len(line), line
                if kind in UNSEEN:
                    continue
                found = orjson.loads(line)
                at, data = found["at"], found["data"]
                if kind == BEGUN:
                    bill.begin(data, at[: len("2026-11-21")])
                elif kind == SPENDING:
                    bill.settle(data, at[: len("2026-11-21")])
                    _add(usage, data["usage"])
                elif not apply(draft, kind.decode(), at, data):
                    return None
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if draft.is_changed and summary.checkpoint:
        return None
    return replace(
        summary,
        ground=replace(ground, end=end, last_hash=_hash_of(last) or ground.last_hash),
        rows=draft.rows,
        holds=draft.holds,
        usage=usage,
        bill=asdict(bill),
        quotas=draft.quotas,
        pace=asdict(draft.pace),
    )


def _hash_of(line: bytes) -> str:
    """Return the hash that a line of the journal ends with; "" of no line."""
    return line[line.rfind(_HASH) + len(_HASH) : -len(b'"}\n')].decode()


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
