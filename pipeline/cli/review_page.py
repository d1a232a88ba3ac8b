"""One page of a review on a screen: a bar, the part of the text that fits, what is held, the keys.

 2 of 5  SOL-ISS-002-1 for ISS-002                                 HIGH
Read dates with a time zone
...
 held: approve SOL-ISS-001-1 (u takes it back)        line 1 to 20, more below
 a approve  c changes  r reject  d defer  s skip  p back  i issue  ? keys  q quit
"""

from collections.abc import Iterable, Iterator, Sequence

from pipeline.plans.layout import Block, Row, Style, cells, cut, layout

COLOURS: dict[Style, str] = {
    "text": "",
    "title": "\x1b[1m",
    "head": "\x1b[1;36m",
    "code": "\x1b[32m",
    "warn": "\x1b[33m",
    "quiet": "\x1b[2m",
}
PLAIN: dict[Style, str] = {
    "text": "",
    "title": "\x1b[1m",
    "head": "\x1b[1m",
    "code": "",
    "warn": "",
    "quiet": "",
}
"""Style -> how it looks; bold is no colour."""
RESET, BOLD, BAR = "\x1b[0m", "\x1b[1m", "\x1b[7m"

WIDEST = 100
"""Longer lines than this are hard to read, however wide the window is."""
FRAME = 3
"""Rows that are not text: the bar, what is held, the keys."""


class Rows:
    """The rows of a text, made as far as somebody has looked; no row is wider than the screen."""

    def __init__(self, blocks: Iterable[Block], columns: int) -> None:
        self._made: list[Row] = []
        self._rest = fitted(layout(blocks, min(columns - 2, WIDEST)), columns - 2)
        self.ended = False

    def part(self, start: int, count: int) -> list[Row]:
        """Return `count` rows from row `start` on, or as many as there are."""
        while not self.ended and len(self._made) <= start + count:
            row = next(self._rest, None)
            if row is None:
                self.ended = True
            else:
                self._made.append(row)
        return self._made[start : start + count]

    def end(self) -> int:
        """Return how many rows there are, making all of them."""
        while not self.ended:
            self.part(len(self._made), 1000)
        return len(self._made)


class View:
    """A text on a screen of some size, and how far it is scrolled."""

    def __init__(self, blocks: Sequence[Block] | Iterator[Block], size: tuple[int, int]) -> None:
        self.columns, lines = size
        self.height = lines - FRAME
        self.rows = Rows(blocks, self.columns)
        self.top = 0

    def scroll(self, by: int) -> None:
        """Move by some rows, never beyond the first or the last page."""
        self.top = max(self.top + by, 0)
        if len(self.rows.part(self.top, self.height)) < self.height:
            self.top = max(self.rows.end() - self.height, 0) if by > 0 else self.top

    def to_end(self) -> None:
        """Move to the last page."""
        self.top = max(self.rows.end() - self.height, 0)

    def text(self, *, coloured: bool) -> list[str]:
        """Return the rows that are to be seen, as many as the screen has room for."""
        styles = COLOURS if coloured else PLAIN
        shown = [_styled(row, styles[row.style]) for row in self.rows.part(self.top, self.height)]
        return shown + [""] * (self.height - len(shown))

    def place(self) -> str:
        """Return in words which part is to be seen; empty when that is all."""
        last = self.top + len(self.rows.part(self.top, self.height))
        if self.rows.ended and self.top == 0 and last == len(self.rows.part(0, last + 1)):
            return ""
        more = "the end" if not self.rows.part(last, 1) else "more below"
        return f"lines {self.top + 1} to {last}, {more}"


def bar(left: str, right: str, columns: int) -> str:
    """Return one row in reverse: something on the left, something on the right."""
    return f"{BAR}{ends(left, right, columns)}{RESET}"


def ends(left: str, right: str, columns: int) -> str:
    """Return one row with `left` and `right` at its ends; the left one is cut where it must be."""
    room = columns - cells(right) - (3 if right else 1)
    if cells(left) > room:
        left = cut(left, max(room - 1, 1))[0] + "…"
    if not right:
        return f" {left}".ljust(columns)
    gap = max(columns - cells(left) - cells(right) - 2, 1)
    return f" {left}{' ' * gap}{right} "


def _styled(row: Row, style: str) -> str:
    return f" {style}{row.text}{RESET}" if style and row.text else f" {row.text}"


def fitted(rows: Iterable[Row], columns: int) -> Iterator[Row]:
    """Yield rows that are no wider than `columns`; what does not fit goes on in the next one."""
    for row in rows:
        text, rest = cut(row.text, columns)
        yield Row(text, row.style)
        while rest:
            text, rest = cut(rest, columns)
            yield Row(text, row.style)
