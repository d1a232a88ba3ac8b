"""Wiring of a person's changes of issues: edit, close, open again."""

from collections.abc import Mapping, Sequence

from pipeline.app.project import Project
from pipeline.app.updating import Meeting, Stands, meetings, plan_again
from pipeline.domain.issue import COMPLETED, Issue
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.plans.ordering import find_problems
from pipeline.safety.decisions import NEW_ISSUE, unknown
from pipeline.store.backlog_edit import change_lines

FIELDS = ("title", "description", "priority", "labels", "depends_on")
"""What can be edited."""


def edit_issue(
    project: Project, issue_id: str, values: Mapping[str, object], *, replan: bool, bus: EventBus
) -> tuple[Issue, Meeting]:
    """Set fields of one issue; with `replan`, one that has a plan is planned again.

    Returns the issue as it is now, and what the change met. Raises when it is done or at work.
    """
    meeting = _meeting(project, issue_id, "edit")
    changed = [name for name in FIELDS if name in values]

    def check(issues: Sequence[Issue]) -> None:
        _check_dependencies(issues, issue_id, values)

    check(project.issues())
    if replan and meeting.stands is Stands.PLANNED:
        reason = f"the issue has changed since this plan was made ({', '.join(changed)})"
        plan_again(project, meeting, f"{reason}: plan what it says now", bus)
    change_lines(project.places, {issue_id: values}, check=check)
    return _find(project.issues(), issue_id), meeting


def close_issues(project: Project, names: Sequence[str], *, reason: str) -> None:
    """Mark issues as done without a plan; those that depend on them can start."""
    for name in names:
        _meeting(project, name, "close")
    values = {"status": COMPLETED, "closed_reason": reason or None}
    change_lines(project.places, dict.fromkeys(names, values))


def reopen_issue(project: Project, name: str) -> None:
    """Take back that an issue is done; raises when it was not closed."""
    if not _find(project.issues(), name).closed:
        raise PipelineError(f"cannot reopen {name}: it was not closed")
    change_lines(project.places, {name: {"status": None, "closed_reason": None}})


def _meeting(project: Project, name: str, verb: str) -> Meeting:
    """Return what a change of the issue meets; raises when it may not change any more, or now."""
    issue = _find(project.issues(), name)
    meeting = meetings(project, [issue])[name]
    if issue.closed:
        raise PipelineError(f"cannot {verb} {name}: it is closed; `pipeline issues reopen {name}`")
    if meeting.stands is Stands.DONE:
        raise PipelineError(f"cannot {verb} {name}: it has landed; {NEW_ISSUE}")
    if meeting.stands is Stands.AT_WORK:
        raise PipelineError(f"cannot {verb} {name}: an agent works on it now; try again later")
    return meeting


def _find(issues: Sequence[Issue], name: str) -> Issue:
    found = {issue.id: issue for issue in issues}
    if name not in found:
        raise unknown("issue", name, list(found))
    return found[name]


def _check_dependencies(
    issues: Sequence[Issue], issue_id: str, values: Mapping[str, object]
) -> None:
    """Raise for new dependencies that are not there, or wait for the issue themselves."""
    wanted = values.get("depends_on")
    if not isinstance(wanted, list):
        return
    for name in wanted:
        _find(issues, name)
    after = [
        one.model_copy(update={"depends_on": tuple(wanted)}) if one.id == issue_id else one
        for one in issues
    ]
    fresh = [one for one in find_problems(after) if one not in find_problems(issues)]
    if fresh:
        raise PipelineError(f"cannot edit {issue_id}: {fresh[0]}")
