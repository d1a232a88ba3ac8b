"""A few rows at the end of a terminal that are written over, below the lines that stay.

Nothing of the terminal is changed that would have to be put back: the cursor stays visible below
the rows, and there is no other screen. So a process that is killed leaves a terminal that works.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from pipeline.cli.review_page import COLOURS, PLAIN, RESET
from pipeline.plans.layout import Row, cells

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""What stands between is shown at once, by terminals that know of it (private mode 2026)."""

Size = Callable[[], tuple[int, int]]
"""Columns and lines of the terminal, as they are now."""


def may_paint(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether rows can be written over: on a terminal that is not dumb, and not in CI."""
    is_dumb = environ.get("TERM", "") in ("", "dumb")
    return stream.isatty() and not is_dumb and not environ.get("CI")


def size_of(stream: TextIO) -> Size:
    """Return what asks for the size of the terminal behind `stream`."""

    def size() -> tuple[int, int]:
        try:
            found = os.get_terminal_size(stream.fileno())
        except OSError:
            found = shutil.get_terminal_size()
        return found.columns or 80, found.lines or 24

    return size


class Painter:
    """Writes rows over the rows that it wrote before."""

    def __init__(self, stream: TextIO, size: Size, *, coloured: bool) -> None:
        self.size = size
        self._stream = stream
        self._looks = COLOURS if coloured else PLAIN
        self._drawn: list[int] = []
        """Cells of each row on the screen."""

    def paint(self, rows: Sequence[Row], above: Sequence[str] = ()) -> None:
        """Show `rows` in the place of those before; `above` stays, above them."""
        columns, _ = self.size()
        up = sum(max(1, -(-used // columns)) for used in self._drawn)
        back = f"\x1b[{up}A\r" if up else "\r"
        fresh = "\x1b[J" if above or len(rows) < up else ""
        lines = [*above, *map(self._shown, rows)]
        text = "".join(f"{line}\x1b[K\n" for line in lines)
        self._write(f"{BEGIN}{back}{fresh}{text}\x1b[J{END}")
        self._drawn = [cells(row.text) for row in rows]

    def forget(self) -> None:
        """Begin below what is on the screen now: somebody else has written there."""
        self._drawn = []

    def _shown(self, row: Row) -> str:
        look = self._looks[row.style]
        return f"{look}{row.text}{RESET}" if look else row.text

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
