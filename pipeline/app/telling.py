"""Wiring of what is said while the pipeline works: lines on stderr."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.domain.base import utc_now
from pipeline.events import EventBus, Listener
from pipeline.observe.console import ConsoleLines, JsonLines
from pipeline.observe.happening import Happening
from pipeline.paths import Places
from pipeline.store.now import Now, save_now
from pipeline.store.redaction import Redaction, secret_values


@contextmanager
def telling_now(places: Places, bus: EventBus, *, plans: bool, executes: bool) -> Iterator[None]:
    """Keep a file of what this process is doing while inside, for whoever watches."""

    def tell(now: Now) -> None:
        save_now(places, now)

    first = Now(os.getpid(), plans=plans, executes=executes)
    happening = Happening(first, tell, utc_now, Redaction(secret_values(os.environ)))
    tell(first)
    bus.listeners.append(happening)
    try:
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
