"""Wiring: the only file that constructs collaborators."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import git
from pipeline.app.telling import event_bus
from pipeline.domain.base import utc_now
from pipeline.domain.issue import Issue
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.execution.land import in_the_way
from pipeline.paths import Places, UserPlaces
from pipeline.plans.history import not_in_history
from pipeline.plans.ordering import backlog_problems
from pipeline.plans.standing import Standing, standings
from pipeline.safety.trust import require_trust
from pipeline.settings import Settings, default_config, load_settings
from pipeline.store.backlog import load_issues
from pipeline.store.book import Book
from pipeline.store.files import make_folder, write_atomic
from pipeline.store.journal import Probe, no_probe
from pipeline.store.run_info import alive
from pipeline.store.state import State

IGNORE_EVERYTHING = "*\n"


@dataclass(frozen=True)
class Project:
    """One repository with its settings: what every command starts from."""

    repo: git.Repository
    places: Places
    settings: Settings

    def issues(self) -> list[Issue]:
        """Read the backlog."""
        return load_issues(self.places)


def open_project(
    folder: Path,
    flags: Mapping[str, object] | None = None,
    *,
    initialized: bool = True,
    settings: bool = True,
) -> Project:
    """Find the repository around `folder` and read its settings.

    Raises `PipelineError` when there is no usable repository, when `.workflow/` is missing
    (unless `initialized` is False), when a tracked one is not trusted, or a setting is wrong
    (unless `settings` is False: then they are the defaults).
    """
    repo = git.open_repository(folder)
    places = Places(repo.root, UserPlaces.from_environment(), repo.git_dir)
    _require_folder(places.workflow)
    if initialized and not places.issues_file.parent.is_dir():
        raise PipelineError(f"{repo.root} is not set up yet: run `pipeline init` there first")
    if not settings:
        return Project(repo, places, Settings())
    require_trust(repo, places)
    return Project(repo, places, load_settings(places, os.environ, flags))


def _require_folder(path: Path) -> None:
    """Raise `PipelineError` when something else lies where `.workflow/` belongs."""
    if not path.is_dir() and (path.exists() or path.is_symlink()):
        raise PipelineError(
            f"{str(path)!r} is not a folder: move it away, then run `pipeline init`"
        )


def set_up(project: Project, config: str = "") -> list[Path]:
    """Make `.workflow/` with what is missing in it; return the files that were written.

    `config`: the text of `config.toml`, the commented defaults when it is empty.
    """
    places = project.places
    make_folder(places.issues_file.parent)
    wanted = {
        places.workflow / ".gitignore": IGNORE_EVERYTHING,
        places.config_file: config or default_config(),
    }
    made = [path for path in wanted if not path.exists()]
    for path in made:
        write_atomic(path, wanted[path].encode())
    return made


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


def where_all_stand(project: Project, state: State) -> list[Standing]:
    """Return where every issue stands, in the backlog's order."""
    issues = project.issues()
    working = alive(project.places) is not None
    parked = in_the_way(project.repo, state.run.branch) if state.run else None
    problems = backlog_problems(issues) | not_in_history(project.repo, state, issues)
    return standings(issues, state, problems, working=working, parked=parked)
