"""What waits for a person: pending plans and questions, in the order of the queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.domain.issue import Issue
from pipeline.domain.plan import PlanState
from pipeline.domain.results import PlanningStatus
from pipeline.plans.ordering import planning_order
from pipeline.store.state import State


@dataclass(frozen=True)
class Waiting:
    """One page of a review."""

    kind: Literal["plan", "questions"]
    key: str
    """The record's key: a solution id, or `<issue>#<attempt>`."""
    issue_id: str


def waiting(issues: Sequence[Issue], state: State) -> list[Waiting]:
    """Return what waits for a decision or an answer; a deferred plan does not, until it is named.

    Costs the plans' envelopes only, however large the plans are.
    """
    queue = planning_order(issues)
    placed = {issue.id for issue in queue}
    rest = [issue for issue in issues if issue.id not in placed]
    return [one for issue in (*queue, *rest) if (one := _of(issue, state)) is not None]


def _of(issue: Issue, state: State) -> Waiting | None:
    key = state.current_key(issue.id)
    if key is None or issue.closed or issue.id in state.replan or state.landed(issue.id):
        return None
    plan = state.planning.plan(key)
    if plan is None:
        asks = state.planning[key].status is PlanningStatus.NEEDS_CLARIFICATION
        return Waiting("questions", key, issue.id) if asks else None
    if plan.state is PlanState.PENDING and not plan.deferred:
        return Waiting("plan", key, issue.id)
    return None
