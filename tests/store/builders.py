"""Books over a temporary folder, and the entries that the tests record in them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pipeline.domain.issue import Issue
from pipeline.domain.plan import Approval, Plan, PlanRisk, PlanState, RiskLevel, Role
from pipeline.domain.results import (
    ExecutionRecord,
    ExecutionStatus,
    FailureClass,
    PlanningRecord,
    PlanningStatus,
    Rollback,
)
from pipeline.domain.solution import FileAction, FileChange, Solution, Task
from pipeline.events import Event, EventBus
from pipeline.paths import Places, UserPlaces
from pipeline.store.book import Book
from pipeline.store.entries import (
    AttemptBegun,
    AttemptRecorded,
    PlanChanged,
    PlanRecorded,
    RolledBack,
)
from pipeline.store.journal import Probe, no_probe

NOW = datetime(2026, 11, 21, 2, 29, tzinfo=UTC)
COMMIT = "a" * 40


def places_in(root: Path) -> Places:
    """Return the places of a checkout in `root`."""
    user = UserPlaces(root / "config", root / "state", root / "cache")
    return Places(root, user, root / ".git")


def every_commit(_commit: str) -> bool:
    return True


def no_commit(_commit: str) -> bool:
    return False


def open_book(
    root: Path,
    *,
    heard: list[Event] | None = None,
    probe: Probe = no_probe,
    timer: Callable[[], float] | None = None,
    start: bool = True,
) -> Book:
    """Return a started book; what it says is appended to `heard`."""
    bus = EventBus([heard.append] if heard is not None else [])
    places = places_in(root)
    book = Book(places, bus, probe=probe, timer=timer) if timer else Book(places, bus, probe=probe)
    if start:
        book.start(every_commit)
    return book


def issue(issue_id: str, *, title: str = "Mend it") -> Issue:
    return Issue(id=issue_id, title=title, created_at=NOW)


def solution(issue_id: str, number: int = 1) -> Solution:
    change = FileChange(path=f"src/{issue_id}.py", action=FileAction.MODIFY)
    return Solution(
        solution_id=f"SOL-{issue_id}-{number}",
        issue_id=issue_id,
        title=f"Mend {issue_id}",
        tasks=(Task(id="T1", title="do it", files=(change,), tests=("pytest -q",)),),
    )


def plan(state: PlanState = PlanState.PENDING, *, approval: Approval | None = None) -> Plan:
    return Plan(
        state=state,
        risk=PlanRisk(level=RiskLevel.LOW),
        approval=approval,
        created_at=NOW,
        created_by="planner",
        updated_at=NOW,
    )


def approval(issue_id: str) -> Approval:
    return Approval(
        digest="d" * 64,
        base_commit=COMMIT,
        files={f"src/{issue_id}.py": "b" * 40},
        approver="ann",
        uid=1000,
        role=Role.MAINTAINER,
        decided_at=NOW,
        expires_at=NOW,
        mac="m" * 64,
    )


def planned(issue_id: str, number: int = 1, *, supersedes: str | None = None) -> PlanRecorded:
    record = PlanningRecord(
        issue_id=issue_id,
        solution_id=f"SOL-{issue_id}-{number}",
        status=PlanningStatus.COMPLETED,
        solution=solution(issue_id, number),
        planned_at=NOW,
        attempt=number,
        base_commit=COMMIT,
        plan=plan(),
    )
    return PlanRecorded(record=record, supersedes=supersedes)


def planning_failed(issue_id: str, attempt: int = 1) -> PlanRecorded:
    record = PlanningRecord(
        issue_id=issue_id,
        status=PlanningStatus.FAILED,
        planned_at=NOW,
        attempt=attempt,
        failure_class=FailureClass.AGENT,
        error="three wrong answers",
    )
    return PlanRecorded(record=record)


def approved(issue_id: str, number: int = 1) -> PlanChanged:
    return PlanChanged(
        solution_id=f"SOL-{issue_id}-{number}",
        event="approve",
        plan=plan(PlanState.APPROVED, approval=approval(issue_id)),
        by="ann",
    )


def begun(issue_id: str, number: int = 1) -> AttemptBegun:
    return AttemptBegun(
        execution_result_id=f"EXR-{issue_id}-{number}",
        issue_id=issue_id,
        solution_id=f"SOL-{issue_id}-1",
        run_id="R1",
        attempt=number,
        attempt_id=f"nonce-{issue_id}-{number}",
        base_commit=COMMIT,
    )


def attempted(
    issue_id: str,
    number: int = 1,
    *,
    status: ExecutionStatus = ExecutionStatus.COMPLETED,
) -> AttemptRecorded:
    landed = status is ExecutionStatus.COMPLETED
    return AttemptRecorded(
        record=ExecutionRecord(
            execution_result_id=f"EXR-{issue_id}-{number}",
            issue_id=issue_id,
            solution_id=f"SOL-{issue_id}-1",
            run_id="R1",
            attempt=number,
            attempt_id=f"nonce-{issue_id}-{number}",
            status=status,
            failure_class=None if landed else FailureClass.TESTS,
            commit_hash=COMMIT if landed else None,
            files_modified=(f"src/{issue_id}.py",) if landed else (),
            executed_at=NOW,
            duration_s=1.0,
        )
    )


def rolled_back(issue_id: str, number: int = 1, *, reason: str = "slow") -> RolledBack:
    landed = attempted(issue_id, number).record
    undone = Rollback(at=NOW, by="ann", reason=reason, commit="c" * 40, attempt_id="nonce-undo")
    update = {"status": ExecutionStatus.ROLLED_BACK, "rollback": undone}
    return RolledBack(record=landed.model_copy(update=update))
