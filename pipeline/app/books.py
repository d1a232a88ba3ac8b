"""The book of a project: opened for work, or for reading."""

from pipeline import git
from pipeline.app.project import Project
from pipeline.app.telling import event_bus
from pipeline.domain.base import utc_now
from pipeline.events import EventBus
from pipeline.store.book import Book
from pipeline.store.journal import Probe, no_probe
from pipeline.store.state import State


def open_book(project: Project, bus: EventBus, *, probe: Probe = no_probe) -> Book:
    """Open the journal and the documents of a project, up to date with each other."""
    book = Book(project.places, bus, utc_now, probe)
    book.verify()
    book.start(lambda commit: commit_exists(project, commit))
    return book


def read_book(project: Project) -> Book:
    """Return the book for reading; a missing journal is started from the documents first."""
    book = Book(project.places, event_bus(as_json=False), utc_now)
    book.adopt(lambda commit: commit_exists(project, commit))
    return book


def read_state(project: Project) -> State:
    """Return the journal's state for reading."""
    return read_book(project).state


def commit_exists(project: Project, commit: str) -> bool:
    """Tell whether a recorded commit is in this repository."""
    return git.resolve(project.repo, f"{commit}^{{commit}}") is not None
