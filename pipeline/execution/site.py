"""Where and with what plans are carried out; made once per process by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipeline.events import EventBus
from pipeline.execution.verify import Verifier
from pipeline.execution.workspace import Workspaces
from pipeline.git import Repository
from pipeline.paths import Places
from pipeline.safety.gate import Gate
from pipeline.sandbox import Sandbox
from pipeline.settings import Settings
from pipeline.store.book import Book
from pipeline.store.entries import RunOpened
from pipeline.store.journal import Probe


@dataclass(frozen=True)
class Site:
    """Where and with what a plan is carried out."""

    repo: Repository
    places: Places
    settings: Settings
    book: Book
    bus: EventBus
    gate: Gate
    workspaces: Workspaces
    verifier: Verifier
    sandbox: Sandbox
    now: Callable[[], datetime]
    stop: Callable[[], bool]
    probe: Probe
    suite: tuple[str, ...]
    """The project's own test commands; empty: the project is untested."""
    run: RunOpened
