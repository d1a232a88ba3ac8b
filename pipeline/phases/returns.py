"""What the gate sends back: approvals that do not count, and plans whose ground has moved.

After each landing only the plans that name a path of what landed are looked at again. One that no
longer fits is `stale` at once, and planned again in the same run; it never runs.
"""

from collections.abc import Iterable, Iterator
from typing import assert_never

from pipeline.domain.issue import Feedback
from pipeline.domain.plan import PlanState
from pipeline.domain.results import ExecutionRecord, PlanningRecord
from pipeline.events import ExecutionRefused, PlanReturned, PlanStale
from pipeline.phases.work import Work
from pipeline.plans.lifecycle import PlanEvent, advance
from pipeline.plans.markdown import keep_plan
from pipeline.plans.ordering import LIVE
from pipeline.plans.preview import as_shown
from pipeline.plans.refusals import refusal
from pipeline.safety.gate import Returned
from pipeline.safety.ground import Stale
from pipeline.store import entries


def send_back(work: Work, record: PlanningRecord, verdict: Returned | Stale) -> bool:
    """Record why an approval, or a whole plan, no longer counts; False: it was decided on again."""
    match verdict:
        case Stale():
            told = _mark(work, record, PlanEvent.DRIFT, verdict.reason, _feedback(work, verdict))
            event: PlanStale | PlanReturned = PlanStale(record.key, verdict.reason)
        case Returned():
            told = _mark(work, record, PlanEvent.EXPIRE, verdict.reason, None)
            event = PlanReturned(record.key, verdict.reason)
        case _:
            assert_never(verdict)
    if told:
        work.bus.emit(event)
    return told


def recheck(work: Work, landed: ExecutionRecord) -> int:
    """Send back what no longer fits beside `landed`; return how many plans are stale now.

    Costs what shares a path with it, however many plans there are.
    """
    tip = work.tip()
    return sum(
        send_back(work, record, verdict)
        for record in _sharing(work, landed)
        if isinstance(verdict := _verdict(work, record, tip), Stale)
    )


def refuse(work: Work, solutions: Iterable[str]) -> None:
    """Say and journal, for each plan that was asked for by name and may not run, why not."""
    for name in dict.fromkeys(solutions):
        if reason := refusal(work.book.state, name):
            work.book.record(entries.ExecutionRefused(solution_id=name, reason=reason))
            work.bus.emit(ExecutionRefused(name, reason))


def keep(work: Work, solution_id: str) -> None:
    """Bring the plan's living document up to date."""
    state = work.book.state
    record = state.planning.get(solution_id)
    if record is not None:
        issue = work.backlog.find(record.issue_id)
        shown = as_shown(record, work.settings)
        keep_plan(work.places.plans, shown, issue, state.past(solution_id))


def _sharing(work: Work, landed: ExecutionRecord) -> Iterator[PlanningRecord]:
    """Yield the plans that may still run and name a path of what landed; deferred ones rest."""
    state = work.book.state
    for key in sorted(state.plans_naming(landed.files_modified) - {landed.solution_id}):
        record = state.planning[key]
        plan = record.plan
        if plan is None or plan.state not in LIVE or plan.deferred:
            continue
        if state.current_key(record.issue_id) != key or state.landed(record.issue_id):
            continue
        if record.issue_id not in state.replan and not work.backlog.find(record.issue_id).closed:
            yield record


def _verdict(work: Work, record: PlanningRecord, tip: str) -> object:
    """Return how a plan stands on `tip`: what the gate says, or what has moved under it."""
    state = work.book.state
    if record.plan is not None and record.plan.state is PlanState.APPROVED:
        return work.gate.check(record, state, tip)
    return work.gate.moved(record, state, work.backlog.issues(), tip)


def _feedback(work: Work, stale: Stale) -> Feedback:
    """Return what the next plan is told: what moved, all of it; the diff comes with its request."""
    paths = "".join(f"\n- {path}" for path in stale.paths)
    return Feedback(
        type="drift", stage="gate", content=f"{stale.reason}{paths}", created_at=work.now()
    )


def _mark(
    work: Work, record: PlanningRecord, event: PlanEvent, reason: str, feedback: Feedback | None
) -> bool:
    assert record.plan is not None
    with work.book.alone():
        if work.book.state.planning.get(record.key) != record:
            return False  # a person decided otherwise meanwhile
        work.book.record(
            entries.PlanChanged(
                solution_id=record.key,
                event=event,
                plan=advance(record.plan, event, now=work.now(), reason=reason),
                feedback=feedback,
                by="gate",
            )
        )
    keep(work, record.key)
    return True
