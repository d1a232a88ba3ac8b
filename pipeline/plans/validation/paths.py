"""Rules about the form of a path: plain, inside the repository, not in a closed folder."""

import unicodedata
from collections.abc import Callable, Iterator

from pipeline.plans.sanitize import clean
from pipeline.plans.validation.context import Context
from pipeline.plans.validation.rule import Found, Rule, Severity

MAX_PATH = 1_000
"""Bytes."""


def path_problem(path: str) -> str | None:
    """Return why `path` cannot be a file of a plan, with what to do, or None."""
    return form_problem(path) or outside_problem(path) or closed_problem(path)


def form_problem(path: str) -> str | None:
    """Return why `path` does not read as the one file that it names, or None."""
    parts = path.split("/")
    return _first(
        (not path.strip(), "is empty: name a file"),
        (len(path.encode("utf-8", "replace")) > MAX_PATH, "is too long: name a file"),
        (any(unicodedata.category(c)[0] == "C" for c in path), "has control characters"),
        (path != clean(path), "has invisible characters"),
        ("\\" in path, "has a backslash: separate folders with '/'"),
        ("*" in path or "?" in path, "is a pattern: name each file"),
        (path.endswith("/"), "is a folder: name each file in it"),
        (path.startswith(":"), "starts with ':': name a file"),
        (path != path.strip(), "begins or ends with white space: leave it out"),
        ("" in parts[1:] or "." in parts, "has an empty or '.' part: write it plainly"),
    )


def outside_problem(path: str) -> str | None:
    """Return why `path` leads out of the repository, or None."""
    return _first(
        (path.startswith("/"), "is absolute: write it relative to the repository's root"),
        (".." in path.split("/"), "leaves the repository: stay below its root, without '..'"),
    )


def closed_problem(path: str) -> str | None:
    """Return why `path` is closed to every plan, or None. Case does not matter: to some file
    systems it does not either."""
    parts = path.lower().split("/")
    return _first(
        (".git" in parts, "lies in git's own folder, which is closed to plans"),
        (parts[0] == ".workflow", "lies in the pipeline's own folder, which is closed to plans"),
    )


def _first(*rows: tuple[bool, str]) -> str | None:
    return next((text for wrong, text in rows if wrong), None)


def _each(problem: Callable[[str], str | None]) -> Callable[[Context], Iterator[Found]]:
    """Return a check that holds each path of the plan to one of the questions above."""

    def check(context: Context) -> Iterator[Found]:
        for place, change in context.files:
            if text := problem(change.path):
                yield place, f"{change.path!r} {text}"

    return check


RULES = (
    Rule(
        "path-form",
        Severity.ERROR,
        "a path does not read as the one file that it names",
        "Patterns, folders, control and invisible characters would show a reviewer something "
        "other than what is changed.",
        wrong='{"tasks": [{"files": [{"path": "src/*.py", "action": "create"}]}]}',
        right='{"tasks": [{"files": [{"path": "src/new.py", "action": "create"}]}]}',
        check=_each(form_problem),
        always="an approval is bound to paths",
    ),
    Rule(
        "path-outside",
        Severity.ERROR,
        "a path leads out of the repository",
        "A plan changes this repository and nothing else on the machine.",
        wrong='{"tasks": [{"files": [{"path": "../other/app.py", "action": "create"}]}]}',
        right='{"tasks": [{"files": [{"path": "src/new.py", "action": "create"}]}]}',
        check=_each(outside_problem),
        always="it protects what lies beside the repository",
    ),
    Rule(
        "path-closed",
        Severity.ERROR,
        "a path lies in `.git/` or `.workflow/`",
        "git's folder can make programs run, and the pipeline's own holds its rules and records.",
        wrong='{"tasks": [{"files": [{"path": ".git/hooks/pre-push", "action": "create"}]}]}',
        right='{"tasks": [{"files": [{"path": ".gitignore", "action": "create"}]}]}',
        check=_each(closed_problem),
        always="it protects the repository and its records",
    ),
)
