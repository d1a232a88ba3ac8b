"""Records of a document that another machine or another tool wrote, made into ours.

Besides our own form the minimal one of the source documents is accepted:

    {issue_id, solution_id, status, solution, planned_at}
    {issue_id, solution_id, status, commit_hash, files_modified, executed_at}
"""

from collections.abc import Callable
from datetime import datetime

from pydantic import JsonValue, ValidationError

from pipeline.domain.base import iso
from pipeline.domain.plan import Plan, PlanRisk, PlanState, RiskLevel
from pipeline.domain.results import (
    ExecutionRecord,
    ExecutionStatus,
    FailureClass,
    PlanningRecord,
    PlanningStatus,
)

ADOPTED_BY = "adoption"
KEPT_STATES = frozenset({PlanState.REJECTED, PlanState.SUPERSEDED})
UNKNOWN_RISK = PlanRisk(
    level=RiskLevel.HIGH, reasons=("it came in from a document that names no risk",)
)

Fields = dict[str, JsonValue]


def adopted_plan(value: JsonValue, *, attempt: int, now: datetime) -> PlanningRecord | None:
    """Return the planning record with its approval dropped, or None when it has no usable plan."""
    if not isinstance(value, dict):
        return None
    fields = _filled(value, attempt=attempt, now=now)
    try:
        record = PlanningRecord.model_validate(fields)
    except ValidationError:
        return None
    if record.status is not PlanningStatus.COMPLETED:
        return record.model_copy(update={"plan": None})
    if record.solution is None or not record.solution.tasks:
        return None
    plan = record.plan or _envelope(record.planned_at)
    if plan.state not in KEPT_STATES:
        update = {
            "state": PlanState.PENDING,
            "state_reason": "it came in from a document: decide again",
            "updated_at": now,
        }
        plan = plan.model_copy(update=update)
    return record.model_copy(update={"plan": plan.model_copy(update={"approval": None})})


def replannable(value: JsonValue, *, attempt: int, now: datetime) -> PlanningRecord | None:
    """Return a record that says that the issue must be planned again; None without an issue id."""
    if not isinstance(value, dict):
        return None
    named = {key: value.get(key) for key in ("issue_id", "solution_id")}
    fields: Fields = {
        **named,
        "status": PlanningStatus.FAILED,
        "failure_class": FailureClass.AGENT,
        "planned_at": iso(now),
        "attempt": attempt,
        "error": "its plan came in from a document in a form that cannot be carried out",
    }
    for solution_id in (named["solution_id"], None):
        try:
            return PlanningRecord.model_validate({**fields, "solution_id": solution_id})
        except ValidationError:
            continue
    return None


def adopted_attempt(
    value: JsonValue, *, number: int, now: datetime, commit_exists: Callable[[str], bool]
) -> ExecutionRecord | None:
    """Return the execution record; completed stays completed only where its commit exists."""
    if not isinstance(value, dict):
        return None
    issue_id = value.get("issue_id")
    files = value.get("files_modified")
    fields: Fields = {
        "execution_result_id": f"EXR-{issue_id}-{number}",
        "solution_id": f"SOL-{issue_id}-{number}",
        "run_id": ADOPTED_BY,
        "attempt": number,
        "attempt_id": f"{ADOPTED_BY}-{issue_id}-{number}",
        "executed_at": iso(now),
        **{key: field for key, field in value.items() if field is not None},
        "files_modified": files if isinstance(files, list) else [],
    }
    if fields.get("status") not in set(ExecutionStatus):
        fields["status"] = ExecutionStatus.FAILED
    try:
        record = ExecutionRecord.model_validate(fields)
    except ValidationError:
        return None
    if record.status is ExecutionStatus.FAILED and record.failure_class is None:
        return record.model_copy(update={"failure_class": FailureClass.AGENT})
    if record.status is not ExecutionStatus.COMPLETED:
        return record
    if record.commit_hash and commit_exists(record.commit_hash):
        return record
    update = {
        "status": ExecutionStatus.FAILED,
        "failure_class": FailureClass.INFRASTRUCTURE,
        "error": f"its commit {record.commit_hash} is not in this repository",
    }
    return record.model_copy(update=update)


def _filled(value: Fields, *, attempt: int, now: datetime) -> Fields:
    """Fill in what the minimal form leaves out."""
    fields: Fields = {
        "planned_at": iso(now),
        "attempt": attempt,
        **{key: field for key, field in value.items() if field is not None},
    }
    solution = fields.get("solution")
    if fields.get("status") not in set(PlanningStatus):
        fields["status"] = PlanningStatus.COMPLETED if solution else PlanningStatus.FAILED
    issue_id = fields.get("issue_id")
    if isinstance(solution, dict):
        filled: Fields = {"issue_id": issue_id, "title": str(issue_id)} | solution
        filled.setdefault("solution_id", fields.get("solution_id"))
        fields["solution"] = filled
        fields.setdefault("solution_id", filled["solution_id"])
    return fields


def _envelope(planned_at: datetime) -> Plan:
    return Plan(
        state=PlanState.PENDING,
        risk=UNKNOWN_RISK,
        created_at=planned_at,
        created_by=ADOPTED_BY,
        updated_at=planned_at,
    )
