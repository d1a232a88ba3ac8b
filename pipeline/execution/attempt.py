"""One attempt at a solution while it is under way: what the pipeline itself has seen so far."""

from dataclasses import dataclass, field
from datetime import datetime

from pipeline.agents.tools.wire import SubmitResult
from pipeline.clocks import elapsed
from pipeline.domain.results import (
    CommandEvidence,
    FailureClass,
    Held,
    TaskOutcome,
    Verification,
)
from pipeline.domain.solution import Solution
from pipeline.execution.fence import Fenced
from pipeline.execution.workspace import Workspace
from pipeline.store.entries import AttemptBegun


@dataclass
class Attempt:
    """One attempt while it is under way: what the pipeline has seen so far."""

    begun: AttemptBegun
    solution: Solution
    started_at: datetime
    began_s: float = field(default_factory=elapsed)
    """The same moment on a clock that nobody sets."""
    opened: Workspace | None = None
    """Where the agent works, once it is there."""
    asked: bool = False
    """Whether the agent was sent its request."""
    baseline: tuple[CommandEvidence, ...] = ()
    """The project's tests on the base, before any change."""
    outcomes: dict[str, TaskOutcome] = field(default_factory=dict)
    finishes: dict[str, int] = field(default_factory=dict)
    repairs: int = 0
    fenced: Fenced | None = None
    verification: Verification = field(default_factory=Verification)
    """Of the last tree that was tested whole."""
    quarantined: set[str] = field(default_factory=set)
    quarantine: str | None = None
    beyond: tuple[str, ...] = ()
    """Paths outside the plan that a person is to be asked for."""
    held: Held | None = None
    """What waits for that person."""
    own_commits: int = 0
    """Commits made in the workspace; they count for nothing."""
    sent: SubmitResult | None = None
    """The agent's last word on its work; a claim, never evidence."""
    problem: str | None = None
    """What the last verification found wrong."""
    failure: tuple[FailureClass, str] | None = None
    failed_task: str | None = None

    @property
    def request_id(self) -> str:
        """Return the id of the agent's request, which no other attempt at the issue has."""
        number = self.begun.execution_result_id.rpartition("-")[2]
        return f"{self.begun.issue_id}.{number}"

    @property
    def evidence(self) -> Verification:
        """Return what was seen: the tests before any change, and those of the last whole tree."""
        commands = (*self.baseline, *self.verification.commands)
        return self.verification.model_copy(update={"commands": commands})

    @property
    def workspace(self) -> Workspace:
        """Return where the agent works."""
        assert self.opened is not None, "the workspace is opened before the agent is asked"
        return self.opened

    def fail(self, failure: FailureClass, reason: str, task: str | None = None) -> None:
        """Remember why the attempt fails; the first reason stays."""
        self.failure = self.failure or (failure, reason)
        self.failed_task = self.failed_task or task

    @property
    def open_tasks(self) -> list[str]:
        """Return the ids of tasks that are not finished."""
        return [
            task.id
            for task in self.solution.tasks
            if self.outcomes.get(task.id) is None or self.outcomes[task.id].status != "completed"
        ]
