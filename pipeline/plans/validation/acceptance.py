"""Rules about acceptance: somewhere there is a command that can fail."""

import re
from collections.abc import Iterator

from pipeline.plans.shell import Command, Redirect
from pipeline.plans.validation.context import Context, Said
from pipeline.plans.validation.rule import Found, Rule, Severity

IDLE = frozenset({"true", ":", "echo", "printf", "pwd", "sleep", "date", "whoami"})
"""Programs that pass whatever they are given."""

PASSING_ON = frozenset({"cat", "head", "tail", "tee", "sort", "uniq", "wc", "tr", "cut", "nl"})
"""Programs that read what another one says and pass, whatever that is."""

ASKING = frozenset({"--version", "--help"})
"""Options with which a program only tells of itself."""

ON_DISK = re.compile(r"-[a-hkprsuwxGLNOSvRot]|-nt|-ot|-ef")
"""Tests of `test` and `[` that look at a file or a variable."""

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
        if not said.is_check or _is_idle(said):
            continue
        if _ends_idle(said):
            yield said.place, "passes even when what it runs fails: leave out what comes last"
        elif _ends_in_pipe(said):
            yield (
                said.place,
                "passes even when what it runs fails, as a pipe ends like its last program: "
                "leave out the pipe, or begin with `set -o pipefail;`",
            )
        elif _begins_with_exit(said):
            yield said.place, "ends before it runs anything: leave out the `exit`"


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


def _ends_in_pipe(said: Said) -> bool:
    """Tell whether the last program gets the output of others and passes whatever it is."""
    commands = said.script.commands
    if said.script.problem or not commands or "pipefail" in said.text:
        return False
    last = commands[-1]
    only_passes_on = last.program in PASSING_ON and not any(w.written for w in last.redirects)
    return only_passes_on and said.script.is_sequence and any(map(_can_fail, last.fed_by))


def _begins_with_exit(said: Said) -> bool:
    """Tell whether `exit` comes first, with something behind it that never runs."""
    commands = said.script.commands
    return said.script.is_sequence and len(commands) > 1 and commands[0].program == "exit"


def _is_sink(redirect: Redirect) -> bool:
    return redirect.target.text == "/dev/null"


def _can_fail(command: Command) -> bool:
    if command.computed or any(one.written for one in command.redirects if not _is_sink(one)):
        return True
    words = [word.text for word in command.arguments]
    if words and ASKING.issuperset(words):
        return False
    match command.program:
        case "exit":
            return words[:1] not in (["0"], [])
        case "test":
            return not all(one.literal for one in command.arguments) or any(
                ON_DISK.fullmatch(word) for word in words
            )
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
