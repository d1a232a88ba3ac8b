"""`--dry-run`: one option, given to every command that changes something.

    a copy    the command itself, on a copy of all that it writes to: `dry_copy.py`
    agenda    what a run would do, read from records and git: `dry_work.py`
    resume    the pause that would end, or else the agenda: `resume.py`
    own       the command says what it would do by the code that does it

`HOW` names every command; a test holds it complete, and that each one that changes something has
the option or says here why not.
"""

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any

from pipeline.cli.options import DryRun
from pipeline.cli.tables import load_function


class How(StrEnum):
    """What `--dry-run` does, or why a command has none."""

    COPY = "tried on a copy"
    AGENDA = "says what would be worked on"
    RESUME = "says which pause would end, or what would be worked on"
    OWN = "says what it would do"
    READS = "changes nothing"
    SCRATCH = "works in a scratch repository of its own"
    NAMED = "writes nothing but the file or folder that you name"
    ASKS = "asks before each change"


WITHOUT = frozenset({How.READS, How.SCRATCH, How.NAMED, How.ASKS})
"""These need no `--dry-run`."""

HOW: dict[str, How] = {
    "demo": How.SCRATCH,
    "rehearse": How.SCRATCH,
    "init": How.OWN,
    "doctor": How.READS,
    "config": How.READS,
    "config show": How.READS,
    "completion": How.READS,
    "trust": How.COPY,
    "prompts": How.COPY,
    "add": How.COPY,
    "import": How.COPY,
    "issues": How.READS,
    "issues edit": How.COPY,
    "issues close": How.COPY,
    "issues reopen": How.COPY,
    "review": How.ASKS,
    "show": How.NAMED,
    "approve": How.COPY,
    "edit": How.COPY,
    "request-changes": How.COPY,
    "reject": How.COPY,
    "defer": How.COPY,
    "confirm": How.COPY,
    "retry": How.COPY,
    "rules": How.READS,
    "plan": How.AGENDA,
    "execute": How.AGENDA,
    "run": How.AGENDA,
    "resume": How.RESUME,
    "pause": How.OWN,
    "stop": How.OWN,
    "rollback": How.OWN,
    "restore": How.NAMED,
    "clean": How.OWN,
    "status": How.READS,
    "report": How.NAMED,
    "logs": How.READS,
    "agents": How.READS,
    "agents show": How.READS,
    "history": How.READS,
    "archive": How.OWN,
    "export-run": How.NAMED,
    "audit": How.READS,
    "audit verify": How.READS,
    "audit show": How.READS,
    "execplan": How.READS,
    "execplan lint": How.READS,
    "execplan new": How.NAMED,
}
"""Command, or command and action -> how it is tried out."""

TRIED_BY: dict[How, str] = {How.COPY: "dry_copy", How.AGENDA: "dry_work", How.RESUME: "resume"}
"""The file of `pipeline/cli/` whose `try_out` answers, for all commands alike."""


def with_dry_run(words: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command's function with the option, where `HOW` gives it one.

    `words`: the command and its action.
    """
    module = TRIED_BY.get(HOW.get(words, How.READS))
    if module is None:
        return function

    @wraps(function)
    def either(*, dry_run: bool = False, **given: Any) -> Any:
        if dry_run:
            return load_function(module, "try_out")(words, function, given)
        return function(**given)

    signature = inspect.signature(function, eval_str=True)
    known = list(signature.parameters.values())
    place = [one.name for one in known].index("repo")
    option = inspect.Parameter(
        "dry_run", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=DryRun
    )
    named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in known]
    either.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*named[:place], option, *named[place:]]
    )
    return either
