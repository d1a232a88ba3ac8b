"""Rules about acceptance: somewhere there is a command that can fail."""

from collections.abc import Iterator

from pipeline.plans.shell import Command
from pipeline.plans.validation.context import Context, Said
from pipeline.plans.validation.rule import Found, Rule, Severity

IDLE = frozenset({"true", ":", "echo", "printf", "pwd", "sleep", "date", "whoami"})
"""Programs that pass whatever they are given."""

WHAT_TO_GIVE = "give a command that fails before the change and passes after it"


def _unchecked(context: Context) -> Iterator[Found]:
    checks = [said for said in context.commands if said.is_check]
    if not context.solution.tasks or (not checks and context.untested_ok):
        return
    if not checks:
        yield (
            "acceptance.commands",
            f"no task has tests and there is no acceptance command: {WHAT_TO_GIVE}",
        )
    elif all(map(_is_idle, checks)):
        yield checks[0].place, f"passes whatever the change does: {WHAT_TO_GIVE}"


def _masked(context: Context) -> Iterator[Found]:
    for said in context.commands:
        if said.is_check and not _is_idle(said) and _ends_idle(said):
            yield said.place, "passes even when what it runs fails: leave out what comes last"


def _criteria(context: Context) -> Iterator[Found]:
    checked = any(said.is_check for said in context.commands)
    if context.solution.acceptance.criteria and not checked and context.untested_ok:
        yield "acceptance.criteria", "no command checks any of them: read the change with care"


def _is_idle(said: Said) -> bool:
    """Tell whether nothing in a command can fail."""
    return not said.script.problem and not any(map(_can_fail, said.script.commands))


def _ends_idle(said: Said) -> bool:
    """Tell whether the command that comes last, as in `pytest || true`, decides and is idle."""
    commands = said.script.commands
    if said.script.problem or not commands:
        return False
    last, source = commands[-1], said.text.rstrip(" \t\n;")
    if _can_fail(last) or not source.endswith(last.text):
        return False
    before = source[: -len(last.text)].rstrip(" \t")
    return before.endswith((";", "\n", "||"))


def _can_fail(command: Command) -> bool:
    if command.computed or any(one.written for one in command.redirects):
        return True
    words = [word.text for word in command.arguments]
    match command.program:
        case "exit":
            return words[:1] != ["0"]
        case "ls":
            return not all(word.startswith("-") for word in words)
        case None:
            return bool(command.words)
        case name:
            return name not in IDLE


RULES = (
    Rule(
        "acceptance-missing",
        Severity.ERROR,
        "no test and no acceptance command can fail",
        "Work counts as done when its commands pass; `true`, `:`, `ls` and `echo` pass before it "
        "has begun. `run.allow_untested` lets a plan have none.",
        wrong='{"tasks": [{"tests": ["true"]}], "acceptance": {"commands": ["echo done"]}}',
        right='{"tasks": [{"tests": ["python3 -m unittest"]}]}',
        check=_unchecked,
    ),
    Rule(
        "acceptance-masked",
        Severity.ERROR,
        "the end of a command hides that it failed",
        "`|| true` makes a test pass that does not.",
        wrong='{"tasks": [{"tests": ["python3 -m unittest || true"]}]}',
        right='{"tasks": [{"tests": ["python3 -m unittest"]}]}',
        check=_masked,
    ),
    Rule(
        "criteria-unchecked",
        Severity.WARNING,
        "criteria stand alone, without any command",
        "With `run.allow_untested` a plan may have no commands; then only a person can tell "
        "whether its criteria are met.",
        wrong='{"tasks": [{"tests": []}], "acceptance": {"criteria": ["it is quicker"]}}',
        right='{"tasks": [{"tests": ["python3 -m unittest"]}]}',
        check=_criteria,
    ),
)
