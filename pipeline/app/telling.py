"""Wiring of what is said while the pipeline works: lines on stderr, a file for who watches."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from pipeline.domain.base import utc_now
from pipeline.domain.wanted import Wanted
from pipeline.events import EventBus, Listener
from pipeline.observe.console import ConsoleLines, JsonLines
from pipeline.observe.happening import Happening
from pipeline.paths import Places
from pipeline.store.now import Now, save_now
from pipeline.store.redaction import Redaction, secret_values

PAUSE_S = 0.1
"""Between two writes of what is going on; whoever watches looks once a second."""


class Newest:
    """Has the newest thing it was given written, by a thread that nobody waits for."""

    def __init__(self, first: Now, write: Callable[[Now], None]) -> None:
        self._now = first
        self._write = write
        self._is_new, self._is_over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="telling", daemon=True)
        write(first)

    def __call__(self, now: Now) -> None:
        """Have `now` written soon, unless there is something newer by then."""
        self._now = now
        self._is_new.set()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write while inside; afterwards nothing is written any more."""
        self._thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            self._is_new.set()
            self._thread.join()

    def _work(self) -> None:
        while self._is_new.wait() and not self._is_over.is_set():
            self._is_new.clear()
            self._write(self._now)
            self._is_over.wait(PAUSE_S)


@contextmanager
def telling_now(places: Places, bus: EventBus, wanted: Wanted) -> Iterator[None]:
    """Keep a file of what this process is doing while inside, for whoever watches."""
    only = (*wanted.issues, *wanted.solutions)
    first = Now(os.getpid(), plans=wanted.planning, executes=wanted.execution, only=only)
    newest = Newest(first, partial(save_now, places))
    happening = Happening(first, newest, utc_now, Redaction(secret_values(os.environ)))
    bus.listeners.append(happening)
    try:
        with newest.writing():
            yield
    finally:
        bus.listeners.remove(happening)
        places.now_file.unlink(missing_ok=True)


def event_bus(*, as_json: bool) -> EventBus:
    """Return a bus that tells every event on stderr: plain lines, or JSON lines."""
    redaction = Redaction(secret_values(os.environ))
    lines = ConsoleLines(sys.stderr, utc_now, redaction)
    objects = JsonLines(sys.stderr, utc_now, redaction)
    tell: Listener = objects if as_json else lines
    return EventBus([tell])
