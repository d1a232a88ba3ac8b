"""Where each issue stands, derived from the journal's state: what `status` and the report show.

group          states it gathers
landed         completed
needs you      a plan is pending or stale, or the planner asked questions
parked         deferred, blocked, or stopped by quota, budget, infrastructure
turned down    the plan was rejected
failed         planning or execution failed, or was rolled back
not started    everything that the pipeline will take up by itself: never begun, or interrupted
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.domain.again import why_again
from pipeline.domain.group import Group
from pipeline.domain.issue import Issue, IssueState
from pipeline.domain.plan import PlanState
from pipeline.domain.results import (
    ExecutionRecord,
    ExecutionStatus,
    FailureClass,
    Held,
    PlanningRecord,
    PlanningStatus,
)
from pipeline.plans.ordering import planning_order
from pipeline.store.state import State

BLAMED = frozenset({FailureClass.TESTS, FailureClass.AGENT, FailureClass.PLAN_TOO_NARROW})
"""Failures that are not tried again without new information."""

AGAIN = frozenset({FailureClass.INFRASTRUCTURE, FailureClass.QUOTA, FailureClass.INTERRUPTED})
"""Failures that nobody is to blame for: a later run tries again by itself."""

INFRASTRUCTURE_LIMIT = 3
"""So many infrastructure failures in a row park an issue (D11)."""


@dataclass(frozen=True)
class Standing:
    """Where one issue stands, and why."""

    issue: Issue
    state: IssueState
    group: Group
    reason: str | None = None
    record: PlanningRecord | None = None
    """The current planning record."""
    attempt: ExecutionRecord | None = None
    """The newest attempt at the current plan, or the one that landed."""

    @property
    def awaits_decision(self) -> bool:
        """Tell whether its plan waits for a person to decide on it."""
        plan = self.record.plan if self.record is not None else None
        pending = plan is not None and plan.state is PlanState.PENDING
        return pending and self.group is Group.NEEDS_YOU

    @property
    def is_interrupted(self) -> bool:
        """Tell whether it was begun and is left, because something ended the process."""
        last = self.attempt or self.record
        ended = last is not None and last.failure_class is FailureClass.INTERRUPTED
        return ended and self.group is Group.NOT_STARTED and self.reason is not None


def standings(
    issues: Sequence[Issue],
    state: State,
    problems: Mapping[str, str],
    *,
    working: bool = False,
    parked: str | None = None,
) -> list[Standing]:
    """Return the standing of every issue, in the order given.

    `problems` names issues that cannot start: a cycle, a missing dependency, one that landed where
    the run does not reach. `working` tells whether an orchestrator is alive, so that an open turn
    means "at work" rather than "was interrupted". `parked` is why no approved plan can be carried
    out.
    """
    known = {issue.id: issue for issue in issues}
    done: dict[str, Standing] = {}

    def standing(issue: Issue) -> Standing:
        if issue.id not in done:
            done[issue.id] = _parked(_own(issue, state, working=working), parked)
            if issue.id in problems:
                done[issue.id] = _blocked(done[issue.id], problems[issue.id])
            else:
                done[issue.id] = _after_dependencies(done[issue.id], known, standing)
        return done[issue.id]

    for issue in planning_order(issues):
        standing(issue)  # dependencies first, so that no chain is followed deeper than one step
    return [standing(issue) for issue in issues]


def exit_code(all_of_them: Sequence[Standing]) -> int:
    """Return 3 when something waits for a person, 4 when something failed or is parked, else 0."""
    groups = {one.group for one in all_of_them}
    if Group.NEEDS_YOU in groups:
        return 3
    return 4 if groups & {Group.FAILED, Group.PARKED} else 0


def is_over(all_of_them: Sequence[Standing]) -> bool:
    """Tell whether nothing is left to do: everything has landed or was turned down."""
    return {one.group for one in all_of_them} <= {Group.LANDED, Group.TURNED_DOWN}


def infrastructure_failures(state: State, issue_id: str) -> int:
    """Return how many of the issue's newest outcomes in a row were infrastructure failures."""
    plans = state.plans(issue_id)
    attempts = [one for plan in plans for one in state.attempts(plan.key)]
    outcomes = {one.key: one.failure_class for one in plans}
    outcomes |= {one.key: one.failure_class for one in attempts}
    newest = sorted(outcomes, key=state.recorded_at_seq.__getitem__, reverse=True)
    count = 0
    for key in newest:
        if outcomes[key] is not FailureClass.INFRASTRUCTURE:
            break
        count += 1
    return count


def held_by(state: State, solution_id: str) -> Held | None:
    """Return what the newest attempt at a solution left for a person to decide on."""
    attempts = state.attempts(solution_id)
    return attempts[-1].held if attempts else None


def _own(issue: Issue, state: State, *, working: bool) -> Standing:
    """Return the standing that follows from the issue's own records."""
    record = state.current(issue.id)
    landed = state.landed(issue.id)
    if landed is not None:
        return Standing(issue, IssueState.COMPLETED, Group.LANDED, None, record, landed)
    if issue.closed:
        reason = f"closed: {issue.closed_reason}" if issue.closed_reason else "done before"
        return Standing(issue, IssueState.COMPLETED, Group.LANDED, reason, record)
    if working and state.open_planning and state.open_planning.issue_id == issue.id:
        return Standing(issue, IssueState.PLANNING, Group.NOT_STARTED, None, record)
    if working and state.open_attempt and state.open_attempt.issue_id == issue.id:
        return Standing(issue, IssueState.EXECUTING, Group.NOT_STARTED, None, record)
    if record is None or issue.id in state.replan:
        return Standing(issue, IssueState.REGISTERED, Group.NOT_STARTED, None, record)
    if record.status is not PlanningStatus.COMPLETED or record.plan is None:
        return _without_plan(issue, record, state)
    return _with_plan(issue, record, state)


