"""Whether text reads as the language of its file: parsed, never run and never built into objects.

A whole file has to parse as it stands. A fragment may also be indented, or be the inside of an
object; text with template marks (`{{`, `{%`) is left to what fills it in.
"""

import ast
import json
import textwrap
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

WITH_COMMENTS = ("tsconfig*.json", "jsconfig*.json", ".eslintrc.json", "devcontainer.json")
"""JSON by name, whose programs read comments too; so do they below `.vscode/`."""


MOST_DEEP = 100
"""Levels of YAML."""
MOST_DOTS = 2_000
"""In a line of TOML: its parser takes quadratic time for the parts of a key."""


@dataclass(frozen=True)
class Language:
    """How one language is checked."""

    name: str
    suffixes: tuple[str, ...]
    problem: Callable[[str], str | None]
    """Return what is wrong with a text, with its line, or None."""
    frames: tuple[str, ...] = ("{}",)
    """What a fragment may be part of; `{}` stands for it."""
    templated: bool = True
    """Whether files of it are often templates."""


def language_of(path: str) -> Language | None:
    """Return the language of a file by its name, None where it is not checked."""
    place = PurePosixPath(path)
    if ".vscode" in place.parts or any(place.match(one) for one in WITH_COMMENTS):
        return None
    return next((one for one in LANGUAGES.values() if place.suffix in one.suffixes), None)


def problem_of(language: Language, text: str) -> str | None:
    """Return why `text` is no whole file of `language`, or None."""
    if language.templated and _is_template(text):
        return None
    return language.problem(text)


def is_fragment(language: Language, text: str) -> bool:
    """Tell whether `text` reads as a part of a file of `language`."""
    plain = textwrap.dedent(text).strip("\n")
    tried = (frame.replace("{}", plain.strip().rstrip(",")) for frame in language.frames)
    return any(problem_of(language, one) is None for one in (text, plain, *tried))


def _is_template(text: str) -> bool:
    rest = text.replace("${{", "")
    return "{{" in rest or "{%" in rest


def _python(text: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}" if error.lineno else error.msg
    except (ValueError, RecursionError, MemoryError):
        return "it cannot be parsed"
    return None


def _json(text: str) -> str | None:
    try:
        json.loads(text, parse_int=str)  # Python refuses to count beyond some digits
    except json.JSONDecodeError as error:
        return f"line {error.lineno}: {error.msg}"
    except RecursionError:
        return "it is too deeply nested"
    return None


def _toml(text: str) -> str | None:
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        return "it is too deeply nested"
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number may be beyond Python's digits
        return str(error)[:200]
    return None


def _yaml(text: str) -> str | None:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_DEEP:  # the parser takes quadratic time
                return "it is too deeply nested"
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return f"line {line}: {error.problem}"
    except (yaml.YAMLError, UnicodeError) as error:
        return str(error).splitlines()[0][:200]
    return None


LANGUAGES: dict[str, Language] = {
    one.name: one
    for one in (
        Language("Python", (".py", ".pyi"), _python, templated=False),
        Language("JSON", (".json",), _json, frames=("{}", "{{}}", "[{}]")),
        Language("TOML", (".toml",), _toml),
        Language("YAML", (".yaml", ".yml"), _yaml),
    )
}
"""By name; each has a rule."""
