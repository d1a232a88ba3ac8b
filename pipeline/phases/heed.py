"""Heeding what a person asks of a run from another process, between two of its steps.

pipeline pause          wait here, until `pipeline resume` or `pipeline stop`
pipeline stop           raise `StopAsked`: what was under way has ended
pipeline stop --now     raises the stop flag, wherever it is looked at: `app/working.py`
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pipeline.domain.base import iso
from pipeline.errors import StopAsked, Stopped
from pipeline.events import Continued, EventBus, Paused
from pipeline.safety.budget import Purse
from pipeline.store.asked import Asked, What
from pipeline.store.book import Book
from pipeline.store.entries import RunContinued, RunPaused, RunStopped
from pipeline.store.run_file import RunFile

CARRIES_ON = "`pipeline run` carries on where it stopped"
STEP_S = 0.25
"""Longest time between two looks while the run is paused, in seconds."""


@dataclass
class Heed:
    """What one process does about what is asked of it; called between its steps."""

    held: RunFile
    book: Book
    bus: EventBus
    purse: Purse
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    """Waits the given seconds; other threads work meanwhile."""
    _is_paused: bool = field(default=False, init=False)
    """It was said that the run is paused: both lanes of an overlap come here."""

    def __call__(self, stop: Callable[[], bool]) -> None:
        """Wait while a pause is asked for.

        Raises `StopAsked`, and `Stopped` when `stop` says so meanwhile. The time of a pause is
        none of the run's minutes.
        """
        asked = self._pause()
        if asked is None:
            return
        self._tell(asked)
        self.purse.open_issue(None, None, None)  # this thread counts as one that waits
        try:
            with self.purse.idle():
                while self._pause() is not None:
                    if stop():
                        raise Stopped(f"interrupted while paused by {asked.by}; {CARRIES_ON}")
                    self.sleep(STEP_S)
        finally:
            self.purse.close_issue()
        if self._is_paused:
            self._is_paused = False
            self.held.pause_since(None)
            self.book.record(RunContinued())
            self.bus.emit(Continued())

    def record_stop(self, *, signalled: bool) -> None:
        """Record why the process ends, where somebody asked it to, or a signal did."""
        asked = self.held.inbox.look()
        if asked is not None and asked.what is not What.PAUSE:
            how: Literal["stop", "stop now"] = "stop now" if asked.what is What.STOP_NOW else "stop"
            self.book.record(RunStopped(how=how, by=asked.by))
        elif signalled:
            self.book.record(RunStopped(how="signal"))

    def _pause(self) -> Asked | None:
        """Return the pause that is asked for, or None; raises `StopAsked`."""
        asked = self.held.inbox.look()
        if asked is not None and asked.what is not What.PAUSE:
            raise StopAsked(f"stopped by {asked.by}; {CARRIES_ON}")
        return asked

    def _tell(self, asked: Asked) -> None:
        if not self._is_paused:
            self._is_paused = True
            self.book.record(RunPaused(by=asked.by))
            self.book.flush()
            self.held.pause_since(iso(self.now()))
            self.bus.emit(Paused(asked.by, datetime.fromisoformat(asked.at)))
