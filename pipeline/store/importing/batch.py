"""What a form makes of its documents: issues as their source says them, not yet in the backlog."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from pipeline.domain.issue import Issue
from pipeline.domain.wording import first_problem
from pipeline.errors import PipelineError

NOTHING = "nothing was imported"

PRIORITIES = {f"p{number}": number for number in range(1, 6)} | {
    "critical": 1,
    "high": 2,
    "medium": 3,
    "low": 4,
    "trivial": 5,
}
"""A priority in words, in lower case -> its number."""

A = TypeVar("A")
T = TypeVar("T")


@dataclass(frozen=True)
class Document:
    """One text to import from."""

    name: str
    """As messages call it."""
    text: str


@dataclass(frozen=True)
class Incoming:
    """One issue as its source says it."""

    issue: Issue
    depends_on: tuple[str, ...] = ()
    """Further dependencies, as they are written there: `#12`, `ISS-3`."""
    unsaid: frozenset[str] = frozenset()
    """Fields of which this source says nothing; what the backlog has stays."""


@dataclass(frozen=True)
class Batch:
    """What the documents of one import hold."""

    incoming: tuple[Incoming, ...]
    skipped: tuple[str, ...] = ()
    """Ids of closed issues and pull requests."""
    notes: tuple[str, ...] = ()
    """What a person should know, one line each."""


Reader = Callable[[Sequence[Document]], Batch]
"""Raises `PipelineError` that names document and place; then nothing is imported."""


def checked(where: str, make: Callable[[A], T], value: A) -> T:
    """Return `make(value)`; a wrong value is a `PipelineError` that begins with `where`."""
    try:
        return make(value)
    except ValidationError as error:
        raise PipelineError(f"{where}: {first_problem(error)}: {NOTHING}") from error
