"""Nouns that the tests of plans and gate share."""

from datetime import UTC, datetime

from pipeline.domain.issue import Issue
from pipeline.domain.plan import Approval, Earlier, Plan, PlanRisk, PlanState, RiskLevel, Role
from pipeline.domain.results import PlanningRecord, PlanningStatus
from pipeline.domain.solution import (
    Acceptance,
    FileAction,
    FileChange,
    Solution,
    Step,
    StepType,
    Task,
)

NOW = datetime(2026, 11, 21, 2, 29, tzinfo=UTC)


def issue(number: int, **fields: object) -> Issue:
    return Issue.model_validate({"id": f"ISS-{number}", "title": f"issue {number}"} | fields)


def change(path: str, action: str = "modify", said: str = "") -> FileChange:
    return FileChange(path=path, action=FileAction(action), change=said)


def step(kind: str, target: str, **fields: object) -> Step:
    return Step.model_validate({"type": StepType(kind), "target": target} | fields)


def task(number: int, *files: FileChange, **fields: object) -> Task:
    given = {"id": f"T{number}", "title": f"task {number}", "files": files, "tests": ["pytest -q"]}
    return Task.model_validate(given | fields)


def solution(number: int, *tasks: Task, **fields: object) -> Solution:
    given = {
        "solution_id": f"SOL-ISS-{number}-1",
        "issue_id": f"ISS-{number}",
        "title": f"solve issue {number}",
        "tasks": tasks,
        "acceptance": Acceptance(criteria=("it works",), commands=("pytest -q",)),
    }
    return Solution.model_validate(given | fields)


def plan(state: PlanState = PlanState.PENDING, **fields: object) -> Plan:
    given = {
        "state": state,
        "risk": PlanRisk(level=RiskLevel.MEDIUM, reasons=("MEDIUM: T1 modifies a.py",)),
        "created_at": NOW,
        "created_by": "planner:test",
        "updated_at": NOW,
    }
    return Plan.model_validate(given | fields)


def record(number: int, *files: str, **fields: object) -> PlanningRecord:
    """Return a planned record whose one task modifies `files`."""
    changes = [change(path) for path in files]
    given = {
        "issue_id": f"ISS-{number}",
        "solution_id": f"SOL-ISS-{number}-1",
        "status": PlanningStatus.COMPLETED,
        "solution": solution(number, task(1, *changes)),
        "planned_at": NOW,
        "base_commit": "0" * 40,
        "plan": plan(),
    }
    return PlanningRecord.model_validate(given | fields)


def approval(*after: str, **fields: object) -> Approval:
    """Return an approval that names `after`; its signature is nobody's."""
    given = {
        "digest": "d",
        "base_commit": "0" * 40,
        "files": {},
        "after": [Earlier(solution_id=name, digest="d") for name in after],
        "approver": "ann",
        "uid": 1000,
        "role": Role.ADMIN,
        "decided_at": NOW,
        "expires_at": NOW,
        "mac": "m",
    }
    return Approval.model_validate(given | fields)


def approved(
    number: int, *files: str, after: tuple[str, ...] = (), **terms: object
) -> PlanningRecord:
    """Return an approved record; its approval was given after seeing `after`."""
    envelope = plan(PlanState.APPROVED, approval=approval(*after), **terms)
    return record(number, *files, plan=envelope)
