"""What a lane plays: a project, its settings, what the models say, and how it goes on and ends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.rehearsal.script import Script


@dataclass(frozen=True)
class Story:
    """One story; the same request always gets the same answer."""

    project: Mapping[str, str]
    """Path -> text of the files of the repository's first commit."""
    settings: Mapping[str, str]
    """What is set in the environment of every command."""
    set_up: tuple[tuple[str, ...], ...]
    """Commands that make `.workflow/` and its backlog; each but the first adds `--id NAME`."""
    script: Callable[[], Script]
    states: Mapping[str, str]
    """Issue id -> where it ends."""
    refused: str = ""
    """Plans whose id begins with this are rejected when they wait; all others are approved."""
    retried: str = ""
    """The issue that a person takes up again when it has failed."""
    undone: tuple[str, ...] = ()
    """Plans that are rolled back when all is done."""
    run: tuple[str, ...] = ("run",)
    """The command that resumes."""
