"""Reading transcripts: forwards as a stream, backwards from the end, or as they grow.

A file of any size is read in blocks. A line that is none of ours is handed on as `Damaged`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import orjson
from pydantic import JsonValue

from pipeline.paths import Places

BLOCK = 2**16
LONGEST = 8 * 2**20
"""A longer line is no line of ours; it is not read whole."""


@dataclass(frozen=True)
class Note:
    """One line: when, which agent, for which request, and the rest as it was written."""

    at: datetime
    kind: str
    role: str
    request_id: str
    fields: dict[str, JsonValue]

    @property
    def issue_id(self) -> str:
        """Return the issue that the turn was about: a request id is `<issue id>.<number>`."""
        return self.request_id.rpartition(".")[0]

    def text(self, name: str) -> str:
        """Return a field that holds text; "" when it does not."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Damaged:
    """A line that cannot be read. `number` counts from 1."""

    path: Path
    number: int


Line = Note | Damaged


def transcript_files(places: Places) -> list[Path]:
    """Return the transcripts that there are, by name."""
    return sorted(path for path in places.transcripts.glob("*.jsonl") if path.is_file())


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines from the first to the last."""
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(LONGEST):
            number += 1
            if not raw.endswith(b"\n") and len(raw) == LONGEST:
                _skip_line(file)
                raw = b""
            if raw != b"\n":
                yield _parsed(raw) or Damaged(path, number)


def read_backwards(path: Path, end: int | None = None) -> Iterator[Line]:
    """Yield the lines from the last to the first; only those before offset `end` if it is given."""
    with path.open("rb") as file:
        for raw, start in _raw_backwards(file, file.seek(0, 2) if end is None else end):
            yield _parsed(raw) or Damaged(path, _number(path, start))


class Growing:
    """A transcript that somebody writes: each `read` yields the lines that have been added.

    It may not exist yet, and it may be removed and begun again. `at` is the offset to start from.
    """

    def __init__(self, path: Path, at: int = 0) -> None:
        self._path = path
        self._at = at

    def read(self) -> Iterator[Line]:
        """Yield what is new; an unfinished last line is left for the next time."""
        if not self._path.is_file():
            return
        if self._path.stat().st_size < self._at:
            self._at = 0
        with self._path.open("rb") as file:
            file.seek(self._at)
            while (raw := file.readline()).endswith(b"\n"):
                start, self._at = self._at, self._at + len(raw)
                if raw != b"\n":
                    yield _parsed(raw) or Damaged(self._path, _number(self._path, start))


def whole_size(path: Path) -> int:
    """Return the offset behind the last line end: what is there in whole lines, in bytes."""
    with path.open("rb") as file:
        at = file.seek(0, 2)
        while at > 0:
            size = min(BLOCK, at)
            file.seek(at - size)
            found = file.read(size).rfind(b"\n")
            if found >= 0:
                return at - size + found + 1
            at -= size
    return 0


def _parsed(raw: bytes) -> Note | None:
    try:
        fields = orjson.loads(raw)
        at = datetime.fromisoformat(fields.pop("at"))
        words = [fields.pop(name) for name in ("kind", "role", "request_id")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not all(isinstance(word, str) for word in words):
        return None
    kind, role, request_id = words
    return Note(at if at.tzinfo else at.replace(tzinfo=UTC), kind, role, request_id, fields)


def _skip_line(file: BinaryIO) -> None:
    while (raw := file.readline(BLOCK)) and not raw.endswith(b"\n"):
        pass


def _raw_backwards(file: BinaryIO, at: int) -> Iterator[tuple[bytes, int]]:
    """Yield (line, its offset) back from `at`; of a line that is too long only that it is there."""
    tail: list[bytes] = []
    held = 0
    while at > 0:
        size = min(BLOCK, at)
        at -= size
        file.seek(at)
        first, *rest = file.read(size).split(b"\n")
        start = at + size
        for line in reversed(rest):
            start -= len(line)
            whole = _joined(line, tail, held)
            if whole is not None:
                yield whole, start
            start -= 1
            tail, held = [], 0
        tail, held = ([*tail, first], held + len(first)) if held <= LONGEST else ([], held)
    whole = _joined(b"", tail, held)
    if whole is not None:
        yield whole, 0


def _joined(first: bytes, tail: list[bytes], held: int) -> bytes | None:
    """Return a line from its parts (last part first); None when there is nothing in it."""
    if held > LONGEST:
        return b"too long"
    return b"".join([first, *reversed(tail)]) or None


def _number(path: Path, offset: int) -> int:
    """Return the number of the line that begins at `offset`."""
    number = 1
    with path.open("rb") as file:
        while offset > 0 and (block := file.read(min(BLOCK, offset))):
            number += block.count(b"\n")
            offset -= len(block)
    return number
