"""Execute: each approved plan passes the gate's check once more, then an attempt is made at it.

A plan whose ground has moved is `stale` and goes back to planning; it never runs.
"""

from collections.abc import Collection

from pipeline.domain.issue import Feedback
from pipeline.domain.plan import PlanState
from pipeline.domain.results import ExecutionRecord, FailureClass, PlanningRecord
from pipeline.errors import PipelineError
from pipeline.events import PlanReturned, PlanStale
from pipeline.execution.land import in_the_way
from pipeline.execution.single import Execution, TakenBack
from pipeline.phases.holds import may_execute
from pipeline.phases.turns import execution_text
from pipeline.phases.work import Work
from pipeline.plans.history import is_in_history, why_not
from pipeline.plans.lifecycle import PlanEvent, advance
from pipeline.plans.markdown import keep_plan
from pipeline.plans.ordering import execution_order
from pipeline.plans.standing import AGAIN, INFRASTRUCTURE_LIMIT, infrastructure_failures
from pipeline.safety.gate import Cleared, Returned
from pipeline.safety.ground import Stale
from pipeline.store.entries import PlanChanged
from pipeline.store.state import State

EXECUTOR = "executor"


def execute(work: Work, only: Collection[str] = ()) -> int:
    """Carry out every approved plan that is ready; return how many attempts were made.

    `only` names solutions; none: all.
    """
    attempts = 0
    for record in _ready(work, only):
        work.check_stop()
        work.book.catch_up()
        current = work.book.state.planning.get(record.key)
        if current is None or not is_ready(work.book.state, current):
            continue
        if work.backlog.find(current.issue_id).closed:
            continue
        attempts += _pass_gate(work, current)
    return attempts


def is_ready(state: State, record: PlanningRecord) -> bool:
    """Tell whether a plan is approved and its attempts leave something to do."""
    plan = record.plan
    if plan is None or plan.state is not PlanState.APPROVED or plan.deferred:
        return False
    current = state.current(record.issue_id)
    if current is None or current.key != record.key or record.issue_id in state.replan:
        return False
    if state.landed(record.issue_id) is not None:
        return False
    attempts = state.attempts(record.key)
    if not attempts or record.key in state.rerun:
        return True
    if attempts[-1].failure_class not in AGAIN:
        return False
    return infrastructure_failures(state, record.issue_id) < INFRASTRUCTURE_LIMIT


def _ready(work: Work, only: Collection[str]) -> list[PlanningRecord]:
    """Return the plans to look at, in the order in which they are to run."""
    state = work.book.state
    issues = [issue for issue in work.ordered_issues() if not issue.closed]
    current = [record for issue in issues if (record := state.current(issue.id)) is not None]
    ready = [record for record in current if is_ready(state, record)]
    order = execution_order(ready, issues)
    return [record for record in order if not only or record.key in only]


def _pass_gate(work: Work, record: PlanningRecord) -> int:
    """Check one plan at the gate and act on the verdict; return 1 when an attempt was made."""
    if reason := _cannot_start(work, record):
        work.tell_blocked(record.issue_id, reason)
        return 0
    if not may_execute(work, record):
        return 0
    verdict = work.gate.check(record, work.book.state, work.tip())
    match verdict:
        case Stale():
            _mark(work, record, PlanEvent.DRIFT, verdict.reason)
            work.bus.emit(PlanStale(record.key, verdict.reason))
            return 0
        case Returned():
            _mark(work, record, PlanEvent.EXPIRE, verdict.reason)
            work.bus.emit(PlanReturned(record.key, verdict.reason))
            return 0
        case Cleared():
            try:
                _attempt(work, verdict)
            except TakenBack:
                return 0
            return 1


def _cannot_start(work: Work, record: PlanningRecord) -> str | None:
    """Return why the plan cannot start now: a dependency, or the branch is checked out."""
    state, tip = work.book.state, work.tip()
    for name in work.backlog.find(record.issue_id).depends_on:
        landed = state.landed(name)
        if work.backlog.find(name).closed:
            continue
        if landed is None:
            return f"waits for {name}, which has not landed"
        if not is_in_history(work.repo, landed, tip):
            return why_not(name, landed)
    reason = in_the_way(work.repo, work.run.branch)
    return f"parked: {reason}" if reason else None


def _mark(work: Work, record: PlanningRecord, event: PlanEvent, reason: str) -> None:
    """Record that an approval no longer counts; drift is new information for the next plan."""
    assert record.plan is not None
    now = work.now()
    feedback = None
    if event is PlanEvent.DRIFT:
        feedback = Feedback(type="drift", stage="gate", content=reason, created_at=now)
    with work.book.alone():
        if work.book.state.planning.get(record.key) != record:
            return  # a person decided otherwise meanwhile
        work.book.record(
            PlanChanged(
                solution_id=record.key,
                event=event,
                plan=advance(record.plan, event, now=now, reason=reason),
                feedback=feedback,
                by="gate",
            )
        )
    _keep_plan(work, record.key)


def _keep_plan(work: Work, solution_id: str) -> None:
    """Bring the plan's living document up to date."""
    state = work.book.state
    record = state.planning.get(solution_id)
    if record is not None:
        issue = work.backlog.find(record.issue_id)
        keep_plan(work.places.plans, record, issue, state.attempts(solution_id))


def _attempt(work: Work, cleared: Cleared) -> None:
    """Make one attempt with the one Execution agent."""
    record = cleared.record
    assert record.plan is not None
    execution = Execution(work, lambda: work.agent(EXECUTOR))
    budget = record.plan.budget
    work.purse.open_issue(budget.tokens, budget.usd, budget.minutes)
    try:
        result = execution.carry_out(
            cleared, lambda request_id, base: execution_text(work, cleared, request_id, base)
        )
    finally:
        work.purse.close_issue()
    _keep_plan(work, record.key)
    if result.failure_class is FailureClass.INFRASTRUCTURE and not _is_parked(result):
        work.breaker.failure(result.error or "no reason given")
    else:
        work.breaker.success()


def _is_parked(result: ExecutionRecord) -> bool:
    return bool(result.error and result.error.startswith("parked:"))


def require_tests(work: Work) -> None:
    """Refuse a project without tests, and a base whose tests fail, unless the user allowed it."""
    suite = work.suite
    if not suite:
        if not work.settings.allow_untested:
            raise PipelineError(
                "no tests found in this repository: set tests.command in .workflow/config.toml, "
                "or add --allow-untested"
            )
        return
    red = [
        one.evidence
        for one in work.verifier.baseline(work.tip(), suite, stop=work.stop)
        if not one.evidence.passed
    ]
    if red and not work.settings.allow_red_baseline:
        raise PipelineError(
            f"the tests fail before any change: {red[0].command!r} exits {red[0].exit_code} "
            f"(output: .workflow/{red[0].output_path}); mend them, or add --allow-red-baseline"
        )
