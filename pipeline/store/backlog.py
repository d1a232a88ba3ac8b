"""The backlog: `.workflow/issues/issues.jsonl`, one issue a line, written by people and by us.

What we add is appended, and a line changes only when a person says so (`issues edit`, `issues
close`, `import --update`): edits by hand, comments in unknown fields and the order of lines survive
everything else byte for byte.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import orjson
from filelock import Timeout
from pydantic import ValidationError

from pipeline.domain.issue import Issue
from pipeline.domain.wording import first_problem
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.files import append_durable, make_folder
from pipeline.store.locks import file_lock, take

LOCK_TIMEOUT_S = 30.0
ADVICE = "mend or remove the line"


def load_issues(places: Places) -> list[Issue]:
    """Return all issues in the order of their lines; none when there is no backlog.

    Raises `PipelineError` naming file and line for a bad line or a second issue with one id.
    """
    path = places.issues_file
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    return parse_lines(raw, source=str(path))


def parse_lines(
    raw: bytes,
    *,
    source: str,
    advice: str = ADVICE,
    read: Callable[[Mapping[str, object]], Issue] = Issue.model_validate,
) -> list[Issue]:
    """Return the issues of JSON lines; blank lines do not count.

    The message about a bad line ends in `advice`. `read` makes an issue of one line's object.
    """
    issues: list[Issue] = []
    line_of: dict[str, int] = {}
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        issue = _parse(line, read, where=f"'{source}' line {number}", advice=advice)
        if issue.id in line_of:
            raise PipelineError(
                f"'{source}' line {number}: issue {issue.id!r} is there already "
                f"(line {line_of[issue.id]}): {advice}"
            )
        line_of[issue.id] = number
        issues.append(issue)
    return issues


def add_issue(places: Places, issue: Issue) -> None:
    """Append one issue; `PipelineError` when its id is taken."""
    with locked(places):
        if any(other.id == issue.id for other in load_issues(places)):
            raise PipelineError(f"issue {issue.id!r} is there already: choose another id")
        append_issues(places, [issue])


def append_issues(places: Places, issues: Iterable[Issue]) -> None:
    """Append issues durably, in one write; only for whoever holds the lock."""
    lines = b"".join(issue.model_dump_json(exclude_none=True).encode() + b"\n" for issue in issues)
    if lines:
        append_durable(places.issues_file, _missing_newline(places) + lines)


@contextmanager
def locked(places: Places) -> Iterator[None]:
    """Hold the backlog's lock for one change of it."""
    make_folder(places.backlog_lock.parent)
    lock = file_lock(places.backlog_lock, LOCK_TIMEOUT_S)
    try:
        take(lock)
    except Timeout as error:
        raise PipelineError(
            f"'{places.backlog_lock}' has been held by another process for {LOCK_TIMEOUT_S:.0f} s: "
            "see what hangs, then try again"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _parse(
    line: bytes, read: Callable[[Mapping[str, object]], Issue], *, where: str, advice: str
) -> Issue:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        reason = f"{error.msg}, column {error.colno}"
        raise PipelineError(f"{where} is no JSON ({reason}): {advice}") from error
    if not isinstance(value, dict):
        raise PipelineError(f"{where} is no JSON object: {advice}")
    try:
        return read(value)
    except ValidationError as error:
        raise PipelineError(f"{where}: {first_problem(error)}: {advice}") from error


def _missing_newline(places: Places) -> bytes:
    """Return what completes a last line that an editor left without its newline."""
    try:
        with places.issues_file.open("rb") as file:
            if file.seek(0, 2) == 0:
                return b""
            file.seek(-1, 2)
            return b"" if file.read() == b"\n" else b"\n"
    except FileNotFoundError:
        return b""
