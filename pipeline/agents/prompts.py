"""What agents are told: Markdown files in `prompts/`, with `{{variable}}` filled in.

The folders are given in order and the last one that has a file wins; the package comes first. An
override that misses a variable, or uses one that is not there, is an error that names the place.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import PipelineError

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_PACKAGE = Path(__file__).resolve().parent.parent
_COMMENT = re.compile(r"\A<!--.*?-->\s*", re.DOTALL)


def package_prompts() -> Path:
    """Return the folder of the prompts that ship with the pipeline (in a wheel, in a checkout)."""
    inside = _PACKAGE / "prompts"
    return inside if inside.is_dir() else _PACKAGE.parent / "prompts"


class Prompts:
    """The prompts in force; `folders` override the package's, the last one wins."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = (package_prompts(), *folders)

    def render(self, name: str, variables: Mapping[str, str] | None = None) -> str:
        """Return the prompt `name` (without `.md`) with all `variables` filled in.

        A value is never searched for variables. A leading HTML comment (a note for whoever
        edits the file) is left out.
        """
        path = self.path(name)
        given = variables or {}
        text = _read(path)
        _check(path, text, given)
        body = _COMMENT.sub("", text)
        return _VARIABLE.sub(lambda match: given[match.group(1)], body).strip() + "\n"

    def check(self) -> None:
        """Raise `PipelineError` for an override that could not be rendered in place of ours."""
        ours, *others = self._folders
        for path in sorted(path for folder in others for path in folder.glob("*.md")):
            if not (ours / path.name).is_file():
                names = ", ".join(sorted(known.stem for known in ours.glob("*.md")))
                raise PipelineError(f"{path}: no prompt has this name; the names are {names}")
            variables = _VARIABLE.findall(_read(ours / path.name))
            _check(path, _read(path), dict.fromkeys(variables, ""))

    def path(self, name: str) -> Path:
        """Return the file that prompt `name` is read from."""
        for folder in reversed(self._folders):
            path = folder / f"{name}.md"
            if path.is_file():
                return path
        places = ", ".join(str(folder) for folder in self._folders)
        raise PipelineError(f"no prompt {name + '.md'!r} in {places}: install the pipeline again")


class Reminders:
    """What the loop says inside a turn."""

    def __init__(self, prompts: Prompts | None = None) -> None:
        self._prompts = prompts or Prompts()

    def no_answer(self, request_id: str, final_tools: Sequence[str]) -> str:
        """Return what to say to an agent that stopped without an answer."""
        return self._render("reminder-no-answer", request_id, final_tools)

    def cut_off(self, request_id: str, final_tools: Sequence[str]) -> str:
        """Return what to say to an agent whose reply was cut off."""
        return self._render("reminder-cut-off", request_id, final_tools)

    def calls_left(self, request_id: str, final_tools: Sequence[str], left: int) -> str:
        """Return what to say to an agent that has few calls left."""
        return self._render("reminder-calls-left", request_id, final_tools, calls_left=str(left))

    def _render(self, name: str, request_id: str, final_tools: Sequence[str], **more: str) -> str:
        tools = " or ".join(final_tools)
        variables = {"request_id": request_id, "final_tools": tools, **more}
        return self._prompts.render(name, variables).strip()


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise PipelineError(f"{path} is not UTF-8 text: {error.reason}") from error


def _check(path: Path, text: str, given: Mapping[str, str]) -> None:
    """Raise unless the file uses exactly the variables that are given."""
    used: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        for match in _VARIABLE.finditer(line):
            name = match.group(1)
            used.add(name)
            if name not in given:
                known = ", ".join(sorted(given)) or "none"
                raise PipelineError(
                    f"{path}:{number}: unknown variable {{{{{name}}}}}; this prompt has: {known}"
                )
    missing = sorted(set(given) - used)
    if missing:
        last = text.count("\n") + 1
        raise PipelineError(
            f"{path}:{last}: the variable {{{{{missing[0]}}}}} is missing: put it where it belongs"
        )
