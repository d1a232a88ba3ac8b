"""The journal's chain, proven line by line: what is not as it was written is named.

`Journal` stops at the first line that it cannot use; here the reader goes on behind it, so that one
look tells all that was done. Read as a stream, without a lock.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.store.line import MODELS, NO_HASH, Line

_FORM = re.compile(
    rb'\{"seq":(\d{1,18}),"at":"[0-9T:.Z-]{24}","kind":"([a-z_]{1,40})","data":\{'
    rb'.*\},"prev":"[0-9a-f]{64}","hash":"[0-9a-f]{64}"\}\n',
    re.DOTALL,
)


@dataclass(frozen=True)
class Flaw:
    """Something in the journal that is not as it was written."""

    line: int | None
    """Where in the file, from 1; None: not at one place."""
    what: str


@dataclass
class Walk:
    """What a look at the whole file found; `hashes` holds those that were asked for."""

    lines: int = 0
    first: str = ""
    """Hash of the first line."""
    last: int = 0
    """The highest number of a line."""
    is_torn: bool = False
    """The last line is not finished: a crash did that, or it is being written now."""
    hashes: dict[int, str] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)


@dataclass
class _Gap:
    """Numbers that were passed over, before a line of the file."""

    line: int
    begin: int
    end: int
    found: int = 0
    """How many of them stand further down."""


def walk(path: Path, *, wanted: frozenset[int], see: Callable[[Line], object]) -> Walk:
    """Check every line of the journal at `path`, hand those that are whole to `see`.

    `wanted`: numbers of lines whose hashes are kept.
    """
    result = Walk()
    gaps: list[_Gap] = []
    before: Line | None = None
    lost = 0
    for number, offset, raw in _raw_lines(path):
        if not raw.endswith(b"\n"):
            result.is_torn = True
            break
        result.lines = number
        line = _line(raw, offset)
        if line is None:
            result.flaws.append(Flaw(number, "it was changed: it has not the form of a line"))
            before, lost = None, lost + 1
            continue
        result.flaws += _flaws(number, line, before, result.last, lost, gaps)
        if line.seq in wanted:
            result.hashes[line.seq] = line.hash
        result.first = result.first or line.hash
        if line.seq > result.last:
            before, result.last, lost = line, line.seq, 0
        if line.is_sound and line.kind in MODELS:
            see(line)
    result.flaws += _removed(gaps)
    result.flaws.sort(key=lambda flaw: flaw.line or 0)
    return result


def _raw_lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, offset and bytes of each line of the file."""
    offset = 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            yield number, offset, raw
            offset += len(raw)


def _line(raw: bytes, offset: int) -> Line | None:
    found = _FORM.fullmatch(raw)
    return Line(int(found[1]), found[2].decode(), offset, raw) if found else None


def _flaws(
    number: int, line: Line, before: Line | None, last: int, lost: int, gaps: list[_Gap]
) -> Iterator[Flaw]:
    """Yield what is wrong with a line; `lost` ones before it could not be read."""
    if not line.is_sound:
        yield Flaw(number, "it was changed: its hash is not that of its bytes")
    if line.seq > last + 1 + lost:
        gaps.append(_Gap(number, last + 1, line.seq - 1))
    elif line.seq <= last:
        yield Flaw(number, _displaced(line.seq, gaps))
    elif line.prev != (before.hash if before else NO_HASH) and (before or number == 1):
        yield Flaw(number, _unlinked(line.seq))


def _displaced(seq: int, gaps: list[_Gap]) -> str:
    """Return what is wrong with a line that stands behind one with a higher number."""
    for gap in gaps:
        if gap.begin <= seq <= gap.end:
            gap.found += 1
            return f"it was moved: number {seq} belongs before line {gap.line}"
    return f"it was put in: number {seq} is there already"


def _unlinked(seq: int) -> str:
    if seq == 1:
        return "it was put in: no line stands before it, yet it follows one"
    return f"the chain breaks: it does not follow from number {seq - 1}, one of them was rewritten"


def _removed(gaps: list[_Gap]) -> Iterator[Flaw]:
    for gap in gaps:
        count = gap.end - gap.begin + 1
        if gap.found < count:
            span = f"number {gap.begin}" if count == 1 else f"numbers {gap.begin} to {gap.end}"
            some = f", all but {gap.found}" if gap.found else ""
            yield Flaw(gap.line, f"before it {span} {'is' if count == 1 else 'are'} missing{some}")
