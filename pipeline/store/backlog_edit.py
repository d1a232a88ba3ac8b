"""Changing lines of the backlog: all of it is read and understood first, then replaced at once.

Every other line stays byte for byte, and so do the unknown fields and the order of the fields of a
line that changes.
"""

from collections.abc import Callable, Mapping, Sequence

import orjson

from pipeline.domain.issue import Issue
from pipeline.paths import Places
from pipeline.store.backlog import load_issues, locked, parse_lines
from pipeline.store.files import write_atomic

ALIASES = {"description": "context", "labels": "tags"}
"""Field -> its other name, which a line keeps when it has that one alone."""

Values = Mapping[str, object]
"""Field -> its new value, as JSON has it."""


def _no_check(issues: Sequence[Issue]) -> None:
    """Find nothing wrong."""


def change_lines(
    places: Places,
    changes: Mapping[str, Values],
    *,
    check: Callable[[Sequence[Issue]], None] = _no_check,
) -> None:
    """Set fields of issues, by id; a value of None takes the field away.

    `check` sees the issues as they stand, under the lock, and raises to leave everything as it is.
    Raises `PipelineError` for a backlog with a bad line, and for a new value that is none.
    """
    with locked(places):
        check(load_issues(places))
        if not changes:
            return
        path = places.issues_file.resolve()
        lines = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines):
            if line.strip() and (values := changes.get(str(orjson.loads(line)["id"]))):
                lines[number] = _changed(line, values)
        content = b"\n".join(lines)
        parse_lines(content, source=str(path), advice="nothing was changed")
        write_atomic(path, content, mode=path.stat().st_mode & 0o777)


def _changed(line: bytes, values: Values) -> bytes:
    """Return a line with some of its fields set."""
    fields: dict[str, object] = orjson.loads(line)
    for name, value in values.items():
        other = ALIASES.get(name, name)
        key = other if other in fields and name not in fields else name
        if value is None:
            fields.pop(key, None)
        else:
            fields[key] = value
    return orjson.dumps(fields) + (b"\r" if line.endswith(b"\r") else b"")
