"""Plan: each issue that needs a plan is sent to the Planning agent; its outcome is recorded.

One issue's failure never stops the others; three infrastructure failures in a row do.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from pipeline.agents.agent import TurnOutcome, TurnRequest
from pipeline.agents.digest import planning_digest
from pipeline.agents.toolbox import Accepted, Refused, Verdict
from pipeline.agents.tools.answers import to_solution
from pipeline.agents.tools.boxes import planner_toolbox
from pipeline.agents.tools.wire import SubmitSolution
from pipeline.domain.issue import Issue
from pipeline.domain.plan import PlanState
from pipeline.domain.results import (
    FailureClass,
    PlanningRecord,
    PlanningStatus,
    Usage,
)
from pipeline.domain.solution import Solution
from pipeline.errors import PipelineError
from pipeline.events import PlanningStarted
from pipeline.execution.failures import ENDS_THE_RUN, FAILURE_OF_TURN, failure_of
from pipeline.execution.learning import learned
from pipeline.execution.workspace import Workspace
from pipeline.git import Repository
from pipeline.phases.holds import Room
from pipeline.phases.turns import planning_text
from pipeline.phases.work import Work
from pipeline.plans.drafting import envelope, judged, record_plan
from pipeline.plans.history import is_in_history, why_not
from pipeline.plans.standing import (
    AGAIN,
    INFRASTRUCTURE_LIMIT,
    infrastructure_failures,
)
from pipeline.store import entries
from pipeline.store.state import State

PLANNER = "planner"


@dataclass(frozen=True)
class Answer:
    """A solution that passed its checks, the minutes it asks for, what its reviewer is told."""

    solution: Solution
    minutes: int | None
    warnings: tuple[str, ...] = ()
    passed: frozenset[str] = frozenset()
    """Commands that exited with 0 while the agent planned."""


@dataclass(frozen=True)
class Questions:
    """What the Planning agent has to know before it can plan."""

    questions: tuple[str, ...]


def plan(
    work: Work, only: Collection[str] = (), after_each: Callable[[], object] = lambda: None
) -> int:
    """Plan every issue that needs it, in the queue's order; return how many turns were made.

    `only` names the issues to look at; none: all. `after_each` is called after each turn.
    """
    turns, room = 0, Room(work)
    for issue_id, problem in work.hopeless().items():
        if not only or issue_id in only:
            work.tell_blocked(issue_id, problem)
    for issue in work.ordered_issues():
        work.check_stop()
        work.book.catch_up()
        if (only and issue.id not in only) or not needs_plan(work.book.state, issue):
            continue
        if reason := _cannot_start(work, issue):
            work.tell_blocked(issue.id, reason)
            continue
        if not room.is_there():
            break
        turns += _plan_issue(work, issue)
        room.take()
        after_each()
    return turns


def needs_plan(state: State, issue: Issue) -> bool:
    """Tell whether the issue is to be sent to the Planning agent."""
    if issue.closed or state.landed(issue.id) is not None:
        return False
    record = state.current(issue.id)
    if record is None or issue.id in state.replan:
        return True
    if record.status is PlanningStatus.COMPLETED and record.plan is not None:
        return record.plan.state in (
            PlanState.INACTIVE,
            PlanState.DRAFTING,
            PlanState.STALE,
            PlanState.SUPERSEDED,
        )
    if record.status is PlanningStatus.NEEDS_CLARIFICATION:
        return False
    return (
        record.failure_class in AGAIN
        and infrastructure_failures(state, issue.id) < INFRASTRUCTURE_LIMIT
    )


def _cannot_start(work: Work, issue: Issue) -> str | None:
    if not issue.depends_on:  # nearly always: git is not asked for the tip
        return None
    return cannot_plan(work.repo, work.book.state, issue, work.tip(), work.is_closed)


def cannot_plan(
    repo: Repository, state: State, issue: Issue, tip: str, is_closed: Callable[[str], bool]
) -> str | None:
    """Return why a dependency keeps the issue from being planned, or None.

    `is_closed` tells it of an issue by its id.
    """
    for name in issue.depends_on:
        if is_closed(name):
            continue
        landed = state.landed(name)
        if landed is not None:
            if not is_in_history(repo, landed, tip):
                return why_not(name, landed)
            continue
        record = state.current(name)
        if record is None:
            continue  # closed before, or its own turn failed without any record
        if record.status is not PlanningStatus.COMPLETED or record.plan is None:
            return f"depends on {name}, which has no plan"
        if record.plan.state is PlanState.REJECTED:
            return f"depends on {name}, which is rejected"
    return None


def _plan_issue(work: Work, issue: Issue) -> bool:
    """Make one planning turn and record what came of it; tell whether there was one to make."""
    state, tip = work.book.state, work.tip()
    with work.book.alone():  # a person may have just recorded a plan of their own
        if not needs_plan(state, issue):
            return False
        attempt = state.next_planning_attempt(issue.id)
        request_id = f"{issue.id}.{attempt}"
        work.book.record(
            entries.PlanningBegun(
                issue_id=issue.id,
                attempt=attempt,
                request_id=request_id,
                base_commit=tip,
                title=work.redaction(issue.title),
            )
        )
    work.bus.emit(PlanningStarted(issue.id, issue.title, attempt))
    work.purse.open_issue(
        work.settings.budget.issue_tokens, None, work.settings.limits.planning_minutes
    )
    try:
        outcome = _ask(work, issue, request_id, tip)
    except ENDS_THE_RUN:
        raise
    except PipelineError as error:
        failure = failure_of(error)
        _record_failure(work, issue, attempt, tip, failure, str(error), _used(work, request_id))
        work.retire_broken(PLANNER)
        if failure is FailureClass.INFRASTRUCTURE:
            work.breaker.failure(PLANNER, str(error))
        return True
    finally:
        work.purse.close_issue()
    work.breaker.success(PLANNER)
    _record_outcome(work, issue, attempt, tip, outcome)
    return True


def _ask(work: Work, issue: Issue, request_id: str, tip: str) -> TurnOutcome:
    """Send the issue to the Planning agent and wait for its answer."""
    agent = work.agent(PLANNER)
    workspace = work.workspaces.open_for_reading(PLANNER, tip)
    passed: set[str] = set()
    toolbox = planner_toolbox(
        request_id=request_id,
        issue_id=issue.id,
        jail=workspace.jail,
        sandbox=work.sandbox,
        outputs=work.places.outputs / "planning" / request_id,
        bus=work.bus,
        accept_solution=_judge(work, issue, workspace, passed),
        passed=passed,
        accept_questions=lambda questions: Accepted(Questions(questions)),
        command_seconds=work.settings.limits.command_seconds,
        redaction=work.redaction,
    )
    turn = agent.send_input(
        TurnRequest(
            request_id=request_id,
            issue_id=issue.id,
            text=work.redaction(planning_text(work, issue, request_id, tip)),
            toolbox=toolbox,
            minutes=work.settings.limits.planning_minutes,
        )
    )
    return agent.wait(turn)


def _judge(
    work: Work, issue: Issue, workspace: Workspace, passed: Collection[str]
) -> Callable[[SubmitSolution], Verdict]:
    """Return what checks a submitted solution; its problems go back to the agent."""
    solution_id = work.book.state.next_solution_id(issue.id)

    def judge(sent: SubmitSolution) -> Verdict:
        solution = to_solution(sent, solution_id=solution_id, issue_id=issue.id)
        checked = judged(
            solution,
            issue=issue,
            state=work.book.state,
            settings=work.settings,
            trees=work.gate.trees,
            base=workspace.commit,
            places=work.places,
            jail=workspace.jail,
        )
        if checked.errors:
            return Refused("the plan cannot be accepted yet:\n- " + "\n- ".join(checked.errors))
        return Accepted(Answer(solution, sent.minutes, checked.warnings, frozenset(passed)))

    return judge


def _record_outcome(work: Work, issue: Issue, attempt: int, tip: str, outcome: TurnOutcome) -> None:
    """Turn an answer into a record, and the turn into a line of the ledger."""
    model = outcome.usage.model or work.settings.planner.model
    common = {
        "issue_id": issue.id,
        "planned_at": work.now(),
        "attempt": attempt,
        "base_commit": tip,
        "usage": outcome.usage,
        "rehearsal": work.settings.rehearsal,
    }
    match outcome.answer:
        case Answer(solution=solution, minutes=minutes, warnings=warnings):
            record = PlanningRecord.model_validate(
                common
                | {
                    "solution_id": solution.solution_id,
                    "status": PlanningStatus.COMPLETED,
                    "solution": solution,
                    "plan": envelope(
                        solution,
                        settings=work.settings,
                        created_by=f"{PLANNER}:{model}",
                        now=work.now(),
                        minutes=minutes,
                        warnings=warnings,
                    ),
                }
            )
        case Questions(questions=questions):
            record = PlanningRecord.model_validate(
                common | {"status": PlanningStatus.NEEDS_CLARIFICATION, "questions": questions}
            )
        case _:
            record = PlanningRecord.model_validate(
                common
                | {
                    "status": PlanningStatus.FAILED,
                    "failure_class": FAILURE_OF_TURN[outcome.status],
                    "error": work.redaction(outcome.reason or outcome.status),
                }
            )
    record_plan(work.book, work.bus, record, issue, work.settings)
    if outcome.status == "interrupted":
        work.agent(PLANNER).drop(outcome.turn_id)
        return
    agent, answer = work.agent(PLANNER), outcome.answer
    new = learned(
        work,
        agent,
        record.solution.lessons if record.solution else (),
        author=issue.least_trust,
        commit=tip,
        passed=answer.passed if isinstance(answer, Answer) else (),
    )
    agent.settle(outcome.turn_id, planning_digest(record, new.kept), new.proposed)


def _used(work: Work, request_id: str) -> Usage:
    """Return what a turn that an error ended has used; nothing when it did not begin."""
    agent = work.agents.get(PLANNER)
    return agent.usage_of(request_id) if agent is not None else Usage()


def _record_failure(
    work: Work,
    issue: Issue,
    attempt: int,
    tip: str,
    failure: FailureClass,
    reason: str,
    usage: Usage,
) -> None:
    record = PlanningRecord(
        issue_id=issue.id,
        status=PlanningStatus.FAILED,
        planned_at=work.now(),
        attempt=attempt,
        base_commit=tip,
        failure_class=failure,
        error=work.redaction(reason),
        usage=usage,
        rehearsal=work.settings.rehearsal,
    )
    record_plan(work.book, work.bus, record, issue, work.settings)
