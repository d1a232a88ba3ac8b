"""What the phases work with: everything that one process holds while it is the orchestrator."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.agents.agent import Agent
from pipeline.agents.prompts import Prompts
from pipeline.domain.issue import Issue
from pipeline.errors import PipelineError, Stopped
from pipeline.events import IssueBlocked
from pipeline.execution.land import in_the_way
from pipeline.execution.site import Site
from pipeline.phases.floor import Floor
from pipeline.phases.heed import Heed
from pipeline.plans.history import not_in_history
from pipeline.plans.ordering import backlog_problems, planning_order
from pipeline.plans.standing import Standing, standings
from pipeline.safety.budget import Purse
from pipeline.safety.decisions import Desk
from pipeline.store.backlog_view import BacklogView
from pipeline.store.run_file import RunFile

BREAKER = 3
"""So many infrastructure or authentication failures in a row stop the run (D11)."""


@dataclass
class Breaker:
    """Counts each agent's infrastructure failures in a row; its other outcomes start over."""

    failures: Counter[str] = field(default_factory=Counter)

    def success(self, role: str) -> None:
        """Start over."""
        self.failures[role] = 0

    def failure(self, role: str, reason: str) -> None:
        """Count one; raises `PipelineError` at the third in a row."""
        self.failures[role] += 1
        if self.failures[role] >= BREAKER:
            raise PipelineError(
                f"stopped after {BREAKER} infrastructure failures in a row, the last: {reason}; "
                "run `pipeline doctor`, then `pipeline run` carries on"
            )


def nobody_looks() -> None:
    """Do nothing."""


@dataclass
class Halt:
    """Tells whether the work has to stop: a signal came, or `is_set`."""

    signal: Callable[[], bool]
    is_set: bool = False
    """The run has ended already, in another thread."""
    look: Callable[[], object] = nobody_looks
    """Called each time: whoever waits asks here in short steps, and so the clock of the work knows
    that the process was awake."""

    def __call__(self) -> bool:
        """Tell whether to stop."""
        self.look()
        return self.is_set or self.signal()


@dataclass
class Work(Site):
    """A site with the agents that work on it. `app/working.py` makes it; one for each process."""

    purse: Purse
    prompts: Prompts
    backlog: BacklogView
    desk: Desk
    """Where rules approve plans, in the name of the user who runs it."""
    held: RunFile
    """The run lock, which says to others what is worked on."""
    halt: Halt
    """What `stop` is here."""
    floor: Floor
    """Who is at work, when planning and execution overlap."""
    heed: Heed
    """Does what a person asks of this process from another one."""
    spawn: Callable[[str, str | None], Agent]
    """Make the agent of a role, and why it takes the place of another one."""
    agents: dict[str, Agent] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    """Role -> why its agent was closed and another one takes its place."""
    told_waiting: tuple[str, ...] = ()
    """The plans that were last said to wait for a decision."""
    told_paused: bool = False
    """Whether it was said that planning pauses, and nothing was planned since."""
    told_checkpoint: bool = False
    """Whether it was said that a person has to confirm."""
    told_unruled: set[str] = field(default_factory=set)
    """The plans of which it was said that a rule would approve them and its user may not."""
    told_blocked: set[tuple[str, str]] = field(default_factory=set)
    """Issue and reason, as they were said already."""
    breaker: Breaker = field(default_factory=Breaker)

    def agent(self, role: str) -> Agent:
        """Return the one agent of `role`, spawned on first use."""
        if role not in self.agents:
            self.agents[role] = self.spawn(role, self.broken.pop(role, None))
        return self.agents[role]

    def retire_broken(self, role: str) -> None:
        """Close the agent of `role` if its last turn broke it; memory and ledger outlive it."""
        agent = self.agents.get(role)
        if agent is not None and agent.broken is not None:
            agent.retire()
            del self.agents[role]
            self.broken[role] = agent.broken

    def ordered_issues(self) -> list[Issue]:
        """Return the backlog in the order of the queue, without those that `hopeless` names."""
        return planning_order(self.backlog.issues())

    def is_closed(self, issue_id: str) -> bool:
        """Tell whether an issue of the backlog is closed."""
        return self.backlog.find(issue_id).closed

    def hopeless(self) -> dict[str, str]:
        """Return issue id -> why the backlog itself keeps it from starting, open issues only."""
        issues, state = self.backlog.issues(), self.book.state
        done = {one.id for one in issues if one.closed or state.landed(one.id)}
        problems = backlog_problems(issues)
        return {name: reason for name, reason in problems.items() if name not in done}

    def tell_blocked(self, issue_id: str, reason: str) -> None:
        """Say once why an issue cannot start."""
        if (issue_id, reason) not in self.told_blocked:
            self.told_blocked.add((issue_id, reason))
            self.bus.emit(IssueBlocked(issue_id, reason))

    def standings(self) -> list[Standing]:
        """Return where every issue stands, in the backlog's order."""
        issues = self.backlog.issues()
        state = self.book.state
        parked = in_the_way(self.repo, state.run.branch) if state.run else None
        problems = backlog_problems(issues) | not_in_history(self.repo, state, issues)
        return standings(issues, state, problems, working=True, parked=parked)

    def check_stop(self) -> None:
        """Raise `Stopped` when somebody asked the work to stop; wait while they want a pause."""
        if self.stop():
            raise Stopped("interrupted; `pipeline run` carries on where it stopped")
        self.heed(self.stop)
