"""Where in a text the ExecPlan is: the whole of it, or one fenced block.

To a Markdown parser a fence inside a plan ends it. Here the plan goes on to the fence behind its
last section, so that the inner one can be named.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.plans.execplan.skeleton import SECTIONS

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^`]*?)[ \t]*$")
SECTION = re.compile(rf"##[ \t]+(?:{'|'.join(map(re.escape, SECTIONS))})[ \t]*$")


@dataclass(frozen=True)
class Envelope:
    """Line numbers (from 0) around a plan, which is `lines[begin:end]`."""

    begin: int
    end: int
    opener: int | None = None
    """The line of the fence around it; None: there is none."""
    is_closed: bool = True
    second: int | None = None
    """The line of the fence around another plan behind it."""


def find_envelope(lines: Sequence[str]) -> Envelope:
    """Return where the first plan of a text is."""
    sections = [number for number, line in enumerate(lines) if SECTION.match(line)]
    fences = [number for number, line in enumerate(lines) if FENCE.match(line)]
    above = [number for number in fences if sections and number < sections[0]]
    if not above or not (_label(lines[above[-1]]) or _leads_to_title(lines, above[-1])):
        return Envelope(0, len(lines))
    opener = above[-1]
    later = [n for n in fences if n > opener and _label(lines[n]) and _leads_to_title(lines, n)]
    second = next((n for n in later if any(section > n for section in sections)), None)
    until = len(lines) if second is None else second
    last = max(section for section in sections if section < until)
    end = _closing(lines, [n for n in fences if last < n < until])
    return Envelope(opener + 1, until if end is None else end, opener, end is not None, second)


def label(line: str) -> str:
    """Return what stands at a fence: three backticks and `md` is `md`, tildes stay."""
    found = FENCE.match(line)
    assert found is not None
    return found[2] if found[1].startswith("`") else found[0].strip()


def _label(line: str) -> str:
    found = FENCE.match(line)
    return found[2] if found else ""


def _leads_to_title(lines: Sequence[str], fence: int) -> bool:
    return next((line for line in lines[fence + 1 :] if line.strip()), "").startswith("# ")


def _closing(lines: Sequence[str], fences: Sequence[int]) -> int | None:
    """Return the first of the `fences` that closes what was open before all of them."""
    depth = 0
    for number in fences:
        if _label(lines[number]):
            depth += 1
        elif depth:
            depth -= 1
        else:
            return number
    return None
