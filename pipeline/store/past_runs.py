"""What each run came to, counted in one pass over the journal: for `history` and `archive`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.domain.plan import PlanState
from pipeline.domain.results import ExecutionRecord, ExecutionStatus, PlanningRecord
from pipeline.store.entries import (
    AttemptBegun,
    AttemptRecorded,
    CallSettled,
    PlanChanged,
    PlanningBegun,
    PlanRecorded,
    RolledBack,
    RunClosed,
    RunOpened,
)
from pipeline.store.line import Line


@dataclass
class PastRun:
    """One run; numbers are those of its end, or of now while it is open."""

    run_id: str
    branch: str
    base_commit: str
    rehearsal: bool
    opened_at: datetime
    first_line: int
    """Of the journal: it opens the run."""
    last_line: int = 0
    """The last one before the next run."""
    closed_at: datetime | None = None
    reason: str = ""
    landed: int = 0
    failed: int = 0
    """Issues whose last outcome in the run was a failure."""
    waiting: int = 0
    """Plans that waited for a decision."""
    calls: int = 0
    usd: float = 0.0
    price_unknown: bool = False
    attempts: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Of its planning turns."""
    plans: list[str] = field(default_factory=list)
    """Keys of the plans that it made or tried to carry out."""


@dataclass
class _Count:
    runs: list[PastRun] = field(default_factory=list)
    plans: dict[str, tuple[str, PlanState]] = field(default_factory=dict)
    """Issue -> its current plan and that plan's state."""
    landed: dict[str, str] = field(default_factory=dict)
    """Attempt that landed -> its run."""
    failed: set[str] = field(default_factory=set)

    def take(self, line: Line) -> None:
        """Count one line."""
        if line.kind in COUNTED:
            self._count(line)
        if self.runs:
            self.runs[-1].last_line = line.seq

    def _count(self, line: Line) -> None:
        run = self.runs[-1] if self.runs else None
        match line.entry:
            case RunOpened() as opened:
                self.finish()
                self.failed = set()
                self.runs.append(
                    PastRun(
                        opened.run_id,
                        opened.branch,
                        opened.base_commit,
                        opened.rehearsal,
                        line.at,
                        line.seq,
                    )
                )
            case RunClosed(run_id=run_id, reason=reason) if run and run.run_id == run_id:
                self.finish()
                run.closed_at, run.reason = line.at, reason
            case PlanningBegun(request_id=request_id) if run:
                run.requests.append(request_id)
            case PlanRecorded(record=record):
                self._planned(record, run)
            case PlanChanged(solution_id=key, plan=plan):
                issue = next((name for name, one in self.plans.items() if one[0] == key), None)
                if issue is not None:
                    self.plans[issue] = (key, plan.state)
            case AttemptBegun(execution_result_id=name, solution_id=key) if run:
                run.attempts.append(name)
                run.plans.append(key)
            case AttemptRecorded(record=record) | RolledBack(record=record):
                self._tried(record)
            case CallSettled(usage=usage) if run:
                run.calls += 1
                run.usd += usage.usd or 0.0
                run.price_unknown |= usage.usd is None

    def _planned(self, record: PlanningRecord, run: PastRun | None) -> None:
        if record.plan is not None:
            self.plans[record.issue_id] = (record.key, record.plan.state)
            self.failed.discard(record.issue_id)
        elif record.failure_class is not None:
            self.failed.add(record.issue_id)
        if run and record.solution_id:
            run.plans.append(record.key)

    def _tried(self, record: ExecutionRecord) -> None:
        if record.status is ExecutionStatus.COMPLETED:
            self.landed[record.execution_result_id] = record.run_id
            self.failed.discard(record.issue_id)
        else:
            self.landed.pop(record.execution_result_id, None)
            self.failed.add(record.issue_id)

    def finish(self) -> None:
        """Write the newest run's numbers down, unless it has been closed before."""
        run = self.runs[-1] if self.runs else None
        if run is None or run.closed_at is not None:
            return
        run.failed = len(self.failed)
        run.waiting = sum(state is PlanState.PENDING for _, state in self.plans.values())


COUNTED = frozenset(
    {
        *("run_opened", "run_closed", "planning_begun", "plan_recorded", "plan_changed"),
        *("attempt_begun", "attempt_recorded", "rolled_back", "call_settled"),
    }
)


def past_runs(lines: Iterable[Line]) -> list[PastRun]:
    """Return all runs, oldest first; the last one may be open."""
    count = _Count()
    for line in lines:
        count.take(line)
    count.finish()
    for run in count.runs:
        run.landed = sum(one == run.run_id for one in count.landed.values())
        run.plans = list(dict.fromkeys(run.plans))
    return count.runs
