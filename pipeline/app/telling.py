"""Wiring of what is said while the pipeline works: lines on stderr."""

import sys

from pipeline.domain.base import utc_now
from pipeline.events import EventBus, Listener
from pipeline.observe.console import ConsoleLines, JsonLines


def event_bus(*, as_json: bool) -> EventBus:
    """Return a bus that tells every event on stderr: plain lines, or JSON lines."""
    lines, objects = ConsoleLines(sys.stderr, utc_now), JsonLines(sys.stderr, utc_now)
    tell: Listener = objects if as_json else lines
    return EventBus([tell])
