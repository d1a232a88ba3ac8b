"""An agent is a mailbox: `send_input` queues a request, `wait` drives its turn to an outcome.

Whatever ends a turn leaves the agent idle and nothing of the turn behind; what later turns know
of it is the digest that `settle` appends to the ledger.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from pipeline import events
from pipeline.agents.calls import Caller
from pipeline.agents.compaction import Compactor
from pipeline.agents.conversation import Conversation, Fold, head_fields, head_sha256
from pipeline.agents.limits import TurnLimits
from pipeline.agents.loop import Loop
from pipeline.agents.messages import Head, Provider, Said, StopSignal, TurnItem
from pipeline.agents.notes import no_notes
from pipeline.agents.prompts import Reminders
from pipeline.agents.spawning import broken_by, why_again
from pipeline.agents.status import EVENT_OF, AgentEvent, AgentStatus, after
from pipeline.agents.turn import Ending, Turn, TurnOutcome, TurnRequest
from pipeline.domain.results import Usage
from pipeline.domain.solution import Lesson
from pipeline.errors import PipelineError, ProviderError, Stopped
from pipeline.safety.budget import Purse
from pipeline.settings import History
from pipeline.store import entries
from pipeline.store.book import Book
from pipeline.store.transcripts import Transcript

__all__ = ["Agent", "AgentStatus", "TurnOutcome", "TurnRequest", "head_sha256"]


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
        on_quota: Callable[[ProviderError, StopSignal], None],
        stop: StopSignal,
        cache_key: str,
        memory: str = "",
        ledger: Sequence[str] = (),
        notes: Callable[[], str] = no_notes,
        reminders: Reminders | None = None,
        history: History = "ledger",
        reason: str | None = None,
    ) -> None:
        """`clock` is monotonic, in seconds. `on_quota` waits for a vendor, or raises.

        `notes` reads what a person wants the agent to know: now, and whenever the ledger is folded.

        `reason` is why this agent takes the place of another one.
        """
        self.role = role
        self._provider = provider
        self._head = head
        self._book = book
        self._bus = bus
        self._clock = clock
        self._stop = stop
        self._status = AgentStatus.PENDING_INIT
        self._reason = reason
        self._broken: str | None = None
        self._lock = threading.Lock()
        """Guards status, queue and open turn: `interrupt` and `close` come from other threads."""
        self._open: Turn | None = None
        self._queue: deque[Turn] = deque()
        self._finished: dict[str, _Finished] = {}
        self._turns = 0
        self._newest: Turn | None = None
        self._notes = notes
        self._transcript = transcript
        self._conversation = Conversation(
            head,
            memory=memory,
            ledger=ledger,
            notes=notes(),
            cache_key=cache_key,
            history=history,
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
        reminders = reminders or Reminders()
        compactor = Compactor(
            role,
            caller,
            self._conversation,
            most_tokens=limits.compact_tokens,
            reminders=reminders,
            book=book,
            bus=bus,
        )
        self._loop = Loop(
            role,
            caller,
            compactor,
            book=book,
            clock=clock,
            limits=limits,
            transcript=transcript,
            reminders=reminders,
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

    @property
    def broken(self) -> str | None:
        """Tell why no other turn should be driven here; None while the agent is sound."""
        return self._broken

    def send_input(self, request: TurnRequest) -> str:
        """Queue a request and return the id of its turn; the first one brings the agent to life."""
        with self._lock:
            self._status = after(self._status, AgentEvent.SEND_INPUT, self.role)
            self._turns += 1
            turn = Turn(f"{self.role}-{self._turns}", request, [Said(request.text)])
            self._queue.append(turn)
        if turn.id == f"{self.role}-1":
            self._spawned()
        return turn.id

    def wait(self, turn_id: str, timeout_s: float | None = None) -> TurnOutcome:
        """Drive the turn, and those queued before it, to its outcome, in this thread.

        `timeout_s` shortens the turn's own deadline. Provider errors, `BudgetSpent`,
        `IssueBudgetSpent`, `QuotaPause` and `Stopped` pass through; the agent is idle then and
        the turn is gone.
        """
        while turn_id not in self._finished:
            turn = self._next(turn_id)
            outcome = self._drive(turn, timeout_s)
            self._finished[turn.id] = _Finished(turn.request, outcome, tuple(turn.items))
        return self._finished[turn_id].outcome

    def usage_of(self, request_id: str) -> Usage:
        """Return what the newest turn has used, also when an error ended it; of others nothing."""
        newest = self._newest
        if newest is None or newest.request.request_id != request_id:
            return Usage()
        return newest.usage

    def settle(self, turn_id: str, digest: str, proposed: Sequence[Lesson] = ()) -> None:
        """Close a finished turn whose result is durable: its digest joins the ledger.

        `proposed` is kept for a person to look at; no model is sent it.
        """
        if turn_id not in self._finished:
            raise PipelineError(f"the {self.role} agent has no finished turn {turn_id!r}")
        finished = self._finished[turn_id]
        if finished.outcome.status == "interrupted":
            raise PipelineError(f"turn {turn_id!r} was interrupted: nothing of it can be settled")
        request = finished.request
        self._book.record(
            entries.TurnSettled(
                role=self.role,
                request_id=request.request_id,
                issue_id=request.issue_id,
                digest=digest,
                proposed=tuple(proposed),
            )
        )
        self._note("settled", request.request_id, text=digest)
        self.drop(turn_id)
        answered = finished.outcome.status == "answered"
        fold = self._conversation.add(digest, finished.items if answered else ())
        if fold is not None:
            self._folded(fold)
            notes = self._conversation.notes = self._notes()
            self._note(
                "folded", request.request_id, memory=fold.memory, kept=fold.kept, notes=notes
            )

    def _folded(self, fold: Fold) -> None:
        """Journal a fold, with what the new prefix costs once: the vendor caches it again."""
        usd = self._provider.price(Usage(cache_write_tokens=fold.tokens_after))
        self._book.record(
            entries.LedgerFolded(
                role=self.role,
                memory=fold.memory,
                kept=fold.kept,
                tokens_before=fold.tokens_before,
                tokens_after=fold.tokens_after,
                usd=usd,
            )
        )
        self._bus.emit(events.LedgerFolded(self.role, fold.tokens_before, fold.tokens_after, usd))

    def drop(self, turn_id: str) -> None:
        """Forget a queued or finished turn; nothing of it joins the ledger."""
        self._finished.pop(turn_id, None)
        with self._lock:
            dropped = [turn for turn in self._queue if turn.id == turn_id]
            self._queue = deque(turn for turn in self._queue if turn.id != turn_id)
        for turn in dropped:
            self._loop.note_end(turn, "dropped", "it had not begun")

    def drain(self) -> tuple[str, ...]:
        """Drop every turn that has not begun; return their ids, oldest first."""
        with self._lock:
            waiting = [turn.id for turn in self._queue]
        for turn_id in waiting:
            self.drop(turn_id)
        return tuple(waiting)

    def interrupt(self) -> str | None:
        """Let the open turn end as `interrupted`, or the next one that is queued; from any thread.

        Returns the id of that turn: it will end so and no other way, and no later one will. An
        idle agent has none. What is queued behind it stays: `drain` drops it.
        """
        with self._lock:
            turn = self._open or next(iter(self._queue), None)
            if turn is None:
                return None
            turn.interrupted.set()
            return turn.id

    def close(self) -> None:
        """End the conversation; the agent takes no more requests. An open turn is interrupted."""
        self._end(AgentEvent.CLOSE)

    def retire(self) -> None:
        """Close the agent so that another one can take its place; refused while it is at work."""
        self._end(AgentEvent.RESPAWN)

    def _end(self, event: AgentEvent) -> None:
        with self._lock:
            was, self._status = self._status, after(self._status, event, self.role)
            if self._open is not None:
                self._open.interrupted.set()  # whoever drives it closes the connections
        self.drain()
        if was not in (AgentStatus.RUNNING, AgentStatus.SHUTDOWN):
            self._provider.close()

    def _spawned(self) -> None:
        spawned = entries.AgentSpawned(
            role=self.role,
            provider=self._provider.name,
            model=self._provider.model,
            head_sha256=head_sha256(self._head),
        )
        reason = self._reason or why_again(self._book.state.spawned.get(self.role), spawned)
        self._book.record(spawned.model_copy(update={"reason": reason}))
        self._note(
            "spawned",
            "",
            head_sha256=spawned.head_sha256,
            head=head_fields(self._head),
            notes=self._conversation.notes,
            memory=self.memory,
            ledger=list(self.ledger),
        )
        self._bus.emit(events.AgentSpawned(self.role, spawned.provider, spawned.model, reason))

    def _note(self, kind: str, request_id: str, **fields: JsonValue) -> None:
        self._transcript.note(kind, role=self.role, request_id=request_id, **fields)

    def _next(self, turn_id: str) -> Turn:
        """Take the oldest turn out of the queue and open it; `turn_id` has to be in there."""
        with self._lock:
            status = after(self._status, AgentEvent.TURN_BEGINS, self.role)
            if all(turn.id != turn_id for turn in self._queue):
                raise PipelineError(f"the {self.role} agent has no open turn {turn_id!r}")
            self._status, turn = status, self._queue.popleft()
            self._open = self._newest = turn
        return turn

    def _drive(self, turn: Turn, timeout_s: float | None) -> TurnOutcome:
        """Run one turn; whatever happens, the agent is idle afterwards."""
        seconds = turn.request.minutes * 60
        turn.deadline = self._clock() + min(seconds, seconds if timeout_s is None else timeout_s)
        ending, problem = Ending("failed", reason="a bug"), None
        try:
            ending = self._loop.run(turn)
        except PipelineError as error:
            ending, problem = Ending("failed", reason=str(error)), error
        finally:
            ending = self._ended(turn, ending)
        stopped = isinstance(problem, Stopped) and self._stop()
        if problem is not None and (ending.status != "interrupted" or stopped):
            self._broken = broken_by(problem)
            raise problem
        return TurnOutcome(turn.id, ending.status, ending.answer, ending.reason, turn.usage)

    def _ended(self, turn: Turn, ending: Ending) -> Ending:
        """Close the turn and return how it ended: an interrupt until now wins over all else."""
        with self._lock:
            if turn.interrupted.is_set():
                ending = Ending("interrupted", reason="interrupted")
            self._open = None
            self._status = after(self._status, EVENT_OF[ending.status], self.role)
            closed = self._status is AgentStatus.SHUTDOWN
        self._loop.note_end(turn, ending.status, ending.reason or "")
        if closed:
            self._provider.close()
        return ending

    def _should_stop(self) -> bool:
        turn = self._open
        return (turn is not None and turn.interrupted.is_set()) or self._stop()
