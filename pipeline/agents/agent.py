"""An agent is a mailbox: `send_input` queues a request, `wait` drives its turn to an outcome.

    pending_init -> running -> completed | errored | interrupted -> running -> ... -> shutdown

Whatever ends a turn leaves the agent idle and nothing of the turn behind; what later turns know
of it is the digest that `settle` appends to the ledger.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline import events
from pipeline.agents.calls import Caller
from pipeline.agents.conversation import Conversation, tool_bytes
from pipeline.agents.limits import TurnLimits
from pipeline.agents.loop import Loop
from pipeline.agents.messages import Head, Provider, Said, StopSignal, TurnItem
from pipeline.agents.prompts import Reminders
from pipeline.agents.turn import Ending, OutcomeStatus, Turn, TurnOutcome, TurnRequest
from pipeline.domain.results import Usage
from pipeline.errors import PipelineError, ProviderError, Stopped
from pipeline.safety.budget import Purse
from pipeline.settings import History
from pipeline.store import entries
from pipeline.store.book import Book
from pipeline.store.transcripts import Transcript

__all__ = ["Agent", "AgentStatus", "TurnOutcome", "TurnRequest", "head_sha256"]


class AgentStatus(StrEnum):
    """Where an agent stands."""

    PENDING_INIT = "pending_init"
    RUNNING = "running"
    COMPLETED = "completed"
    ERRORED = "errored"
    INTERRUPTED = "interrupted"
    SHUTDOWN = "shutdown"


STATUS_AFTER: dict[OutcomeStatus, AgentStatus] = {
    "answered": AgentStatus.COMPLETED,
    "failed": AgentStatus.ERRORED,
    "timed_out": AgentStatus.ERRORED,
    "interrupted": AgentStatus.INTERRUPTED,
}


@dataclass(frozen=True)
class _Finished:
    """A turn that has ended and is not settled yet."""

    request: TurnRequest
    outcome: TurnOutcome
    items: tuple[TurnItem, ...]


class Agent:
    """One long-lived conversation in one role."""

    def __init__(
        self,
        role: str,
        provider: Provider,
        head: Head,
        *,
        book: Book,
        purse: Purse,
        bus: events.EventBus,
        clock: Callable[[], float],
        limits: TurnLimits,
        transcript: Transcript,
        on_quota: Callable[[ProviderError], None],
        stop: StopSignal,
        cache_key: str,
        memory: str = "",
        ledger: Sequence[str] = (),
        reminders: Reminders | None = None,
        history: History = "ledger",
    ) -> None:
        """`clock` is monotonic, in seconds. `on_quota` waits for a vendor, or raises."""
        self.role = role
        self._provider = provider
        self._head = head
        self._book = book
        self._bus = bus
        self._clock = clock
        self._stop = stop
        self._status = AgentStatus.PENDING_INIT
        self._interrupted = threading.Event()
        self._queue: deque[Turn] = deque()
        self._finished: dict[str, _Finished] = {}
        self._turns = 0
        self._newest: Turn | None = None
        self._conversation = Conversation(
            head, memory=memory, ledger=ledger, cache_key=cache_key, history=history
        )
        caller = Caller(
            role,
            provider,
            self._conversation,
            book=book,
            purse=purse,
            clock=clock,
            limits=limits,
            on_quota=on_quota,
            stop=self._should_stop,
            bus=bus,
        )
        self._loop = Loop(
            role,
            caller,
            book=book,
            clock=clock,
            limits=limits,
            transcript=transcript,
            reminders=reminders or Reminders(),
            stop=self._should_stop,
        )

    @property
    def status(self) -> AgentStatus:
        """Tell where the agent stands."""
        return self._status

    @property
    def memory(self) -> str:
        """Return what is left of digests that were folded away."""
        return self._conversation.memory

    @property
    def ledger(self) -> tuple[str, ...]:
        """Return the digests of finished turns, oldest first."""
        return self._conversation.ledger

    def send_input(self, request: TurnRequest) -> str:
        """Queue a request and return the id of its turn; the first one brings the agent to life."""
        if self._status is AgentStatus.SHUTDOWN:
            raise PipelineError(f"the {self.role} agent is closed: it takes no more requests")
        if self._turns == 0:
            self._spawned()
        self._turns += 1
        turn = Turn(f"{self.role}-{self._turns}", request, [Said(request.text)])
        self._queue.append(turn)
        return turn.id

    def wait(self, turn_id: str, timeout_s: float | None = None) -> TurnOutcome:
        """Drive the turn, and those queued before it, to its outcome, in this thread.

        `timeout_s` shortens the turn's own deadline. Provider errors, `BudgetSpent`,
        `IssueBudgetSpent`, `QuotaPause` and `Stopped` pass through; the agent is idle then and
        the turn is gone.
        """
        while turn_id not in self._finished:
            if self._status is AgentStatus.RUNNING:
                raise PipelineError(f"the {self.role} agent is at work in another thread")
            if all(turn.id != turn_id for turn in self._queue):
                raise PipelineError(f"the {self.role} agent has no open turn {turn_id!r}")
            turn = self._queue.popleft()
            outcome = self._drive(turn, timeout_s)
            self._finished[turn.id] = _Finished(turn.request, outcome, tuple(turn.items))
        return self._finished[turn_id].outcome

    def usage_of(self, request_id: str) -> Usage:
        """Return what the newest turn has used, also when an error ended it; of others nothing."""
        newest = self._newest
        if newest is None or newest.request.request_id != request_id:
            return Usage()
        return newest.usage

    def settle(self, turn_id: str, digest: str) -> None:
        """Close a finished turn whose result is durable: its digest joins the ledger."""
        if turn_id not in self._finished:
            raise PipelineError(f"the {self.role} agent has no finished turn {turn_id!r}")
        finished = self._finished[turn_id]
        request = finished.request
        self._book.record(
            entries.TurnSettled(
                role=self.role,
                request_id=request.request_id,
                issue_id=request.issue_id,
                digest=digest,
            )
        )
        self.drop(turn_id)
        answered = finished.outcome.status == "answered"
        fold = self._conversation.add(digest, finished.items if answered else ())
        if fold is not None:
            self._book.record(
                entries.LedgerFolded(role=self.role, memory=fold.memory, kept=fold.kept)
            )

    def drop(self, turn_id: str) -> None:
        """Forget a queued or finished turn; nothing of it joins the ledger."""
        self._finished.pop(turn_id, None)
        self._queue = deque(turn for turn in self._queue if turn.id != turn_id)

    def interrupt(self) -> None:
        """Ask the running turn to end as `interrupted`; may be called from any thread."""
        if self._status is AgentStatus.RUNNING:
            self._interrupted.set()

    def close(self) -> None:
        """End the conversation; the agent takes no more requests."""
        if self._status is not AgentStatus.SHUTDOWN:
            self.interrupt()
            self._status = AgentStatus.SHUTDOWN
            self._queue.clear()
            self._provider.close()

    def _spawned(self) -> None:
        name, model = self._provider.name, self._provider.model
        self._book.record(
            entries.AgentSpawned(
                role=self.role, provider=name, model=model, head_sha256=head_sha256(self._head)
            )
        )
        self._bus.emit(events.AgentSpawned(role=self.role, provider=name, model=model))

    def _drive(self, turn: Turn, timeout_s: float | None) -> TurnOutcome:
        """Run one turn; whatever happens, the agent is idle afterwards."""
        seconds = turn.request.minutes * 60
        turn.deadline = self._clock() + min(seconds, seconds if timeout_s is None else timeout_s)
        self._interrupted.clear()
        self._newest = turn
        self._status = AgentStatus.RUNNING
        after = AgentStatus.ERRORED
        try:
            ending = self._run(turn)
            after = STATUS_AFTER[ending.status]
        finally:
            if self._status is AgentStatus.RUNNING:
                self._status = after
        return TurnOutcome(turn.id, ending.status, ending.answer, ending.reason, turn.usage)

    def _run(self, turn: Turn) -> Ending:
        try:
            return self._loop.run(turn)
        except Stopped:
            if self._interrupted.is_set() and not self._stop():
                return Ending("interrupted", reason="interrupted")
            raise

    def _should_stop(self) -> bool:
        return self._interrupted.is_set() or self._stop()


def head_sha256(head: Head) -> str:
    """Return the SHA-256 (hex) of all bytes of a head."""
    parts = (tool_bytes(head), head.system.encode(), head.context.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
