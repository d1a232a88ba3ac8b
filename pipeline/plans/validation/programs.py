"""Rules about the programs that tests and acceptance name: they have to be there.

Only the program is looked at: `python3 -m pytest` asks for `python3`. A name that a script defines
itself, asks for first (`command -v ruff && ruff .`) or may have brought in (`source`, another
`PATH`) is passed over, and so is a path behind `cd`.
"""

from collections.abc import Iterator

from pipeline.plans.globs import matches_any
from pipeline.plans.shell import Command, Script, Word
from pipeline.plans.validation.context import Context, Said, is_plain, upward
from pipeline.plans.validation.rule import Found, Rule, Severity

BUILTINS = frozenset(
    {
        *(".", ":", "[", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "command"),
        *("compgen", "complete", "compopt", "continue", "declare", "dirs", "disown", "echo"),
        *("enable", "eval", "exec", "exit", "export", "false", "fc", "fg", "getopts", "hash"),
        *("help", "history", "jobs", "kill", "let", "local", "logout", "mapfile", "popd"),
        *("printf", "pushd", "pwd", "read", "readarray", "readonly", "return", "set", "shift"),
        *("shopt", "source", "suspend", "test", "times", "trap", "true", "type", "typeset"),
        *("ulimit", "umask", "unalias", "unset", "wait"),
    }
)
"""What bash has in it (`compgen -b`, bash 5.2)."""

ASKING = frozenset({"command", "which", "type", "hash"})
BRINGING = frozenset({"source", ".", "eval", "alias", "hash"})
MOVING = frozenset({"cd", "pushd"})


def _programs(context: Context) -> Iterator[Found]:
    found = context.around.has_program
    if found is None:
        return
    for said, name in _called(context):
        if "/" not in name and not found(name):
            yield (
                said.place,
                f"there is no program {name!r} where commands run: use one that is there "
                "(`command -v` tells)",
            )


def _scripts(context: Context) -> Iterator[Found]:
    for said, name in _called(context):
        if "/" in name and not _is_met(context, said, name):
            yield (
                said.place,
                f"{name!r} is not there, and no task creates it: look at the path again",
            )


def _is_met(context: Context, said: Said, name: str) -> bool:
    """Tell whether a program that is named by its path is there, or may be by then."""
    found = context.around.has_program
    path = name.removeprefix("./")
    if path.startswith("/") or any(one in context.around.kept for one in upward(path)):
        return found is None or found(path)
    if not is_plain(path) or context.will_be_there(path) or matches_any(path, context.may_touch):
        return True
    first = next(iter(said.script.commands), None)  # a command before it may have built it
    return first is None or all(word.text != name for word in first.words)


def _called(context: Context) -> Iterator[tuple[Said, str]]:
    """Yield each program that a test or acceptance command calls by a name that can be read."""
    for said in context.commands:
        if said.is_check and said.is_readable:
            names = dict.fromkeys(_names(said.script))
            yield from ((said, name) for name in names)


def _names(script: Script) -> Iterator[str]:
    known = {one.function for one in script.commands} | _asked_for(script) | BUILTINS
    moved = False
    for one in script.commands:
        if one.program in BRINGING or any(name == "PATH" for name, _ in one.assignments):
            return
        for word in _program_words(one):
            if word.text not in known and not (moved and "/" in word.text):
                yield word.text
        moved = moved or one.program in MOVING


def _program_words(command: Command) -> Iterator[Word]:
    """Yield the word of the program, and before it those of programs that only call it."""
    for name in (*command.wrappers, command.program):
        yield from (w for w in command.words if w.text.rsplit("/", 1)[-1] == name and w.plain)


def _asked_for(script: Script) -> set[str]:
    asking = (one for one in script.commands if one.program in ASKING)
    return {word.text for one in asking for word in one.arguments}


RULES = (
    Rule(
        "program-missing",
        Severity.ERROR,
        "a test or acceptance command names a program that is not there",
        "It would fail however good the change is. Looked for where the sandbox looks: the "
        "toolchains on its PATH, `.venv/bin` and `node_modules/.bin` of the checkout.",
        wrong='{"tasks": [{"tests": ["pytst -q"]}]}',
        right='{"tasks": [{"tests": ["python3 -m unittest"]}]}',
        check=_programs,
    ),
    Rule(
        "script-missing",
        Severity.ERROR,
        "a test or acceptance command starts with a file that is not there",
        "It would fail however good the change is. Files that the plan creates, or may touch, "
        "count as there.",
        wrong='{"tasks": [{"tests": ["./run-tests.sh"]}]}',
        right='{"tasks": [{"tests": ["make && ./run-tests.sh"]}]}',
        check=_scripts,
    ),
)
