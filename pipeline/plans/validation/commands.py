"""Rules about commands: what a reviewer sees is what runs, it parses, and it breaks nothing."""

from collections.abc import Iterator

from pipeline.domain.solution import StepType
from pipeline.plans.sanitize import clean
from pipeline.plans.shell import dangers
from pipeline.plans.validation.context import Context
from pipeline.plans.validation.rule import Found, Rule, Severity


def _missing(context: Context) -> Iterator[Found]:
    for place, step in context.steps:
        if step.type is StepType.EXECUTE_COMMAND and step.command is None:
            yield f"{place}.command", "is missing: give the command"


def _empty(context: Context) -> Iterator[Found]:
    for said in context.commands:
        if not said.text.strip():
            yield said.place, "is empty: give a command for 'bash -c', or leave it out"


def _hidden(context: Context) -> Iterator[Found]:
    for said in context.commands:
        if clean(said.text) != said.text:
            yield said.place, "has control or invisible characters: write it plainly"


def _unreadable(context: Context) -> Iterator[Found]:
    for said in context.commands:
        if problem := said.script.problem:
            yield said.place, f"bash cannot read it: {problem}"


def _dangerous(context: Context) -> Iterator[Found]:
    for said in context.commands:
        if clean(said.text) == said.text:  # else nobody knows yet what it is to be
            yield from ((said.place, danger) for danger in dangers(said.script))


RULES = (
    Rule(
        "command-missing",
        Severity.ERROR,
        "an execute_command step has no command",
        "The step declares an effect that nobody can see.",
        wrong='{"tasks": [{"steps": [{"type": "execute_command", "target": "make"}]}]}',
        right='{"tasks": [{"steps": [{"type": "execute_command", "target": "make", '
        '"command": "make docs"}]}]}',
        check=_missing,
    ),
    Rule(
        "command-empty",
        Severity.ERROR,
        "a command is empty",
        "It would pass without doing anything.",
        wrong='{"tasks": [{"tests": ["", "python3 -m unittest"]}]}',
        right='{"tasks": [{"tests": ["python3 -m unittest"]}]}',
        check=_empty,
    ),
    Rule(
        "command-hidden",
        Severity.ERROR,
        "a command has control or invisible characters",
        "A reviewer would approve something other than what runs.",
        wrong=r'{"tasks": [{"tests": ["python3 -m unittest\u200b"]}]}',
        right='{"tasks": [{"tests": ["python3 -m unittest"]}]}',
        check=_hidden,
        always="an approval is worth what its reviewer could see",
    ),
    Rule(
        "command-syntax",
        Severity.ERROR,
        "bash cannot read a command",
        "It would fail whatever the change does, and what it does cannot be told.",
        wrong='{"tasks": [{"tests": ["if true; then python3 -m unittest"]}]}',
        right='{"tasks": [{"tests": ["if true; then python3 -m unittest; fi"]}]}',
        check=_unreadable,
    ),
    Rule(
        "dangerous-command",
        Severity.ERROR,
        "a command would be dangerous wherever it runs",
        "The sandbox would stop most of it; a plan that needs it is no plan for a night. The "
        "command is parsed as bash does it: text that only mentions one is no danger.",
        wrong='{"tasks": [{"tests": ["rm -rf / && python3 -m unittest"]}]}',
        right='{"tasks": [{"tests": ["echo \'never rm -rf /\' && python3 -m unittest"]}]}',
        check=_dangerous,
    ),
)
