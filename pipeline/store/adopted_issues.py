"""Issues of which only the records came along: entered into the backlog, so that none is lost."""

from collections.abc import Iterable

from pipeline.domain.issue import Issue
from pipeline.domain.results import ExecutionRecord, ExecutionStatus, PlanningRecord
from pipeline.paths import Places
from pipeline.store.backlog import append_issues, load_issues, locked

SOURCE = "results documents"


def enter_missing(
    places: Places, plans: Iterable[PlanningRecord], attempts: Iterable[ExecutionRecord]
) -> list[str]:
    """Append the issues that have a plan or have landed to the backlog; return their ids.

    Those that are in the backlog stay as they are; doing it twice changes nothing twice.
    """
    found = {
        record.issue_id: Issue(id=record.issue_id, title=record.issue_id, source=SOURCE)
        for record in attempts
        if record.status is ExecutionStatus.COMPLETED
    }
    found |= {issue.id: issue for record in plans if (issue := issue_of(record)) is not None}
    with locked(places):
        known = {issue.id for issue in load_issues(places)}
        missing = [issue for issue in found.values() if issue.id not in known]
        append_issues(places, missing)
    return [issue.id for issue in missing]


def issue_of(record: PlanningRecord) -> Issue | None:
    """Return an issue as far as its plan tells of it; None where there is no plan."""
    solution = record.solution
    if solution is None:
        return None
    title = solution.title.strip() or record.issue_id
    return Issue(id=record.issue_id, title=title, description=solution.goal, source=SOURCE)
