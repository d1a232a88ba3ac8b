"""A repository, a run branch, a journal and a gate, with the few moves that the tests make."""

import os
import pwd
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.domain.issue import Issue
from pipeline.domain.plan import Plan, PlanState, Role
from pipeline.domain.results import ExecutionRecord, ExecutionStatus, PlanningRecord
from pipeline.domain.solution import FileChange
from pipeline.events import EventBus
from pipeline.git import open_repository
from pipeline.paths import Places, UserPlaces
from pipeline.plans.lifecycle import PlanEvent, advance
from pipeline.safety.gate import Cleared, Gate, Returned
from pipeline.safety.ground import Stale
from pipeline.safety.policy import Approver
from pipeline.settings import GateSettings, Settings
from pipeline.store.book import Book
from pipeline.store.entries import AttemptRecorded, PlanChanged, PlanRecorded
from tests.builders import commit_files, git, make_repository
from tests.plans.nouns import change, issue, plan, record, solution, task

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
FILES = {"CHANGELOG.md": "start\n", "a.py": "a = 1\n", "b.py": "b = 1\n"}


class World:
    """Everything that a decision is checked against; `now` is its clock."""

    def __init__(self, folder: Path, **gate: object) -> None:
        self.root = make_repository(folder / "repo", FILES)
        self.now = START
        self.issues: list[Issue] = []
        self.approver = Approver("ann", 1000, Role.ADMIN)
        user = UserPlaces(folder / "config", folder / "state", folder / "cache")
        self.repo = open_repository(self.root)
        self.places = Places(self.root, user, self.repo.git_dir)
        self.settings = Settings(gate=GateSettings.model_validate(gate))
        self.gate = self.gate_with(self.settings)
        self.book = Book(self.places, EventBus(), clock=lambda: self.now)
        self.book.start(lambda _commit: True)
        (self.root / ".git" / "info" / "exclude").write_text(".workflow/\n")
        git(self.root, "checkout", "-q", "-b", "pipeline/r1")

    @property
    def tip(self) -> str:
        return git(self.root, "rev-parse", "HEAD")

    def gate_with(self, settings: Settings) -> Gate:
        return Gate(self.repo, self.places, settings, lambda: self.now)

    def plan(self, number: int, *changes: FileChange, depends_on=(), **terms) -> PlanningRecord:
        """Record a pending plan of `changes`, made at the tip."""
        self.issues.append(issue(number, depends_on=depends_on))
        planned = record(
            number,
            solution=solution(number, task(1, *changes)),
            base_commit=self.tip,
            plan=plan(**terms),
        )
        self.book.record(PlanRecorded(record=planned))
        return self.current(number)

    def current(self, number: int) -> PlanningRecord:
        found = self.book.state.current(f"ISS-{number}")
        assert found is not None
        return found

    def approve(self, number: int) -> PlanningRecord:
        """Sign the current plan of an issue as its reviewer sees it now, and record that."""
        pending = self.current(number)
        after = self.gate.earlier_plans(pending, self.book.state, self.issues)
        given = self.gate.sign(pending, after=after, approver=self.approver)
        assert pending.plan is not None
        return self.decide(
            number, advance(pending.plan, PlanEvent.APPROVE, now=self.now, approval=given)
        )

    def decide(self, number: int, envelope: Plan) -> PlanningRecord:
        """Record an envelope, whoever made it."""
        key = self.current(number).key
        self.book.record(PlanChanged(solution_id=key, event="approve", plan=envelope))
        return self.current(number)

    def land(self, number: int, files: dict[str, str], *, gone: tuple[str, ...] = ()) -> str:
        """Commit a change as the pipeline would, with its trailers, and record it."""
        base, attempt_id = self.tip, f"nonce{number}"
        for path in gone:
            (self.root / path).unlink()
        commit = commit_files(
            self.root, files, message=f"solve {number}\n\nAttempt-Id: {attempt_id}"
        )
        done = ExecutionRecord(
            execution_result_id=f"EXR-ISS-{number}-1",
            issue_id=f"ISS-{number}",
            solution_id=self.current(number).key,
            run_id="r1",
            attempt_id=attempt_id,
            status=ExecutionStatus.COMPLETED,
            base_commit=base,
            commit_hash=commit,
            files_modified=(*files, *gone),
            executed_at=self.now,
        )
        self.book.record(AttemptRecorded(record=done))
        return commit

    def check(self, number: int) -> Cleared | Returned | Stale:
        return self.gate.check(self.current(number), self.book.state, self.tip)

    def foreign(self, files: dict[str, str]) -> str:
        """Commit something that no plan speaks of."""
        return commit_files(self.root, files, message="somebody else")

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)


def modifies(*paths: str) -> tuple[FileChange, ...]:
    return tuple(change(path) for path in paths)


def is_pending(planned: PlanningRecord) -> bool:
    return planned.plan is not None and planned.plan.state is PlanState.PENDING


def not_mine(folder: Path) -> Path:
    """Return `folder`, another user's: given away, or for all but root a link to root's own."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if os.getuid() != 0:
        folder.symlink_to("/usr")
        return folder
    folder.mkdir(exist_ok=True)
    os.chown(folder, pwd.getpwnam("daemon").pw_uid, -1)
    return folder
