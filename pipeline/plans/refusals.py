"""Why a plan that somebody names may not be carried out."""

from collections.abc import Iterable

from pipeline.domain.plan import PlanState
from pipeline.domain.results import ExecutionStatus
from pipeline.errors import PipelineError
from pipeline.store.book import Book
from pipeline.store.entries import ExecutionRefused
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
    attempts = state.attempts(key)
    if current == key and attempts and attempts[-1].status is ExecutionStatus.ROLLED_BACK:
        return f"it was rolled back: `pipeline retry {issue}` has it planned again"
    said = WHY[PlanState.SUPERSEDED if current != key else plan.state]
    return said and said.format(issue=issue, key=key, current=current)


def require_runnable(book: Book, keys: Iterable[str]) -> None:
    """Refuse plans that were asked for by name and can never run, before anything is begun.

    Each refusal is journaled; the first one is raised.
    """
    final = {key: why for key in keys if (why := refusal(book.state, key)) and _is_final(book, key)}
    for key, reason in final.items():
        book.record(ExecutionRefused(solution_id=key, reason=reason))
    for key, reason in final.items():
        raise PipelineError(f"cannot execute {key}: {reason}")


def _is_final(book: Book, key: str) -> bool:
    """Tell whether this very plan can never run, whatever is decided about it."""
    record = book.state.planning[key]
    replaced = book.state.current_key(record.issue_id) != key
    return replaced or (record.plan is not None and record.plan.state in FOR_GOOD)
