"""Which lessons an agent may keep: only what the pipeline can vouch for (D15).

author of the issue not trusted    none: its text may have asked for them
path                               it exists
command                            the pipeline saw it exit with 0, and it is not dangerous
convention                         never by itself: nothing proves it. It is proposed to a person
known already                      not again

In a digest and in memory a lesson is one line that names its issue:

    lesson (command, ISS-7): make test
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from pipeline.domain.issue import AuthorTrust
from pipeline.domain.results import CommandEvidence, ExecutionRecord
from pipeline.domain.solution import Lesson
from pipeline.plans.sanitize import clean
from pipeline.plans.shell.dangers import dangers
from pipeline.plans.shell.reading import parse

TRUSTED = frozenset({AuthorTrust.OWNER, AuthorTrust.MEMBER})
MOST_LESSONS = 4
"""Of one turn."""
LINE = re.compile(r"lesson \((path|command), ([A-Za-z0-9._-]+)\): (.+)")

Key = tuple[str, str]
"""Kind and text."""


def kept_lessons(
    lessons: Iterable[Lesson],
    *,
    author: AuthorTrust,
    exists: Callable[[str], bool],
    passed: Collection[str] = (),
    known: Collection[Key] = (),
) -> tuple[Lesson, ...]:
    """Return the lessons that hold and are new, the first few of them.

    `passed` are commands that the pipeline saw exit with 0; `known` is what is kept already.
    """
    if author not in TRUSTED:
        return ()
    found: dict[Key, Lesson] = {}
    for one in lessons:
        if _holds(one, exists, passed) and _key(one) not in known:
            found.setdefault(_key(one), one)
    return tuple(found.values())[:MOST_LESSONS]


def proposed_lessons(lessons: Iterable[Lesson], *, author: AuthorTrust) -> tuple[Lesson, ...]:
    """Return the conventions that a person may want to note; no model is ever sent one."""
    if author not in TRUSTED:
        return ()
    found = {_key(one): one for one in lessons if one.kind == "convention"}
    return tuple(found.values())[:MOST_LESSONS]


def lesson_lines(lessons: Iterable[Lesson], issue_id: str) -> list[str]:
    """Return a line for each lesson."""
    return [f"lesson ({one.kind}, {issue_id}): {clean(one.text, one_line=True)}" for one in lessons]


def known_lessons(memory: str, ledger: Iterable[str]) -> frozenset[Key]:
    """Return the lessons that memory and ledger hold."""
    lines = (line for text in (memory, *ledger) for line in text.splitlines())
    found = (LINE.fullmatch(line) for line in lines)
    return frozenset((one.group(1), one.group(3)) for one in found if one)


def lessons_in(text: str) -> list[str]:
    """Return the lines of a digest, or of memory, that are lessons."""
    return [line for line in text.splitlines() if LINE.fullmatch(line)]


def seen_to_pass(records: Iterable[ExecutionRecord]) -> frozenset[str]:
    """Return the commands that the pipeline itself saw exit with 0 in these attempts."""
    return frozenset(one.command for record in records for one in _commands(record) if one.passed)


def _commands(record: ExecutionRecord) -> Iterator[CommandEvidence]:
    yield from record.verification.commands
    for task in record.tasks:
        yield from task.commands


def _holds(one: Lesson, exists: Callable[[str], bool], passed: Collection[str]) -> bool:
    if one.kind == "path":
        return exists(one.text)
    return one.kind == "command" and one.text in passed and not dangers(parse(one.text))


def _key(one: Lesson) -> Key:
    return one.kind, clean(one.text, one_line=True)
