"""What a word on the command line could be: ids of this repository, when the shell asks.

Nothing is said of what goes wrong here: a person who pressed Tab gets no completion.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from typer._completion_classes import completion_init

from pipeline.agents.prompts import package_prompts
from pipeline.app.books import read_state
from pipeline.app.project import open_project
from pipeline.cli.status import watching
from pipeline.errors import PipelineError
from pipeline.plans.validation import RULES
from pipeline.settings import KEYS
from pipeline.store.row_changes import Row


@dataclass(frozen=True)
class Completion:
    """One word, as the parser's completion takes it; `help` is shown beside it by zsh and fish."""

    value: str
    help: str = ""
    type: str = "plain"


Words = Callable[[Path], Iterable[Completion]]


def _rows(repo: Path) -> tuple[Row, ...]:
    view = watching(repo).look()
    return view.summary.rows if view else ()


def _issues(repo: Path) -> Iterator[Completion]:
    return (Completion(row.id, row.title) for row in _rows(repo))


def _solutions(repo: Path) -> Iterator[Completion]:
    rows = _rows(repo)
    return (Completion(row.solution_id, row.title) for row in rows if row.solution_id)


def _runs(repo: Path) -> Iterator[Completion]:
    return (Completion(run.run_id) for run in read_state(open_project(repo)).runs)


def _prompts() -> Iterator[Completion]:
    return (Completion(path.stem) for path in sorted(package_prompts().glob("*.md")))


def _settings(_repo: Path) -> Iterator[Completion]:
    return map(Completion, [*KEYS, *dict.fromkeys(key.partition(".")[0] for key in KEYS)])


WORDS: dict[str, Words] = {
    "ISSUE": _issues,
    "ID": _issues,
    "SOL": _solutions,
    "EXR|SOL": _solutions,
    "RUN": _runs,
    "RULE": lambda _repo: (Completion(rule.id, rule.summary) for rule in RULES.values()),
    "PROMPT": lambda _repo: _prompts(),
    "KEY|SECTION": _settings,
}
"""What a parameter is called in the help -> the words that it takes."""


def with_ids(command: Any) -> Any:
    """Return the command with what completes its ids, and make the shells known to the parser."""
    completion_init()
    for param in getattr(command, "params", ()):
        words = WORDS.get(re.sub(r"[^A-Z|]", "", param.metavar or ""))
        if words is not None:
            param.shell_complete = partial(_complete, words)
    for below in getattr(command, "commands", {}).values():
        with_ids(below)
    return command


def _complete(words: Words, ctx: Any, incomplete: str) -> list[Completion]:
    try:
        found = words(ctx.params.get("repo") or Path())
        return [one for one in found if one.value.startswith(incomplete)]
    except PipelineError:
        return []
