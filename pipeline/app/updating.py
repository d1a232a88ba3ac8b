"""An issue that says something else now: what that means for the plan it may have already.

standing    meaning                                   what a change of the issue does to it
open        no plan depends on its text               nothing
planned     its plan was made from the earlier text   planned again, when that is asked for
rejected    its plan was turned down                  nothing: `pipeline retry` takes it up
at work     an agent works from the earlier text      not now
done        it has landed or was closed               never: a new issue is the way
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.app.books import read_state
from pipeline.app.deciding import desk
from pipeline.app.project import Project
from pipeline.domain.issue import Issue
from pipeline.domain.plan import PlanState
from pipeline.domain.results import PlanningRecord
from pipeline.events import EventBus
from pipeline.store.run_info import alive
from pipeline.store.state import State


class Stands(StrEnum):
    """What a change of an issue meets."""

    OPEN = "open"
    PLANNED = "planned"
    REJECTED = "rejected"
    AT_WORK = "at work"
    DONE = "done"


FREE = frozenset({Stands.OPEN, Stands.PLANNED, Stands.REJECTED})
"""Where the backlog's text may change."""

DECIDABLE = frozenset({PlanState.PENDING, PlanState.APPROVED})


@dataclass(frozen=True)
class Meeting:
    """What the change of one issue meets."""

    issue_id: str
    stands: Stands
    record: PlanningRecord | None

    @property
    def again(self) -> str:
        """Return the command that has the issue planned again."""
        record = self.record
        if record is not None and record.plan is not None and record.plan.state in DECIDABLE:
            return f'pipeline request-changes {record.key} "..."'
        return f'pipeline retry {self.issue_id} --feedback "..."'


def meetings(project: Project, issues: Sequence[Issue]) -> dict[str, Meeting]:
    """Return by issue id what a change of each of these issues meets."""
    if not issues:
        return {}
    state = read_state(project)
    working = alive(project.places) is not None
    return {
        one.id: Meeting(one.id, _stands(state, one, working=working), state.current(one.id))
        for one in issues
    }


def plan_again(project: Project, meeting: Meeting, reason: str, bus: EventBus) -> None:
    """Send a planned issue back to planning; an approval of its plan is void."""
    here, record = desk(project, bus), meeting.record
    if record is not None and record.plan is not None and record.plan.state in DECIDABLE:
        here.request_changes(record, what=reason, kind="comment")
    else:
        here.retry(meeting.issue_id, feedback=reason)


def _stands(state: State, issue: Issue, *, working: bool) -> Stands:
    record, attempt = state.current(issue.id), state.open_attempt
    if issue.closed or state.landed(issue.id) is not None:
        return Stands.DONE
    if working and attempt is not None and attempt.issue_id == issue.id:
        return Stands.AT_WORK
    if working and state.open_planning and state.open_planning.issue_id == issue.id:
        return Stands.AT_WORK
    if record is None or issue.id in state.replan:
        return Stands.OPEN
    if record.plan is None:
        return Stands.PLANNED
    return BY_PLAN[record.plan.state]


BY_PLAN: dict[PlanState, Stands] = {
    PlanState.INACTIVE: Stands.OPEN,
    PlanState.DRAFTING: Stands.OPEN,
    PlanState.PENDING: Stands.PLANNED,
    PlanState.APPROVED: Stands.PLANNED,
    PlanState.REJECTED: Stands.REJECTED,
    PlanState.SUPERSEDED: Stands.OPEN,
    PlanState.STALE: Stands.OPEN,
}
"""State of the current plan -> what a change of its issue meets."""
