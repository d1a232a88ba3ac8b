"""Why a plan that somebody names may not be carried out."""

from pipeline.domain.plan import PlanState
from pipeline.store.state import State

WHY: dict[PlanState, str | None] = {
    PlanState.INACTIVE: "it is not planned yet: `pipeline plan {issue}`",
    PlanState.DRAFTING: "it was sent back: `pipeline plan {issue}` plans it again",
    PlanState.PENDING: "nobody has approved it: `pipeline approve {key}`",
    PlanState.APPROVED: None,
    PlanState.REJECTED: "it was rejected: `pipeline retry {issue}` has it planned again",
    PlanState.SUPERSEDED: "it is superseded by {current}",
    PlanState.STALE: "its files have changed since: `pipeline plan {issue}` plans it again",
}
"""State -> what is said of it; None: it may run."""

FOR_GOOD = frozenset(
    {PlanState.DRAFTING, PlanState.REJECTED, PlanState.STALE, PlanState.SUPERSEDED}
)
"""States in which no decision about this very plan makes it run: its issue gets another one."""


def refusal(state: State, key: str) -> str | None:
    """Return why the plan `key`, which is there, may not run; None when its state allows it."""
    record = state.planning[key]
    plan, issue = record.plan, record.issue_id
    if plan is None:
        return f"it holds no plan: `pipeline plan {issue}`"
    if plan.deferred:
        return f"it is deferred: `pipeline defer --undo {key}`"
    current = state.current_key(issue)
    said = WHY[PlanState.SUPERSEDED if current != key else plan.state]
    return said and said.format(issue=issue, key=key, current=current)


def is_final(state: State, key: str) -> bool:
    """Tell whether this very plan can never run, whatever is decided about it."""
    record = state.planning[key]
    replaced = state.current_key(record.issue_id) != key
    return replaced or (record.plan is not None and record.plan.state in FOR_GOOD)
