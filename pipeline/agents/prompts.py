"""What agents are told: Markdown files in `prompts/`, with `{{variable}}` filled in.

The folders are given in order and the last one that has a file wins; the package comes first. An
override that misses a variable, or uses one that is not there, is an error that names the place.
Everything between double braces on one line counts as a variable; a leading HTML comment (a note
for whoever edits the file) is left out before anything is looked at.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import PipelineError

_VARIABLE = re.compile(r"\{\{[ \t]*([^{}\n]*?)[ \t]*\}\}")
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

        A value is never searched for variables.
        """
        path = self.path(name)
        given = variables or {}
        text = read_prompt(path)
        _require(path, text, sorted(given))
        body = _COMMENT.sub("", text)
        return _VARIABLE.sub(lambda match: given[match.group(1)], body).strip() + "\n"

    def check(self) -> None:
        """Raise `PipelineError` for an override that could not be rendered in place of ours."""
        for path in self.overrides():
            if problem := self.problem(path):
                raise PipelineError(problem)

    def overrides(self) -> list[Path]:
        """Return every file that stands in, or is meant to stand in, for one of ours."""
        _, *others = self._folders
        return [path for folder in others for path in sorted(folder.glob("*.md"))]

    def problem(self, path: Path) -> str | None:
        """Return why the file could not be rendered in place of ours: file, line, variable."""
        ours = self._folders[0] / path.name
        if not ours.is_file():
            return f"{path}: no prompt has this name; the names are {', '.join(self.names())}"
        try:
            _require(path, read_prompt(path), self.variables(path.stem))
        except PipelineError as error:
            return str(error)
        return None

    def names(self) -> list[str]:
        """Return the names of all prompts."""
        return sorted(known.stem for known in self._folders[0].glob("*.md"))

    def variables(self, name: str) -> list[str]:
        """Return the variables of a prompt, sorted: those that the shipped text uses."""
        text = read_prompt(self._folders[0] / f"{name}.md")
        return sorted(set(_VARIABLE.findall(_COMMENT.sub("", text))))

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

    def stuck(self, request_id: str, final_tools: Sequence[str], repeated: str) -> str:
        """Return what to say to an agent that goes in circles."""
        return self._render("reminder-stuck", request_id, final_tools, repeated=repeated)

    def summary_wanted(self) -> str:
        """Return what asks for a summary of a turn that grows too long."""
        return self._prompts.render("compaction").strip()

    def summary(self, text: str) -> str:
        """Return what stands for a turn so far; `text` is its summary."""
        return self._prompts.render("compaction-summary", {"summary": text}).strip()

    def request_again(self, request: str) -> str:
        """Return what a turn goes on with after a summary."""
        return self._prompts.render("compaction-request", {"request": request}).strip()

    def _render(self, name: str, request_id: str, final_tools: Sequence[str], **more: str) -> str:
        tools = " or ".join(final_tools)
        variables = {"request_id": request_id, "final_tools": tools, **more}
        return self._prompts.render(name, variables).strip()


def read_prompt(path: Path) -> str:
    """Return the text of a prompt's file as it stands."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise PipelineError(f"{path} is not UTF-8 text: {error.reason}") from error
    except OSError as error:
        raise PipelineError(f"{path} cannot be read: {error.strerror}") from error


def _require(path: Path, text: str, known: Sequence[str]) -> None:
    """Raise unless the file uses all of the `known` variables and no others."""
    used: set[str] = set()
    comment = _COMMENT.match(text)
    skipped = comment.group() if comment else ""
    first = 1 + skipped.count("\n")
    for number, line in enumerate(text[len(skipped) :].splitlines(), start=first):
        for name in _VARIABLE.findall(line):
            used.add(name)
            if name not in known:
                names = ", ".join(known) or "none"
                raise PipelineError(
                    f"{path}:{number}: unknown variable {{{{{name}}}}}; this prompt has: {names}"
                )
    missing = [name for name in known if name not in used]
    if missing:
        last = max(len(text.splitlines()), 1)
        raise PipelineError(
            f"{path}:{last}: the variable {{{{{missing[0]}}}}} is missing: put it where it belongs"
        )