def _parked(own: Standing, reason: str | None) -> Standing:
    """Return the standing, parked when `reason` keeps its approved plan from being carried out."""
    plan = own.record.plan if own.record is not None else None
    ready = own.group is Group.NOT_STARTED and own.state is IssueState.PLANNED
    if reason is None or not ready or plan is None or plan.state is not PlanState.APPROVED:
        return own
    return replace(own, state=IssueState.PARKED, group=Group.PARKED, reason=reason)


def _without_plan(issue: Issue, record: PlanningRecord, state: State) -> Standing:
    if record.status is PlanningStatus.NEEDS_CLARIFICATION:
        asked = " / ".join(record.questions)
        return Standing(issue, IssueState.PARKED, Group.NEEDS_YOU, asked, record)
    if record.failure_class in BLAMED or record.failure_class is None:
        return Standing(issue, IssueState.FAILED, Group.FAILED, record.error, record)
    return _parked_or_again(issue, record, None, record.failure_class, record.error, state)


def _with_plan(issue: Issue, record: PlanningRecord, state: State) -> Standing:
    plan = record.plan
    assert plan is not None
    planned, parked = IssueState.PLANNED, IssueState.PARKED
    match plan.state:
        case PlanState.PENDING | PlanState.APPROVED if plan.deferred:
            return Standing(issue, parked, Group.PARKED, "deferred", record)
        case PlanState.PENDING:
            return Standing(issue, planned, Group.NEEDS_YOU, plan.state_reason, record)
        case PlanState.STALE:
            reason = f"stale: {plan.state_reason}" if plan.state_reason else "stale"
            return Standing(issue, IssueState.REGISTERED, Group.NEEDS_YOU, reason, record)
        case PlanState.REJECTED:
            return Standing(issue, parked, Group.TURNED_DOWN, plan.state_reason, record)
        case PlanState.APPROVED:
            return _approved(issue, record, state)
        case PlanState.INACTIVE | PlanState.DRAFTING | PlanState.SUPERSEDED:
            return Standing(
                issue, IssueState.REGISTERED, Group.NOT_STARTED, plan.state_reason, record
            )


def _approved(issue: Issue, record: PlanningRecord, state: State) -> Standing:
    attempts = state.attempts(record.key)
    if not attempts or record.key in state.rerun or attempts[-1].held is not None:
        return Standing(issue, IssueState.PLANNED, Group.NOT_STARTED, None, record)
    last = attempts[-1]
    if last.status is ExecutionStatus.ROLLED_BACK:
        return Standing(issue, IssueState.FAILED, Group.FAILED, _undone(last), record, last)
    if last.failure_class in BLAMED:
        return Standing(issue, IssueState.FAILED, Group.FAILED, last.error, record, last)
    return _parked_or_again(issue, record, last, last.failure_class, last.error, state)


def _undone(attempt: ExecutionRecord) -> str:
    reason = attempt.rollback.reason if attempt.rollback else ""
    return f"rolled back: {reason}" if reason else "rolled back"


def _parked_or_again(
    issue: Issue,
    record: PlanningRecord,
    attempt: ExecutionRecord | None,
    failure: FailureClass | None,
    error: str | None,
    state: State,
) -> Standing:
    """Return `parked`; a later run takes it up again unless the breaker has opened.

    What was interrupted is left to do like any other.
    """
    reason = why_again(failure, error)
    if failure is FailureClass.INTERRUPTED:
        left = IssueState.REGISTERED if attempt is None else IssueState.PLANNED
        return Standing(issue, left, Group.NOT_STARTED, reason, record, attempt)
    broken = infrastructure_failures(state, issue.id) >= INFRASTRUCTURE_LIMIT
    shown = IssueState.BLOCKED if broken else IssueState.PARKED
    if broken:
        reason = f"{reason} ({INFRASTRUCTURE_LIMIT} times in a row; `pipeline retry {issue.id}`)"
    return Standing(issue, shown, Group.PARKED, reason, record, attempt)


def _after_dependencies(
    own: Standing, known: Mapping[str, Issue], standing: Callable[[Issue], Standing]
) -> Standing:
    """Return the standing, `blocked` where a dependency can no longer land by itself."""
    if own.group in (Group.LANDED, Group.TURNED_DOWN, Group.FAILED):
        return own
    for name in own.issue.depends_on:
        other = standing(known[name])
        if other.group in (Group.FAILED, Group.TURNED_DOWN):
            return _blocked(own, f"depends on {name}, which is {_in_words(other)}")
        if other.state is IssueState.BLOCKED:
            return _blocked(own, f"depends on {name}, which is blocked")
    return own


def _in_words(one: Standing) -> str:
    return "rejected" if one.group is Group.TURNED_DOWN else "failed"


def _blocked(own: Standing, reason: str) -> Standing:
    if own.group in (Group.LANDED, Group.TURNED_DOWN):
        return own
    return Standing(own.issue, IssueState.BLOCKED, Group.PARKED, reason, own.record, own.attempt)
