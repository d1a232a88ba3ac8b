"""What a reviewer is told beside the plan: what it costs, what runs before it, what has moved.

A plan that waits is shown with the plans that its approval would name; what is shown is signed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain.issue import Issue
from pipeline.domain.plan import Earlier, PlanState
from pipeline.domain.results import ExecutionStatus, PlanningRecord, Usage
from pipeline.plans.cost import landed_costs, predicted_cost, size
from pipeline.plans.neighbours import in_words, neighbours
from pipeline.plans.ordering import LIVE
from pipeline.plans.page import Note
from pipeline.safety.digest import plan_digest
from pipeline.safety.gate import Gate, Returned
from pipeline.safety.ground import Stale
from pipeline.store.state import State

Price = Callable[[Usage], float | None]
"""What a usage of the Execution agent's model costs in USD; None when that is not known."""


MOST_SEEN = 8
"""So many things of a kind are told of an attempt; its record and the report have all."""


@dataclass(frozen=True)
class Briefing:
    """What stood on the page of a plan: its notes, and what an approval of it would sign."""

    notes: tuple[Note, ...] = ()
    digest: str = ""
    """Of the plan's text and terms; empty where there is no plan."""
    after: tuple[Earlier, ...] = ()
    """The plans that run before it, where it waits for a decision."""


def briefing(
    gate: Gate,
    record: PlanningRecord,
    state: State,
    issues: Sequence[Issue],
    price: Price,
    off: Mapping[str, str] | None = None,
) -> Briefing:
    """Return what to tell about one plan; nothing about one that can no longer run.

    `off`: the rules of validation that are switched off, each with the reason.
    """
    plan, solution = record.plan, record.solution
    if plan is None or solution is None:
        return Briefing()
    digest = plan_digest(solution, plan)
    seen = tuple(_seen(record, state))
    if plan.state not in LIVE or state.landed(record.issue_id) is not None:
        return Briefing(seen, digest)
    waits = plan.state is PlanState.PENDING
    after = gate.earlier_plans(record, state, issues) if waits else plan.after
    costs = landed_costs(state, rehearsal=record.rehearsal)
    most = price(Usage(output_tokens=plan.budget.tokens))
    notes = (
        Note("cost", predicted_cost(costs, size(solution), plan.budget, most)),
        *_order(record, state, issues, after),
        *_moved(gate, record, state, issues),
        *seen,
        *(Note("rule off", f"{name}: {reason}") for name, reason in (off or {}).items()),
    )
    return Briefing(notes, digest, after if waits else ())


def _seen(record: PlanningRecord, state: State) -> Iterator[Note]:
    """Yield what a reviewer should look at in what the newest attempt came to."""
    attempts = state.attempts(record.key)
    if not attempts:
        return
    seen = attempts[-1].verification
    rows: dict[str, Sequence[object]] = {
        "tests": seen.weaker_tests,
        "flaky": seen.flaky,
        "red": [f"failed before the change, too: {name}" for name in seen.failed_before],
        "change": attempts[-1].findings,
    }
    for label, found in rows.items():
        more = [f"and {len(found) - MOST_SEEN} more"] if len(found) > MOST_SEEN else []
        for n, what in enumerate([*found[:MOST_SEEN], *more]):
            yield Note(label if n == 0 else "", str(what), warns=label == "tests")


def _order(
    record: PlanningRecord, state: State, issues: Sequence[Issue], after: Sequence[Earlier]
) -> Iterator[Note]:
    """Yield which plans meet this one on its files, those that run before it first."""
    landed = {
        one.solution_id
        for one in state.execution.values()
        if one.status is ExecutionStatus.COMPLETED
    }
    first = [one.solution_id for one in after if one.solution_id in state.planning]
    current = [key for issue in issues if (key := state.current_key(issue.id)) is not None]
    others = [state.planning.outline(key) for key in dict.fromkeys([*first, *current])]
    found = neighbours(record, others, first=first, landed=landed)
    if said := in_words(found, first=True):
        yield Note("order", f"runs after {said}")
    if said := in_words(found, first=False):
        yield Note("order" if not first else "", f"runs before {said}")


def _moved(
    gate: Gate, record: PlanningRecord, state: State, issues: Sequence[Issue]
) -> Iterator[Note]:
    """Yield why the plan could not run as things are now."""
    tip = gate.tip(state)
    if stale := gate.baseless(record.base_commit):
        yield Note("drift", f"{stale.reason}; it will be planned again", warns=True)
        return
    if tip is None or record.plan is None:
        return
    if record.plan.state is PlanState.APPROVED:
        verdict = gate.check(record, state, tip)
        if isinstance(verdict, Returned | Stale):
            yield Note("drift", verdict.reason, warns=True)
    elif stale := gate.moved(record, state, issues, tip):
        yield Note("drift", f"{stale.reason}; it will be planned again", warns=True)
