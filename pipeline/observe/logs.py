"""What agents said and did, for a person: the notes of all transcripts in one order, as lines.

-- 2026-11-21
03:59:28  planner   ISS-1    asked   Plan issue ISS-1. The workspace is at commit 620210ef0d.
03:59:29  planner   ISS-1    says    The rule is in words.py.
03:59:29  planner   ISS-1    calls   read_file path="words.py"
03:59:29  planner   ISS-1    result  read_file: 1 WORD = re.compile("[a-z]+") (+11 lines)
03:59:31  planner   ISS-1    ended   answered
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import islice

import orjson
from pydantic import JsonValue

from pipeline.domain.counting import counted
from pipeline.observe.column import Column
from pipeline.plans.sanitize import clean
from pipeline.store.transcript_lines import Damaged, Line, Note

Wanted = Callable[[Note], bool]
OnDamage = Callable[[Damaged], None]

ARGUMENT = 60
"""Characters of one argument of a tool call."""
ARGUMENTS = 160
"""Characters of all of them."""
REQUEST = 160
"""Characters of the first paragraph of a request."""
REMEMBERED = frozenset({"spawned", "settled", "folded"})
"""Kinds of notes that are there for an agent's memory to be made again; few people ask for them."""
RESULT = 120
"""Characters of a shortened result."""
MORE = 2_000
"""What a shortened text is cut to before it is looked at, so that a huge one costs nothing."""


def forwards(
    streams: Iterable[Iterator[Line]], wanted: Wanted, damaged: OnDamage
) -> Iterator[Note]:
    """Yield the wanted notes of all streams, oldest first; each stream is in order itself."""
    chosen = [_chosen(stream, wanted, damaged) for stream in streams]
    return heapq.merge(*chosen, key=lambda note: note.at)


def last(
    streams: Iterable[Iterator[Line]], count: int, wanted: Wanted, damaged: OnDamage
) -> list[Note]:
    """Return the last `count` wanted notes, oldest first, from streams that run backwards."""
    chosen = [_chosen(stream, wanted, damaged) for stream in streams]
    newest = heapq.merge(*chosen, key=lambda note: note.at, reverse=True)
    return list(islice(newest, count))[::-1]


def _chosen(stream: Iterator[Line], wanted: Wanted, damaged: OnDamage) -> Iterator[Note]:
    for line in stream:
        if isinstance(line, Damaged):
            damaged(line)
        elif wanted(line):
            yield line


class LogText:
    """Turns notes into lines, times in the zone of whoever reads; remembers the day it is at."""

    def __init__(self, *, full: bool = False) -> None:
        self._full = full
        self._day: date | None = None
        self._issue = Column(8)

    def lines(self, note: Note) -> Iterator[str]:
        """Yield the lines of one note, the date before them when it is another day."""
        at = note.at.astimezone()
        if at.date() != self._day:
            self._day = at.date()
            yield f"-- {self._day}"
        role, issue = (clean(word, one_line=True) for word in (note.role, note.issue_id))
        head = f"{at:%H:%M:%S}  {role:<9} {self._issue(issue)} "
        for word, text in _SAID.get(note.kind, _unknown)(note, self._full):
            first, *rest = clean(text).splitlines() or [""]
            yield f"{head} {word:<7} {first}".rstrip()
            yield from (f"    {line}".rstrip() for line in rest)


Said = Iterator[tuple[str, str]]
"""(what kind of thing, its text), one for each line head."""


def _request(note: Note, full: bool) -> Said:
    """Say what was asked, in its first words; the line before them only repeats the id."""
    first, _, rest = note.text("text").partition("\n")
    asked = rest.strip() if first.startswith("request_id:") else note.text("text")
    yield "asked", asked if full else _cut(" ".join(asked.partition("\n\n")[0].split()), REQUEST)


def _reply(note: Note, full: bool) -> Said:
    text, calls = note.text("text").strip(), note.fields.get("calls")
    if text:
        yield "says", text
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, list) and len(call) == 3:
            yield "calls", f"{call[1]} {_arguments(str(call[2]), full)}".rstrip()
    step = note.text("next_step")
    if step not in ("run_tools", "stop", ""):
        yield "stopped", step


def _tool(note: Note, full: bool) -> Said:
    text = note.text("text").strip("\n")
    shown = text if full else _shortened(text)
    yield "error" if note.fields.get("is_error") else "result", f"{note.text('tool')}: {shown}"


def _reminder(note: Note, full: bool) -> Said:
    yield "told", note.text("text") if full else _shortened(note.text("text"))


def _ended(note: Note, full: bool) -> Said:
    reason = note.text("reason")
    yield "ended", note.text("status") + (f": {reason}" if reason else "")


def _compacted(note: Note, full: bool) -> Said:
    sizes = f"{note.fields.get('tokens_before')} to {note.fields.get('tokens_after')} tokens"
    yield "summed", f"by {note.text('how')}: {sizes} ({note.text('reason')})"


def _cache_fell(note: Note, full: bool) -> Said:
    read, expected = note.fields.get("read"), note.fields.get("expected")
    yield "cache", f"{read} of {expected} expected tokens: {note.text('cause')}"


def _kept(note: Note, full: bool) -> Said:
    yield note.kind, note.text("text") or note.text("memory") or note.text("head_sha256")


def _unknown(note: Note, full: bool) -> Said:
    yield note.kind, note.text("text") if full else _shortened(note.text("text"))


_SAID: dict[str, Callable[[Note, bool], Said]] = {
    "request": _request,
    "reply": _reply,
    "tool": _tool,
    "reminder": _reminder,
    "compacted": _compacted,
    "cache_fell": _cache_fell,
    "ended": _ended,
    **dict.fromkeys(REMEMBERED, _kept),
}
"""How each kind of note is told; one that a newer version writes is told as it is."""


def _shortened(text: str) -> str:
    """Return the first line with something in it, and how many more there are."""
    more = text.count("\n")
    first = next((line for line in text[:MORE].splitlines() if line.strip()), "")
    shown = _cut(" ".join(first.split()), RESULT)
    return f"{shown} (+{counted(more, 'line')})" if more else shown


def _arguments(text: str, full: bool) -> str:
    """Return a call's arguments as `name=value`; what is no JSON object as it stands."""
    try:
        found: JsonValue = orjson.loads(text)
    except ValueError:
        found = text
    if full:
        return text if isinstance(found, str) else orjson.dumps(found).decode()
    if not isinstance(found, dict):
        return _cut(" ".join(text[:MORE].split()), ARGUMENTS)
    pairs = (f"{name}={_value(value)}" for name, value in found.items() if value is not None)
    return _cut(" ".join(pairs), ARGUMENTS)


def _value(value: JsonValue) -> str:
    return _cut(orjson.dumps(value[:MORE] if isinstance(value, str) else value).decode(), ARGUMENT)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
