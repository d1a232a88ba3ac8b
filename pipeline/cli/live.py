"""The live view of a run: a few rows on what it is at, below one line for each thing that ended.

A listener on the bus writes the lines. A thread looks at the files that every other process may
look at too, and paints the rows; it changes nothing and holds no lock of the records.
"""

import signal
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import TextIO

from pipeline import events as e
from pipeline.cli.painter import Painter, may_paint, size_of
from pipeline.domain.base import utc_now
from pipeline.observe.console import Lines
from pipeline.observe.look import Watcher
from pipeline.observe.panel import fitted, panel, shortened
from pipeline.paths import Places
from pipeline.plans.layout import Block, Row, layout
from pipeline.store.redaction import Redaction

STEP_S = 1.0
MOST_ROWS = 3
"""Rows of one line; the rest of a longer one is in the report."""
INDENT = " " * 10

PASSING = (e.Moment, e.AttemptStarted, e.CommandRan, e.PlanningStarted, e.ToolCalled)
"""What the rows show while it lasts, and no line is written for."""


def coloured(environ: Mapping[str, str]) -> bool:
    """Tell whether colours are wanted (https://no-color.org)."""
    return not environ.get("NO_COLOR")


class Live:
    """The view; use it as a context manager, and as a listener inside."""

    def __init__(
        self,
        stream: TextIO,
        places: Places,
        environ: Mapping[str, str],
        redaction: Redaction,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._painter = Painter(stream, size_of(stream), coloured=coloured(environ))
        self._watcher = Watcher(places, clock, lambda: None)
        self._redaction = redaction
        self._line = Lines()
        self._clock = clock
        self._guard = threading.Lock()  # protects the painter and the rows
        self._rows: list[Row] = []
        self._is_over = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._keep_painting, name="live", daemon=True)
        self._before: object = signal.SIG_DFL

    def __enter__(self) -> "Live":
        self._before = signal.signal(signal.SIGCONT, lambda *_: self._painter.forget())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._wake.set()
        self._thread.join()
        signal.signal(signal.SIGCONT, self._before)  # type: ignore[arg-type]
        self._painter.paint([])

    def __call__(self, event: e.Event) -> None:
        """Write the line of something that has ended."""
        if isinstance(event, PASSING):
            return
        text = f"{self._clock().astimezone():%H:%M:%S}  {self._redaction(self._line(event))}"
        with self._guard:
            columns, _ = self._painter.size()
            self._painter.paint(self._fitted(), wrapped(text, columns))
        self._wake.set()

    def _keep_painting(self) -> None:
        while not self._is_over.is_set():
            self._wake.wait(STEP_S)
            self._wake.clear()
            view = self._watcher.look()
            if view is not None:
                with self._guard:
                    self._rows = [Row(""), *panel(view)]
                    self._painter.paint(self._fitted())

    def _fitted(self) -> list[Row]:
        columns, lines = self._painter.size()
        return fitted(self._rows, columns - 1, max(lines - 1, 1))


def wrapped(text: str, columns: int) -> list[str]:
    """Return a line as rows of a terminal, the later ones indented, a very long one cut."""
    width = max(columns - 1, 1)
    rows = [row.text for row in layout([Block(text, rest=INDENT)], width)]
    if len(rows) > MOST_ROWS:
        rows[MOST_ROWS - 1 :] = [f"{rows[MOST_ROWS - 1]} …"]
    return [shortened(row, width) for row in rows]


def live_view(
    stream: TextIO, places: Places, environ: Mapping[str, str], redaction: Redaction
) -> Live | None:
    """Return the live view of a run; None where only plain lines can be written."""
    return Live(stream, places, environ, redaction) if may_paint(stream, environ) else None
