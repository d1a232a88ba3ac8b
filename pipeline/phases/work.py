"""What the phases work with: everything that one process holds while it is the orchestrator."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.agents.agent import Agent
from pipeline.agents.messages import StopSignal
from pipeline.agents.prompts import Prompts
from pipeline.domain.issue import Issue
from pipeline.errors import PipelineError, Stopped
from pipeline.events import EventBus
from pipeline.execution.verify import Verifier
from pipeline.execution.workspace import Workspaces
from pipeline.git import Repository, list_files, resolve, show_file
from pipeline.paths import Places
from pipeline.plans.ordering import backlog_problems, planning_order
from pipeline.plans.project import detect_project
from pipeline.plans.standing import Standing, standings
from pipeline.safety.budget import Purse
from pipeline.safety.gate import Gate
from pipeline.sandbox import Sandbox
from pipeline.settings import Settings
from pipeline.store.book import Book
from pipeline.store.entries import RunOpened
from pipeline.store.journal import Probe

BREAKER = 3
"""So many infrastructure or authentication failures in a row stop the run (D11)."""


@dataclass
class Breaker:
    """Counts infrastructure failures in a row; any other outcome starts over."""

    failures: int = 0

    def success(self) -> None:
        """Start over."""
        self.failures = 0

    def failure(self, reason: str) -> None:
        """Count one; raises `PipelineError` at the third in a row."""
        self.failures += 1
        if self.failures >= BREAKER:
            raise PipelineError(
                f"stopped after {BREAKER} infrastructure failures in a row, the last: {reason}; "
                "run `pipeline doctor`, then `pipeline run` carries on"
            )


@dataclass
class Work:
    """The collaborators of the phases. `app.py` makes it; one for each process."""

    repo: Repository
    places: Places
    settings: Settings
    book: Book
    bus: EventBus
    gate: Gate
    workspaces: Workspaces
    verifier: Verifier
    purse: Purse
    sandbox: Sandbox
    now: Callable[[], datetime]
    stop: StopSignal
    probe: Probe
    spawn: Callable[[str], Agent]
    """Make the agent of a role; called once for each role, on its first input."""
    load_issues: Callable[[], Sequence[Issue]]
    prompts: Prompts
    agents: dict[str, Agent] = field(default_factory=dict)
    told_waiting: tuple[str, ...] = ()
    """The plans that were last said to wait for a decision."""
    breaker: Breaker = field(default_factory=Breaker)

    def agent(self, role: str) -> Agent:
        """Return the one agent of `role`, spawned on first use."""
        if role not in self.agents:
            self.agents[role] = self.spawn(role)
        return self.agents[role]

    @property
    def run(self) -> RunOpened:
        """Return the open run."""
        run = self.book.state.run
        assert run is not None, "phases work inside an open run"
        return run

    def tip(self) -> str:
        """Return the commit at the run branch's tip; raises `PipelineError` when it is gone."""
        tip = resolve(self.repo, f"refs/heads/{self.run.branch}")
        if tip is None:
            raise PipelineError(
                f"the run's branch {self.run.branch!r} is gone: restore it from `git reflog`, "
                "or start another run with `pipeline run --new`"
            )
        return tip

    def suite(self) -> tuple[str, ...]:
        """Return the project's own test commands: the setting, else what the base shows."""
        if self.settings.tests.command:
            return (self.settings.tests.command,)
        base = self.run.base_commit
        found = detect_project(
            lambda path: show_file(self.repo, base, path), list_files(self.repo, base)
        )
        return (found.test_command,) if found.test_command else ()

    def ordered_issues(self) -> list[Issue]:
        """Return the backlog in the order of the queue; issues that cannot be ordered are left out.

        Those are the ones `problems` names.
        """
        issues = list(self.load_issues())
        hopeless = backlog_problems(issues)
        return planning_order([issue for issue in issues if issue.id not in hopeless])

    def standings(self) -> list[Standing]:
        """Return where every issue stands, in the backlog's order."""
        issues = list(self.load_issues())
        return standings(issues, self.book.state, backlog_problems(issues), working=True)

    def check_stop(self) -> None:
        """Raise `Stopped` when somebody asked the work to stop."""
        if self.stop():
            raise Stopped("interrupted; `pipeline run` carries on where it stopped")
