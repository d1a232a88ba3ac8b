"""Wiring of what is said while the pipeline works: lines on stderr."""

import os
import sys

from pipeline.domain.base import utc_now
from pipeline.events import EventBus, Listener
from pipeline.observe.console import ConsoleLines, JsonLines
from pipeline.store.redaction import Redaction, secret_values


def event_bus(*, as_json: bool) -> EventBus:
    """Return a bus that tells every event on stderr: plain lines, or JSON lines."""
    redaction = Redaction(secret_values(os.environ))
    lines = ConsoleLines(sys.stderr, utc_now, redaction)
    objects = JsonLines(sys.stderr, utc_now, redaction)
    tell: Listener = objects if as_json else lines
    return EventBus([tell])
