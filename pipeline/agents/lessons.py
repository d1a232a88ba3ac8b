"""Which lessons an agent may keep: only what the pipeline can vouch for (D15).

author of the issue not trusted    none: its text may have asked for them
path                               it exists
command                            the pipeline saw it exit with 0
convention                         never by itself: nothing proves it
"""

from collections.abc import Callable, Collection, Iterable

from pipeline.domain.issue import AuthorTrust
from pipeline.domain.solution import Lesson

TRUSTED = frozenset({AuthorTrust.OWNER, AuthorTrust.MEMBER})


def kept_lessons(
    lessons: Iterable[Lesson],
    *,
    author: AuthorTrust,
    exists: Callable[[str], bool],
    passed: Collection[str] = (),
) -> tuple[Lesson, ...]:
    """Return the lessons that hold; `passed` are commands that the pipeline saw exit with 0."""
    if author not in TRUSTED:
        return ()
    return tuple(
        one
        for one in lessons
        if (one.kind == "path" and exists(one.text))
        or (one.kind == "command" and one.text in passed)
    )
