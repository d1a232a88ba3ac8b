"""What happens while the pipeline works, for whoever listens; listeners never change what happens.

Every event is a frozen dataclass. `observe/console.py` turns each into one plain line.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """Something that happened."""


@dataclass(frozen=True)
class Moment(Event):
    """Something that has only begun: shown while it lasts, and no line of what happened."""


@dataclass(frozen=True)
class Asking(Moment):
    """A model is asked; `call` is the number of the call in its turn, from 1."""

    role: str
    issue_id: str
    call: int


@dataclass(frozen=True)
class ToolStarted(Moment):
    """An agent's tool call begins; `summary` is one short line."""

    role: str
    issue_id: str
    tool: str
    summary: str


@dataclass(frozen=True)
class CommandStarted(Moment):
    """The pipeline begins to run a command."""

    stage: str
    command: str
    task_id: str | None = None


@dataclass(frozen=True)
class RunStarted(Event):
    """A run opened: a branch and its base."""

    run_id: str
    branch: str
    base_commit: str
    sandbox: str


@dataclass(frozen=True)
class RunResumed(Event):
    """A run that was there before goes on."""

    run_id: str
    branch: str
    done: int
    adopted: int
    to_go: int


@dataclass(frozen=True)
class AgentSpawned(Event):
    """An agent came to life: on its first request, and in the place of one that broke."""

    role: str
    provider: str
    model: str
    reason: str | None = None
    """Why it takes the place of an earlier one of the run; None: it is the first."""


@dataclass(frozen=True)
class PlanningStarted(Event):
    """An issue was sent to the Planning agent."""

    issue_id: str
    title: str
    attempt: int


@dataclass(frozen=True)
class PlanRecorded(Event):
    """A plan is durable and waits at the gate."""

    issue_id: str
    solution_id: str
    title: str
    risk: str
    tasks: int
    usd: float | None


@dataclass(frozen=True)
class PlanningFailed(Event):
    """A planning turn ended without a plan."""

    issue_id: str
    reason: str


@dataclass(frozen=True)
class ClarificationNeeded(Event):
    """The Planning agent asks before it can plan."""

    issue_id: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class PlanStale(Event):
    """The ground of an approved plan has moved; it goes back to planning."""

    solution_id: str
    reason: str


@dataclass(frozen=True)
class PlanReturned(Event):
    """An approval no longer counts; the plan waits again, with the same text."""

    solution_id: str
    reason: str


@dataclass(frozen=True)
class ApprovedByRule(Event):
    """A rule of the user's approved a plan in their name."""

    solution_id: str
    risk: str
    rule: str


@dataclass(frozen=True)
class ExecutionRefused(Event):
    """A plan that was asked for by name may not run."""

    solution_id: str
    reason: str


@dataclass(frozen=True)
class GateWaits(Event):
    """Plans wait for a decision."""

    solution_ids: tuple[str, ...]


@dataclass(frozen=True)
class WaitBegan(Event):
    """A run with nothing else to do waits for what people decide, until `until` (UTC)."""

    until: datetime


@dataclass(frozen=True)
class WaitEnded(Event):
    """The wait is over and nobody decided; the plans stay where they are."""

    solution_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class PlanningPaused(Event):
    """So many plans wait for a decision that nothing more is planned."""

    waiting: int


@dataclass(frozen=True)
class ConfirmationWanted(Event):
    """So many solutions were executed that a person has to confirm before the next one is."""

    solutions: int


@dataclass(frozen=True)
class IssueBlocked(Event):
    """An issue cannot start."""

    issue_id: str
    reason: str


@dataclass(frozen=True)
class AttemptStarted(Event):
    """A solution was sent to the Execution agent."""

    issue_id: str
    solution_id: str
    attempt: int
    title: str = ""
    tasks: tuple[str, ...] = ()
    """The solution's tasks, as `T1: its title`."""


@dataclass(frozen=True)
class ToolCalled(Event):
    """An agent asked for a tool; `summary` is one short line."""

    role: str
    issue_id: str
    tool: str
    summary: str
    is_error: bool


@dataclass(frozen=True)
class CommandRan(Event):
    """The pipeline ran a command and saw how it ended."""

    stage: str
    command: str
    exit_code: int
    duration_s: float
    task_id: str | None = None
    timed_out: bool = False


@dataclass(frozen=True)
class Quarantined(Event):
    """Unplanned changes were set aside."""

    solution_id: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Landed(Event):
    """A commit is on the run branch."""

    issue_id: str
    solution_id: str
    commit: str
    files: int


@dataclass(frozen=True)
class RolledBack(Event):
    """What had landed was undone by a commit of its own."""

    issue_id: str
    solution_id: str
    commit: str
    reason: str


@dataclass(frozen=True)
class AttemptFailed(Event):
    """An attempt ended without a commit."""

    issue_id: str
    solution_id: str
    failure_class: str
    reason: str


@dataclass(frozen=True)
class Adopted(Event):
    """A commit found in git after a crash was recorded instead of made again."""

    solution_id: str
    commit: str


@dataclass(frozen=True)
class QuotaPaused(Event):
    """A vendor's quota is used up; the work waits."""

    provider: str
    until: datetime | None


@dataclass(frozen=True)
class QuotaOver(Event):
    """The wait for a quota has ended."""

    provider: str


@dataclass(frozen=True)
class OutagePaused(Event):
    """A vendor cannot be reached or is overloaded; it is asked again after `wait_s` seconds."""

    provider: str
    wait_s: float
    reason: str


@dataclass(frozen=True)
class Paused(Event):
    """A person asked for a pause, and what was under way has ended; `at` is when they asked."""

    by: str
    at: datetime


@dataclass(frozen=True)
class Continued(Event):
    """The pause that a person asked for is over."""


@dataclass(frozen=True)
class FellBack(Event):
    """A model is overloaded; another one answers the rest of the turn."""

    role: str
    issue_id: str
    model: str
    fallback: str
    reason: str


@dataclass(frozen=True)
class LedgerFolded(Event):
    """An agent's ledger was folded into its memory; both are cached again at this price (USD)."""

    role: str
    tokens_before: int
    tokens_after: int
    usd: float | None


@dataclass(frozen=True)
class Compacted(Event):
    """A turn had grown too long (tokens); `how` says who wrote the summary that stands for it."""

    role: str
    issue_id: str
    how: str
    """vendor, prompt (the model, asked by us), failed (the turn goes on as it was)."""
    tokens_before: int
    tokens_after: int
    reason: str


@dataclass(frozen=True)
class CacheFell(Event):
    """A vendor's cache answered for less than it should have (tokens)."""

    role: str
    issue_id: str
    expected: int
    read: int
    cause: str


@dataclass(frozen=True)
class RecordRestored(Event):
    """A record that somebody removed or changed by hand was put back."""

    document: str
    key: str
    reason: str


@dataclass(frozen=True)
class RecordRemoved(Event):
    """A record was removed by hand, which asks for its issue to be done again."""

    document: str
    key: str
    issue_id: str


@dataclass(frozen=True)
class Notice(Event):
    """Something a person should know that has no other event."""

    text: str


@dataclass(frozen=True)
class RunEnded(Event):
    """The process stops working; `exit_code` as in the table of exit codes."""

    exit_code: int
    summary: str


Listener = Callable[[Event], None]


@dataclass
class EventBus:
    """Hands each event to every listener; a listener that fails is logged and never stops work."""

    listeners: list[Listener] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        """Tell all listeners, in the order in which they were added."""
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:  # an observer must not stop the work it observes
                logger.exception("a listener failed on %s", type(event).__name__)
