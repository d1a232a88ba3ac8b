"""Prompts at three levels: shipped with the pipeline, the user's own, the project's.

    shipped    in the package                       always there, all of them
    user       ~/.config/pipeline/prompts/NAME.md   for all repositories of this user
    project    .workflow/prompts/NAME.md            for this repository; counts most

Each file can be overridden alone.
"""

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Literal

from pipeline.agents.prompts import Prompts, package_prompts, read_prompt
from pipeline.domain.nearest import no_such
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.files import make_folder, write_atomic

Level = Literal["shipped", "user", "project"]


@dataclass(frozen=True)
class PromptFile:
    """One file with a prompt. `problem` says why it cannot be used; `in_force` whether it is."""

    name: str
    level: Level
    path: Path
    variables: tuple[str, ...]
    in_force: bool
    problem: str | None = None


class PromptLevels:
    """The prompts of one user and one project, with those that ship."""

    def __init__(self, places: Places) -> None:
        self._own: dict[Level, Path] = {
            "shipped": package_prompts(),
            "user": places.user_prompts,
            "project": places.prompts,
        }
        self.prompts = Prompts((places.user_prompts, places.prompts))

    def files(self) -> list[PromptFile]:
        """Return every prompt, each followed by what overrides it, and files of no known name."""
        known = self.prompts.names()
        paths = self.prompts.overrides()
        strangers = sorted({path.stem for path in paths if path.stem not in known})
        return [
            self._file(level, folder / f"{name}.md")
            for name in [*known, *strangers]
            for level, folder in self._own.items()
            if level == "shipped" or folder / f"{name}.md" in paths
            if name in known or level != "shipped"
        ]

    def in_force(self, name: str) -> Path:
        """Return the file that prompt `name` is read from; raises for one that there is not."""
        self._require(name)
        return self.prompts.path(name)

    def shipped(self, name: str) -> Path:
        """Return the file that ships; raises `PipelineError` for a name that there is not."""
        self._require(name)
        return self._own["shipped"] / f"{name}.md"

    def difference(self, name: str) -> str:
        """Return the unified diff from the shipped text to the one in force; "" if it is ours."""
        ours, theirs = self.shipped(name), self.in_force(name)
        if ours == theirs:
            return ""
        old, new = (read_prompt(path).splitlines() for path in (ours, theirs))
        lines = unified_diff(old, new, f"shipped/{name}.md", str(theirs), lineterm="")
        return "\n".join(lines)

    def copy(self, name: str, level: Level) -> Path:
        """Copy the shipped text to a level to be changed there; never over what is there."""
        ours, path = self.shipped(name), self._own[level] / f"{name}.md"
        if path.exists() or path.is_symlink():
            raise PipelineError(f"{path} is there already: change it, or remove it first")
        make_folder(path.parent)
        write_atomic(path, ours.read_bytes())
        return path

    def _file(self, level: Level, path: Path) -> PromptFile:
        name = path.stem
        known = name in self.prompts.names()
        return PromptFile(
            name,
            level,
            path,
            tuple(self.prompts.variables(name)) if known else (),
            in_force=known and self.prompts.path(name) == path,
            problem=None if level == "shipped" else self.prompts.problem(path),
        )

    def _require(self, name: str) -> None:
        known = self.prompts.names()
        if name not in known:
            raise no_such("prompt", name, known, f"the names are {', '.join(known)}")
