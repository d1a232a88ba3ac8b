"""A plan as the JSON that a person edits, and back.

The text is the solution alone, with every field and without its ids; a planning record, as
`pipeline show --format json` prints it, is read too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from pipeline.app.plans import PlanRefused, create, update
from pipeline.domain.issue import Issue
from pipeline.domain.results import PlanningRecord
from pipeline.domain.solution import FileAction, FileChange, Solution, Task
from pipeline.errors import PipelineError
from pipeline.safety.decisions import Desk

IDS = {"solution_id", "issue_id"}


@dataclass(frozen=True)
class Draft:
    """What is to be edited: the current plan of an issue, or its first one."""

    issue: Issue
    record: PlanningRecord | None

    @property
    def name(self) -> str:
        """Return what the person calls it: the plan, else the issue."""
        return self.record.key if self.record else self.issue.id

    @property
    def text(self) -> str:
        """Return the JSON that the person begins with."""
        solution = self.record.solution if self.record else None
        given = (solution or _skeleton(self.issue)).model_dump(mode="json", exclude=IDS)
        return orjson.dumps(given, option=orjson.OPT_INDENT_2).decode() + "\n"


def find_draft(desk: Desk, name: str) -> Draft:
    """Return what `name` (a solution, or an issue) is to be edited; raises where nothing can be."""
    with desk.book.alone():
        state = desk.book.state
        known = {issue.id: issue for issue in desk.issues()}
        issue = known.get(name)
        if issue is not None:
            record = state.current(issue.id)
            if record is None or record.solution is None:
                return Draft(issue, None)
        record = desk.current(desk.find(name), "edit")
        _require_open(desk, record)
        return Draft(desk.issue(record.issue_id), record)


def submit(desk: Desk, draft: Draft, text: str | bytes) -> PlanningRecord:
    """Record the edited text as a plan; raises `PlanRefused`, with places, when it is none."""
    fields = _fields(draft.name, text)
    if draft.record is None:
        return create(desk, draft.issue.id, fields)
    return update(desk, draft.record.key, _empty() | dict(fields))


def _require_open(desk: Desk, record: PlanningRecord) -> None:
    """Raise when part of the text may not be seen yet: what nobody saw would be lost."""
    if desk.shown(record) != record:
        raise PipelineError(
            f"cannot edit {record.key}: what its steps carry is locked until it is approved "
            "(policy.lock_previews); `pipeline request-changes` and `reject` are left"
        )


def _fields(name: str, text: str | bytes) -> Mapping[str, object]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise PlanRefused(name, [f"{place}: it is no JSON: {error.msg}"]) from error
    if isinstance(found, dict) and isinstance(found.get("solution"), dict):
        found = found["solution"]
    if not isinstance(found, dict):
        raise PlanRefused(name, ["line 1, column 1: it is no JSON object with a solution's fields"])
    return found


def _skeleton(issue: Issue) -> Solution:
    change = FileChange(path="", action=FileAction.MODIFY)
    task = Task(id="T1", title="", files=(change,), tests=("",))
    return Solution(
        solution_id=f"SOL-{issue.id}-1", issue_id=issue.id, title=issue.title, tasks=(task,)
    )


def _empty() -> dict[str, object]:
    """Return what each field is that the person has removed."""
    nothing = Solution(solution_id="SOL-0-1", issue_id="0", title="")
    return nothing.model_dump(mode="json", exclude=IDS)
