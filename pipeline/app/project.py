"""Wiring: the only file that constructs collaborators."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import git
from pipeline.domain.issue import Issue
from pipeline.errors import PipelineError
from pipeline.paths import Places, UserPlaces
from pipeline.safety.trust import require_trust
from pipeline.settings import Settings, default_config, load_settings
from pipeline.store.backlog import load_issues
from pipeline.store.files import make_folder, write_atomic

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


def set_up(project: Project, config: str = "", *, dry_run: bool = False) -> list[Path]:
    """Make `.workflow/` with what is missing in it; return the files that were written.

    `config`: the text of `config.toml`, the commented defaults when it is empty. With `dry_run`
    nothing is written, and the files are those that would be.
    """
    places = project.places
    wanted = {
        places.workflow / ".gitignore": IGNORE_EVERYTHING,
        places.config_file: config or default_config(),
    }
    made = [path for path in wanted if not path.exists()]
    if dry_run:
        return made
    make_folder(places.issues_file.parent)
    for path in made:
        write_atomic(path, wanted[path].encode())
    return made
