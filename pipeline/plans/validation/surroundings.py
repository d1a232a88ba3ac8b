"""What validation knows of the repository and of the place where commands run.

git is asked through its open process, once for all paths of a plan.
"""

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.git import Trees
from pipeline.sandbox import Jail, environment

FOLDER, LINK, SUBMODULE = "40000", "120000", "160000"
"""git's modes of what is no plain file."""


def _nothing_there(paths: Collection[str]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Surroundings:
    """What a plan stands on, and what its commands find."""

    modes: Callable[[Collection[str]], Mapping[str, str]] = _nothing_there
    """Return git's mode (`100644`) of each path that is there at the plan's base commit."""
    created_earlier: frozenset[str] = frozenset()
    """Paths that the plans of the issue's dependencies create."""
    kept: tuple[str, ...] = ()
    """What workspaces hold besides the commit (`.venv`, `target`); never part of a change."""
    has_program: Callable[[str], bool] | None = None
    """Tell whether a command finds a program: a name, an absolute path, or a path below one of
    `kept`. None: not known, and then not checked."""
    closed: tuple[Path, ...] = ()
    """Folders on the host that no privilege opens."""


def surroundings_at(
    trees: Trees,
    commit: str,
    created_earlier: frozenset[str],
    jail: Jail | None = None,
    closed: tuple[Path, ...] = (),
) -> Surroundings:
    """Return what surrounds a plan at a commit; `jail` is where the plan's commands will run."""

    def modes(paths: Collection[str]) -> Mapping[str, str]:
        return trees.modes_at(commit, paths)

    if jail is None:
        return Surroundings(modes, created_earlier, closed=closed)
    places = (*jail.keep, *(place for _, place in jail.copies))
    kept = tuple(place.relative_to(jail.checkout).as_posix() for place in places)
    return Surroundings(modes, created_earlier, kept, _Programs(jail), closed)


@dataclass(frozen=True)
class _Programs:
    """Finds programs as a command in `jail` does."""

    jail: Jail

    def __call__(self, name: str) -> bool:
        if "/" in name:
            return Path(self.jail.checkout, name).exists()
        return shutil.which(name, path=environment(self.jail)["PATH"]) is not None
