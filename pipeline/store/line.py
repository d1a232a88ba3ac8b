"""One line of the journal: its form, its hash, and a reader that parses only what is asked for.

    {"seq":7,"at":"2026-11-21T02:29:00.123Z","kind":"plan_recorded","data":{...},"prev":"..","hash":".."}

`hash` is the SHA-256 (hex) of the line's bytes before `,"hash"`, which contain `prev`, the hash of
the line before (64 zeros in the first). Everything before `data` and after it has a fixed form, so
that a reader finds kind and data without parsing JSON.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, cast, get_args

import orjson
from pydantic import ValidationError

from pipeline.domain.base import iso
from pipeline.errors import PipelineError
from pipeline.store.entries import AnyEntry, Entry
from pipeline.store.span import LARGE, Span

MODELS: dict[str, type[Entry]] = {
    model.model_fields["kind"].default: model for model in get_args(AnyEntry)
}
"""Kind -> the model of its data."""

NO_HASH = "0" * 64
_NAMES = {kind.encode(): kind for kind in MODELS}
_TIME = len("2026-11-21T02:29:00.123Z")
_TO_KIND = len('","kind":"')
_TO_DATA = len('","data":')
_HASH_TAIL = len(',"hash":"') + 64 + len('"}\n')
_TAIL = len(',"prev":"') + 64 + 1 + _HASH_TAIL


class Line(NamedTuple):
    """One line of the journal; `offset` is where it starts."""

    seq: int
    kind: str
    offset: int
    stored: bytes | Span
    """Its bytes, or where they are."""

    @property
    def raw(self) -> bytes:
        """Its bytes with the newline; read from the file on each access where they are there."""
        return self.stored if isinstance(self.stored, bytes) else self.stored.read()

    @property
    def at(self) -> datetime:
        """When it was written (UTC)."""
        start = self._time_start
        return datetime.fromisoformat(self.raw[start : start + _TIME].decode())

    @property
    def data(self) -> bytes:
        """Return the JSON text of the entry, without its kind."""
        return self.raw[self._data_start : -_TAIL]

    @property
    def data_offset(self) -> int:
        """Where `data` starts in the file."""
        return self.offset + self._data_start

    @property
    def prev(self) -> str:
        """Return the hash of the line before."""
        raw = self.raw
        end = len(raw) - _HASH_TAIL - 1
        return raw[end - 64 : end].decode()

    @property
    def hash(self) -> str:
        """Return the hash that the line carries."""
        return self.raw[-67:-3].decode()

    @property
    def entry(self) -> AnyEntry:
        """Return the entry, parsed on each access; `PipelineError` when it is not one."""
        try:
            return cast(AnyEntry, MODELS[self.kind].model_validate_json(self.data))
        except ValidationError as error:
            raise corrupt(self.seq, f"its data is no {self.kind}") from error

    @property
    def is_sound(self) -> bool:
        """Tell whether the bytes are those that were written."""
        return _digest(self.raw[:-_HASH_TAIL]) == self.hash

    def left_in(self, path: Path) -> "Line":
        """Return the line without its bytes, when it is large and `path` holds it."""
        return self if len(self.stored) < LARGE else self.placed_in(path)

    def placed_in(self, path: Path) -> "Line":
        """Return the line without its bytes, which `path` holds."""
        if isinstance(self.stored, Span):
            return self
        return self._replace(stored=Span(path, self.offset, len(self.stored)))

    @property
    def _time_start(self) -> int:
        return len('{"seq":') + len(str(self.seq)) + len(',"at":"')

    @property
    def _data_start(self) -> int:
        return self._time_start + _TIME + _TO_KIND + len(self.kind) + _TO_DATA


def make_line(entry: Entry, *, seq: int, at: datetime, prev: str, offset: int) -> Line:
    """Return the line that says `entry`."""
    kind = type(entry).model_fields["kind"].default
    data = entry.model_dump_json(exclude={"kind"})
    head = f'{{"seq":{seq},"at":"{iso(at)}","kind":"{kind}","data":{data},"prev":"{prev}"'.encode()
    raw = head + f',"hash":"{_digest(head)}"}}\n'.encode()
    return Line(seq, kind, offset, raw)


@dataclass(frozen=True)
class Scan:
    """Where a reader stands now."""

    last: Line | None
    """The last complete line, whatever its kind; None when there was none."""
    end: int
    """Offset behind the last complete line."""
    newest: bytes = b""
    """The latest time that a line carries, as it is written; empty where there was none."""


def scan(
    stream: Iterable[bytes],
    *,
    offset: int,
    seq: int,
    wanted: Collection[str] | None,
    take: Callable[[Line], object],
) -> Scan:
    """Read lines that follow line `seq`, which ends at `offset`; hand `take` those of `wanted`.

    Stops before an unfinished last line. A broken line with others behind it is a `PipelineError`.
    """
    names = _NAMES if wanted is None else {kind.encode(): kind for kind in wanted}
    raw = b""
    kind = newest = b""
    start = offset
    reader = iter(stream)
    for raw in reader:
        head = b'{"seq":%d,"at":"' % (seq + 1)
        at = len(head) + _TIME + _TO_KIND
        kind = raw[at : raw.find(b'"', at)]
        if kind not in _NAMES or raw[-3:] != b'"}\n' or not _is_framed(raw, head):
            _refuse_unless_torn(raw, kind, seq + 1, is_last=next(reader, None) is None)
            break
        seq += 1
        newest = max(newest, raw[len(head) : len(head) + _TIME])
        if kind in names:
            take(Line(seq, names[kind], offset, raw))
        start, offset = offset, offset + len(raw)
        last = (kind, raw)
    if offset == start:
        return Scan(None, offset)
    return Scan(Line(seq, _NAMES[last[0]], start, last[1]), offset, newest)


def corrupt(seq: int, what: str) -> PipelineError:
    """Return the line for a person whose journal is damaged; a line is never dropped silently."""
    return PipelineError(
        f"journal.jsonl line {seq} is damaged ({what}): restore the file from a backup, "
        "or move it away to start from the documents"
    )


def _refuse_unless_torn(raw: bytes, kind: bytes, seq: int, *, is_last: bool) -> None:
    """Accept only a last line that a crash left unfinished or unwritten."""
    if is_last and (not raw.endswith(b"\n") or not _is_json(raw)):
        return
    if kind and kind not in _NAMES and _is_json(raw):
        raise PipelineError(
            f"journal.jsonl line {seq} has the kind {kind.decode(errors='replace')!r}, "
            "which this version does not know: use a newer pipeline"
        )
    raise corrupt(seq, "it does not have the form of a journal line")


def _is_framed(raw: bytes, head: bytes) -> bool:
    tail = len(raw) - _TAIL
    return raw.startswith(head) and tail > 0 and raw.startswith(b'},"prev":"', tail - 1)


def _is_json(raw: bytes) -> bool:
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    return True


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
