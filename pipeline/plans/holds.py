"""What holds a run up until a person acts, and how it is said: in events, status and report alike.

planning    so many plans wait for a decision that nobody needs more of them (gate.max_pending)
execution   so many solutions were executed that somebody should look (gate.checkpoint_every)
"""

from collections.abc import Sequence

from pipeline.domain.counting import counted
from pipeline.domain.group import Group
from pipeline.domain.issue import IssueState
from pipeline.domain.paused import planning_paused
from pipeline.domain.plan import PlanState
from pipeline.plans.standing import AGAIN, Standing
from pipeline.store.state import State

COULD_RUN = frozenset({Group.NOT_STARTED, Group.PARKED})


def holds(rows: Sequence[Standing], state: State, max_pending: int) -> tuple[str, ...]:
    """Return one sentence for each thing that is held up; nothing when there is none."""
    said = []
    if awaits_confirmation(rows, state):
        said.append(confirmation_wanted(len(state.unconfirmed)))
    if is_planning_paused(rows, max_pending):
        said.append(planning_paused(waiting_plans(rows)))
    return tuple(said)


def awaits_confirmation(rows: Sequence[Standing], state: State) -> bool:
    """Tell whether a checkpoint keeps an approved plan from being executed."""
    return state.checkpoint is not None and any(_is_held_back(row) for row in rows)


def is_planning_paused(rows: Sequence[Standing], max_pending: int) -> bool:
    """Tell whether issues stay unplanned because enough plans wait for a decision."""
    unplanned = any(row.state is IssueState.REGISTERED for row in rows)
    return unplanned and waiting_plans(rows) >= max_pending


def waiting_plans(rows: Sequence[Standing]) -> int:
    """Return how many plans wait for a decision."""
    return sum(plan_waits(row) for row in rows)


def confirmation_wanted(solutions: int) -> str:
    """Say that execution stands at a checkpoint, and what goes on from there."""
    return (
        f"execution stopped for a confirmation after {counted(solutions, 'solution')} "
        "(gate.checkpoint_every): look at what landed, then `pipeline confirm`"
    )


def plan_waits(row: Standing) -> bool:
    """Tell whether the issue's plan waits for a decision, the issue perhaps for another one."""
    plan = row.record.plan if row.record is not None else None
    pending = plan is not None and plan.state is PlanState.PENDING and not plan.deferred
    return pending and row.group in (Group.NEEDS_YOU, Group.PARKED)


def _is_held_back(row: Standing) -> bool:
    plan = row.record.plan if row.record is not None else None
    if plan is None or plan.state is not PlanState.APPROVED or plan.deferred:
        return False
    tried = row.attempt is not None and row.attempt.failure_class not in AGAIN
    return row.group in COULD_RUN and row.state is not IssueState.BLOCKED and not tried
