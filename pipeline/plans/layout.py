"""Text for a person as blocks, and the rows that they come to at some width.

Rows are made one by one as they are asked for: the first screen of a plan of megabytes costs what
the first screen of a small one costs. Width is counted in the cells of a terminal.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pipeline.plans.sanitize import clean

Style = Literal["text", "title", "head", "code", "warn", "quiet"]
"""What a row is, for whoever has colours."""

TAB = 4
_PARTS = re.compile(r"[ \t]+|[^ \t]+")


@dataclass(frozen=True)
class Block:
    """Text that others may have written; it is cleaned when it is laid out."""

    text: str
    first: str = ""
    """What stands before its first row."""
    rest: str | None = None
    """What stands before every other row; None: the same as before the first."""
    style: Style = "text"
    verbatim: bool = False
    """True: its own lines as they are, never wrapped (commands, file contents)."""


class Row(NamedTuple):
    """One row: no line end, no control characters."""

    text: str
    style: Style = "text"


def layout(blocks: Iterable[Block], width: int) -> Iterator[Row]:
    """Yield the rows of `blocks`; a word or a verbatim line may be wider than `width`."""
    for block in blocks:
        rest = block.first if block.rest is None else block.rest
        indent = block.first
        text = clean(block.text) if block.verbatim else clean(block.text).strip()
        for line in _lines(text):
            if block.verbatim:
                yield Row((indent + line.expandtabs(TAB)).rstrip(), block.style)
            else:
                yield from (Row(one, block.style) for one in _wrap(line, indent, rest, width))
            indent = rest


def cells(text: str) -> int:
    """Return how many cells of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(char) for char in text)


def cut(text: str, width: int) -> tuple[str, str]:
    """Return what of `text` fits into `width` cells (one character at least), and the rest."""
    if len(text) <= width and text.isascii():
        return text, ""
    used = 0
    for place, char in enumerate(text):
        used += _cells_of(char)
        if used > width and place:
            return text[:place], text[place:]
    return text, ""


def _cells_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _lines(text: str) -> Iterator[str]:
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _wrap(line: str, first: str, rest: str, width: int) -> Iterator[str]:
    row, used, gap = first, cells(first), ""
    empty = True
    for part in _PARTS.finditer(line):
        word = part[0]
        if word[0] in " \t":
            gap = word.expandtabs(TAB)
            continue
        if not empty and used + len(gap) + cells(word) > width:
            yield row
            row, used, gap = rest, cells(rest), ""
        row += gap + word
        used += len(gap) + cells(word)
        gap, empty = "", False
    yield row if not empty else ""
