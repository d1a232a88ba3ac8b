"""What a person is told whose command line the parser does not take: the word that they meant."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from pipeline.domain.nearest import choose_one_of, meant
from pipeline.domain.wording import short, what_is_wanted

UNKNOWN_COMMAND = re.compile(r"No such command '(?P<name>.*?)'")
"""The parser's words, which are all that tells this error from others."""
Param = Any
"""A parameter of the parser; its class is no public one."""


def explain(error: Any) -> str:
    """Return what is wrong in one line, with the nearest option, command or value there is.

    `error` is a `TyperException`; its kinds are told by what they carry, since their classes are
    no public ones.
    """
    name = getattr(error, "option_name", None)
    ctx = getattr(error, "ctx", None)
    if name is not None and ctx is not None:
        return f"there is no option {name}{_question(name, _options(ctx.command))}"
    command = UNKNOWN_COMMAND.match(error.message)
    if command and ctx is not None:
        name = command["name"]
        found = _question(name, ctx.command.commands) or _question(
            f"--{name}", _options(ctx.command)
        )
        return f"there is no command {name!r}{found}"
    param = getattr(error, "param", None)
    wrong = _value(error.message)
    if param is not None and wrong is not None and (words := choices(param)):
        return f"{_called(param)} is {wrong!r}: {choose_one_of(wrong, words)}"
    cause = error.__cause__
    if param is not None and isinstance(cause, ValidationError):
        problem = cause.errors(include_url=False)[0]
        return f"{_called(param)} is {short(problem['input'])}: {what_is_wanted(problem)}"
    return str(error.format_message()).replace("Value error, ", "")


def choices(param: Param) -> tuple[str, ...]:
    """Return the words that a parameter takes; none where it takes any text."""
    return tuple(map(str, param.type_descriptor.choices or ()))


def _called(param: Param) -> str:
    return str(param.name.upper() if param.param_type_name == "argument" else param.opts[-1])


def _options(command: Any) -> list[str]:
    return [name for one in command.params for name in one.opts if name.startswith("--")]


def _question(name: str, known: Iterable[str]) -> str:
    found = meant(name, known)
    return f": did you mean {found}?" if found else ""


def _value(message: str) -> str | None:
    """Return the value in `'x' is not one of 'a', 'b'`, the parser's words for a wrong choice."""
    said, found, _ = message.removeprefix("Value error, ").partition(" is not one of ")
    return said[1:-1] if found else None
