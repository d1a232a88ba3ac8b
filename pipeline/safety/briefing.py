"""What a reviewer is told beside the plan itself: what runs earlier, what has moved, what it costs.

A plan that waits is shown with the plans that its approval would name; what is shown is signed.
"""

from collections.abc import Callable, Iterator, Sequence

from pipeline.domain.issue import Issue
from pipeline.domain.plan import Budget, PlanState
from pipeline.domain.results import PlanningRecord, Usage
from pipeline.plans.ordering import LIVE
from pipeline.safety.gate import Gate, Returned, Stale
from pipeline.store.state import State

Price = Callable[[Usage], float | None]
"""What a usage of the Execution agent's model costs in USD; None when that is not known."""

MOST_NAMED = 8


def briefing(
    gate: Gate,
    record: PlanningRecord,
    state: State,
    issues: Sequence[Issue],
    price: Price,
) -> tuple[str, ...]:
    """Return the notes for one plan, each a line; nothing for a plan that can no longer run."""
    plan = record.plan
    if plan is None or record.solution is None or plan.state not in LIVE:
        return ()
    if state.landed(record.issue_id) is not None:
        return ()
    return (
        *_conflicts(gate, record, state, issues),
        *_moved(gate, record, state, issues),
        _cost(plan.budget, state, price),
    )


def _conflicts(
    gate: Gate, record: PlanningRecord, state: State, issues: Sequence[Issue]
) -> Iterator[str]:
    """Yield which plans run earlier and can touch the same files."""
    assert record.plan is not None
    if record.plan.state is not PlanState.PENDING:
        return  # its approval is shown, with the plans that it names
    names = [one.solution_id for one in gate.earlier_plans(record, state, issues)]
    if names:
        rest = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield f"runs after {', '.join(names[:MOST_NAMED])}{rest}, which can touch its files"


def _moved(
    gate: Gate, record: PlanningRecord, state: State, issues: Sequence[Issue]
) -> Iterator[str]:
    """Yield why the plan could not run as things are now."""
    tip = gate.tip(state)
    if tip is None or record.plan is None:
        return
    if record.plan.state is PlanState.APPROVED:
        verdict = gate.check(record, state, tip)
        if isinstance(verdict, Returned | Stale):
            yield verdict.reason
    elif stale := gate.moved(record, state, issues, tip):
        yield f"{stale.reason}; it will be planned again"


def _cost(budget: Budget, state: State, price: Price) -> str:
    """Return what the plan may cost at most, and what plans like it have cost so far."""
    most = price(Usage(output_tokens=budget.tokens))
    money = "" if most is None else f" (${most:.2f} if all were output)"
    past = [one.usage for one in state.execution.values() if one.usage.calls]
    line = f"predicted cost: at most {budget.tokens:,} tokens{money}"
    if not past:
        return f"{line}; no plan has been carried out yet to compare with"
    tokens = sum(one.metered_tokens for one in past) // len(past)
    known = [one.usd for one in past if one.usd is not None]
    usual = f", ${sum(known) / len(known):.2f}" if known else ""
    return f"{line}; an attempt has taken {tokens:,} tokens{usual} on average"
