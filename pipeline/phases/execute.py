"""Execute: each approved plan passes the gate's check once more, then an attempt is made at it.

A plan whose ground has moved is `stale` and goes back to planning; it never runs.
"""

from collections.abc import Callable, Collection, Sequence

from pipeline.domain.issue import Issue
from pipeline.domain.plan import PlanState
from pipeline.domain.results import (
    ExecutionRecord,
    ExecutionStatus,
    FailureClass,
    PlanningRecord,
)
from pipeline.errors import PipelineError
from pipeline.execution.land import in_the_way
from pipeline.execution.single import Execution, TakenBack
from pipeline.git import Repository
from pipeline.phases.holds import may_execute
from pipeline.phases.returns import keep, recheck, send_back
from pipeline.phases.turns import execution_text
from pipeline.phases.work import Work
from pipeline.plans.history import is_in_history, why_not
from pipeline.plans.ordering import execution_order
from pipeline.plans.standing import AGAIN, INFRASTRUCTURE_LIMIT, infrastructure_failures
from pipeline.safety.gate import Cleared
from pipeline.safety.ground import Stale
from pipeline.store.state import State

EXECUTOR = "executor"


def execute(work: Work, only: Collection[str] = ()) -> int:
    """Carry out every approved plan that is ready; return how much was done.

    That is attempts, and plans that went back to planning. `only` names solutions; none: all.
    """
    done = 0
    for record in ready(work.book.state, work.ordered_issues(), only):
        work.check_stop()
        work.book.catch_up()
        current = work.book.state.planning.get(record.key)
        if current is None or not is_ready(work.book.state, current):
            continue
        if work.backlog.find(current.issue_id).closed:
            continue
        done += _pass_gate(work, current)
    return done


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
    if attempts[-1].held is not None:
        return True  # it was approved since: what waited for that lands
    if attempts[-1].failure_class not in AGAIN:
        return False
    return infrastructure_failures(state, record.issue_id) < INFRASTRUCTURE_LIMIT


def ready(state: State, queue: Sequence[Issue], only: Collection[str] = ()) -> list[PlanningRecord]:
    """Return the plans to look at, in the order in which they are to run.

    `queue`: the backlog in the queue's order. `only` names solutions; none: all.
    """
    issues = [issue for issue in queue if not issue.closed]
    current = [record for issue in issues if (record := state.current(issue.id)) is not None]
    able = [record for record in current if is_ready(state, record)]
    order = execution_order(able, issues)
    return [record for record in order if not only or record.key in only]


def _pass_gate(work: Work, record: PlanningRecord) -> int:
    """Check one plan at the gate and act on the verdict.

    Returns how much was done: an attempt, plans that went back to planning.
    """
    if reason := _cannot_start(work, record):
        work.tell_blocked(record.issue_id, reason)
        return 0
    if not may_execute(work, record):
        return 0
    verdict = work.gate.check(record, work.book.state, work.tip())
    if not isinstance(verdict, Cleared):
        sent_back = send_back(work, record, verdict)
        return int(sent_back and isinstance(verdict, Stale))
    try:
        result = _attempt(work, verdict)
    except TakenBack:
        return 0
    if result.status is ExecutionStatus.COMPLETED:
        return 1 + recheck(work, result)
    return 1


def unmet(
    repo: Repository, state: State, issue: Issue, tip: str, is_closed: Callable[[str], bool]
) -> str | None:
    """Return which dependency has not landed, or not where the run reaches; None: all have."""
    for name in issue.depends_on:
        landed = state.landed(name)
        if is_closed(name):
            continue
        if landed is None:
            return f"waits for {name}, which has not landed"
        if not is_in_history(repo, landed, tip):
            return why_not(name, landed)
    return None


def _cannot_start(work: Work, record: PlanningRecord) -> str | None:
    """Return why the plan cannot start now: a dependency, or the branch is checked out."""
    issue = work.backlog.find(record.issue_id)
    if reason := unmet(work.repo, work.book.state, issue, work.tip(), work.is_closed):
        return reason
    reason = in_the_way(work.repo, work.run.branch)
    return f"parked: {reason}" if reason else None


def _attempt(work: Work, cleared: Cleared) -> ExecutionRecord:
    """Make one attempt with the one Execution agent; return its record."""
    record = cleared.record
    assert record.plan is not None
    execution = Execution(work, lambda: work.agent(EXECUTOR))
    budget = record.plan.budget
    work.purse.open_issue(budget.tokens, budget.usd, budget.minutes)
    try:
        result = execution.carry_out(
            cleared,
            lambda request_id, base: execution_text(work, cleared, request_id, base),
            work.backlog.find(record.issue_id).least_trust,
        )
    finally:
        work.purse.close_issue()
    keep(work, record.key)
    work.retire_broken(EXECUTOR)
    if result.failure_class is FailureClass.INFRASTRUCTURE and not _is_parked(result):
        work.breaker.failure(EXECUTOR, result.error or "no reason given")
    else:
        work.breaker.success(EXECUTOR)
    return result


def _is_parked(result: ExecutionRecord) -> bool:
    return bool(result.error and result.error.startswith("parked:"))


def require_tests(work: Work) -> None:
    """Refuse a project without tests, and a base whose tests fail, unless the user allowed it."""
    suite = work.suite
    if not suite:
        if not work.settings.allow_untested:
            raise PipelineError(
                "no tests found in this repository: set tests.command in .workflow/config.toml, "
                "or `pipeline run --allow-untested`"
            )
        return
    red = [
        one.evidence
        for one in work.verifier.baseline(work.tip(), suite, stop=work.stop)
        if one.blamed
    ]
    if red and not work.settings.allow_red_baseline:
        raise PipelineError(
            f"the tests fail before any change: {red[0].command!r} exits {red[0].exit_code} "
            f"(output: .workflow/{red[0].output_path}); mend them, or "
            "`pipeline run --allow-red-baseline`"
        )
