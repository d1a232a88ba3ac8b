"""What came of an issue, as a class: `pipeline retry --class` takes all of one up again."""

from enum import StrEnum

from pipeline.domain.group import Group
from pipeline.domain.plan import PlanState
from pipeline.domain.results import ExecutionStatus, FailureClass, PlanningStatus
from pipeline.plans.standing import Standing


class Outcome(StrEnum):
    """How an issue ended that can be taken up again: the failure classes, and three more."""

    TESTS = FailureClass.TESTS
    AGENT = FailureClass.AGENT
    PLAN_TOO_NARROW = FailureClass.PLAN_TOO_NARROW
    INFRASTRUCTURE = FailureClass.INFRASTRUCTURE
    QUOTA = FailureClass.QUOTA
    BUDGET = FailureClass.BUDGET
    INTERRUPTED = FailureClass.INTERRUPTED
    ROLLED_BACK = "rolled_back"
    REJECTED = "rejected"
    QUESTIONS = "questions"


def outcome_of(row: Standing) -> Outcome | None:
    """Return what came of an issue; None for one that has landed, waits, or was not tried yet."""
    record, attempt = row.record, row.attempt
    if record is None or row.group is Group.LANDED:
        return None
    if row.group is Group.NOT_STARTED and not row.is_interrupted:
        return None
    if attempt is not None:
        undone = attempt.status is ExecutionStatus.ROLLED_BACK
        return Outcome.ROLLED_BACK if undone else _failed(attempt.failure_class)
    if record.plan is not None and record.plan.state is PlanState.REJECTED:
        return Outcome.REJECTED
    if record.status is PlanningStatus.NEEDS_CLARIFICATION:
        return Outcome.QUESTIONS
    return _failed(record.failure_class)


def _failed(failure: FailureClass | None) -> Outcome | None:
    return Outcome(failure) if failure is not None else None
