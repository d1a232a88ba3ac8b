"""The diffs of `apply_patch` (V4A): found by their context, not by line numbers.

    @@ def add(a, b):        an anchor: go on below this line (several narrow it down)
         one line of context
    -    the line that goes
    +    the line that comes
    *** End of File          the hunk stands at the file's end

Hunks go from top to bottom. A new file is a diff of `+` lines alone. Headers of unified diffs
(`--- a`, `+++ b`, `@@ -1,3 +1,4 @@`) and the envelope `*** Begin Patch` say nothing here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

END_OF_FILE = "*** End of File"
_ENVELOPE = ("*** Begin Patch", "*** End Patch", "*** Update File: ", "*** Add File: ")
_UNIFIED = re.compile(r"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@")


class PatchProblem(ValueError):
    """A diff that does not fit; its text goes back to the model."""


@dataclass
class Hunk:
    """One place of a file: anchors that lead there, and its lines with `" "`, `-` or `+`."""

    anchors: list[str] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    at_end: bool = False

    @property
    def old(self) -> list[str]:
        """Return the lines that have to be there."""
        return [text for sign, text in self.lines if sign != "+"]


@dataclass(frozen=True)
class Place:
    """Where a hunk fits, and the indentation that all of its lines lack there."""

    index: int
    indent: str = ""


def new_content(diff: str) -> str:
    """Return the content of a new file; every line of its diff begins with `+`."""
    lines = [line for line in _body(diff) if not line.startswith("@@") and line != END_OF_FILE]
    for number, line in enumerate(lines, 1):
        if not line.startswith("+"):
            raise PatchProblem(
                f"line {number} of the diff is {line[:60]!r}: a new file has lines with + alone"
            )
    return "".join(f"{line[1:]}\n" for line in lines)


def patched(before: str, diff: str, *, shown: str) -> str:
    """Return the text after the diff; raises `PatchProblem` when a hunk has not one clear place."""
    hunks = _hunks(diff)
    windows = "\r\n" in before
    lines = before.split("\n")
    ends = lines.pop() if before.endswith("\n") or not before else None
    after: list[str] = []
    done = 0
    for number, hunk in enumerate(hunks, 1):
        place = _find(lines, done, hunk, f"hunk {number} of the diff for {shown!r}")
        after += lines[done : place.index]
        done = place.index
        for sign, text in hunk.lines:
            if sign == "+":
                ending = "\r" if windows else ""
                after.append(f"{place.indent if text else ''}{text}{ending}")
                continue
            if sign == " ":
                after.append(lines[done])
            done += 1
    after += lines[done:]
    text = "\n".join(after) + ("\n" if ends is not None and after else "")
    if text == before:
        raise PatchProblem(f"the diff changes nothing in {shown!r}")
    return text


def _body(diff: str) -> list[str]:
    """Return the lines of a diff without what only frames it."""
    lines = [line.removesuffix("\r") for line in diff.split("\n")]
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) > 1 and lines[0].startswith("--- ") and lines[1].startswith("+++ "):
        lines = lines[2:]
    return [line for line in lines if not line.startswith(_ENVELOPE)]


def _hunks(diff: str) -> list[Hunk]:
    hunks: list[Hunk] = []
    current: Hunk | None = None
    for number, line in enumerate(_body(diff), 1):
        if line.startswith("@@"):
            if current is None or current.lines:
                current = Hunk()
                hunks.append(current)
            anchor = "" if _UNIFIED.match(line) else line[2:].removeprefix(" ")
            current.anchors += [anchor] if anchor.strip() else []
            continue
        if current is None or current.at_end:
            current = Hunk()
            hunks.append(current)
        if line == END_OF_FILE:
            current.at_end = True
        elif not line or line[0] in " -+":
            current.lines.append((line[:1] or " ", line[1:]))
        elif not line.startswith("\\ No newline"):
            raise PatchProblem(
                f"line {number} of the diff is {line[:60]!r}: it begins with none of '@@', ' ', "
                "'-' and '+'"
            )
    _without_blank_tails(hunks)
    if not any(sign != " " for hunk in hunks for sign, _ in hunk.lines):
        raise PatchProblem("the diff has no line that begins with + or -: nothing would change")
    return hunks


def _without_blank_tails(hunks: Sequence[Hunk]) -> None:
    """Drop the empty lines that separate a hunk from the next: they are no context."""
    for hunk in hunks:
        while len(hunk.lines) > 1 and hunk.lines[-1] == (" ", ""):
            hunk.lines.pop()


def _find(lines: Sequence[str], start: int, hunk: Hunk, name: str) -> Place:
    for anchor in hunk.anchors:
        start = _below(lines, start, anchor, name)
    old = hunk.old
    if not old:
        return _insertion(lines, start, hunk, name)
    for fits in _WAYS:
        places = [
            Place(index, indent)
            for index in range(start, len(lines) - len(old) + 1)
            if (indent := fits(lines[index : index + len(old)], old)) is not None
        ]
        if hunk.at_end:
            places = [place for place in places if place.index + len(old) == len(lines)]
        if len(places) > 1 and not hunk.anchors:
            where = ", ".join(str(place.index + 1) for place in places[:5])
            raise PatchProblem(
                f"{name} fits {len(places)} places (lines {where}): give more lines of context, or "
                "an anchor such as '@@ def name(...):'"
            )
        if places:
            return places[0]
    raise PatchProblem(f"{name} does not fit. {_nearest(lines, start, old)}")


def _below(lines: Sequence[str], start: int, anchor: str, name: str) -> int:
    """Return the index after the first line that is `anchor`, whitespace around it aside."""
    for index in range(start, len(lines)):
        if lines[index].strip() == anchor.strip():
            return index + 1
    raise PatchProblem(f"{name}: no line after line {start} is the anchor {anchor[:80]!r}")


def _insertion(lines: Sequence[str], start: int, hunk: Hunk, name: str) -> Place:
    """Return where lines without context go: to the end, or below the anchor."""
    if hunk.at_end or not lines:
        return Place(len(lines))
    if hunk.anchors:
        return Place(start)
    raise PatchProblem(f"{name} has no line of context: it could go anywhere")


def _exactly(there: Sequence[str], old: Sequence[str]) -> str | None:
    return "" if list(there) == list(old) else None


def _but_for_line_ends(there: Sequence[str], old: Sequence[str]) -> str | None:
    return _exactly([line.rstrip() for line in there], [line.rstrip() for line in old])


def _but_for_indent(there: Sequence[str], old: Sequence[str]) -> str | None:
    """Return the one indentation that all lines of `old` lack; None when there is no such."""
    first = next((i for i, line in enumerate(old) if line.strip()), None)
    if first is None or not there[first].rstrip().endswith(old[first].rstrip()):
        return None
    indent = there[first].rstrip()[: -len(old[first].rstrip())]
    if indent.strip():
        return None
    moved = [f"{indent}{line}" if line.strip() else line for line in old]
    return indent if _but_for_line_ends(there, moved) is not None else None


_WAYS: tuple[Callable[[Sequence[str], Sequence[str]], str | None], ...] = (
    _exactly,
    _but_for_line_ends,
    _but_for_indent,
)
"""Ways in which a hunk may fit, the strictest first; each returns the indentation to add."""


def _nearest(lines: Sequence[str], start: int, old: Sequence[str]) -> str:
    """Return what helps the next try: the first line of the hunk that is not in the file."""
    known = {line.strip() for line in lines}
    strange = next((line for line in old if line.strip() not in known), None)
    if strange is not None:
        return f"This line of it is not in the file: {strange[:100]!r}. Read the file again."
    above = {line.strip() for line in lines[start:]}
    if any(line.strip() not in above for line in old):
        return f"It stands above line {start + 1}: hunks go from top to bottom."
    return "Its lines are in the file, but not one after the other: read around them again."
