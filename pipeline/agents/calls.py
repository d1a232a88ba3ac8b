"""One model call of a turn: reserved and journaled before it, settled after it, come what may.

    quota, spend limit       waited out as far as the user consented, else the run pauses
    overload                 the fallback model, where one is set; else, or if it is overloaded too:
    overload, no network     waited out as far as the user consented, else the turn ends
    anything else            ends the turn

The provider's retry layer has done what it could before any of this.
"""

from collections.abc import Callable
from dataclasses import replace

from pipeline.agents.conversation import Conversation
from pipeline.agents.limits import TurnLimits
from pipeline.agents.messages import CallLimits, Provider, Reply, StopSignal
from pipeline.agents.turn import Turn
from pipeline.domain.results import Usage
from pipeline.errors import (
    NetworkProblem,
    Overloaded,
    PipelineError,
    ProviderError,
    QuotaReached,
    Stopped,
    TurnTimedOut,
)
from pipeline.events import EventBus, FellBack
from pipeline.safety.budget import Purse
from pipeline.store import entries
from pipeline.store.book import Book


class Caller:
    """Makes the model calls of one agent and books what they use."""

    def __init__(
        self,
        role: str,
        provider: Provider,
        conversation: Conversation,
        *,
        book: Book,
        purse: Purse,
        clock: Callable[[], float],
        limits: TurnLimits,
        on_quota: Callable[[ProviderError], None],
        stop: StopSignal,
        bus: EventBus,
    ) -> None:
        self._role = role
        self._provider = provider
        self._conversation = conversation
        self._book = book
        self._purse = purse
        self._clock = clock
        self._limits = limits
        self._on_quota = on_quota
        self._stop = stop
        self._bus = bus
        self._cached_by = provider.model
        """Whose cache the conversation counts on."""

    def ask(self, turn: Turn) -> Reply:
        """Return the model's next reply; what was waited out does not count, nor the call before.

        Raises what the provider, the purse and `on_quota` raise, each call settled before.
        """
        while True:
            turn.check(self._clock, self._stop)
            began = self._clock()
            try:
                return self._call(turn)
            except (QuotaReached, Overloaded, NetworkProblem) as error:
                if not self._falls_back(turn, error):
                    self._on_quota(error)
                    turn.deadline += self._clock() - began

    def _falls_back(self, turn: Turn, error: ProviderError) -> bool:
        """Let the fallback model answer the rest of the turn, if that is allowed and new."""
        other, own = self._provider.fallback, self._provider.model
        if not isinstance(error, Overloaded) or other is None or turn.model == other:
            return False
        turn.model = other
        self._bus.emit(FellBack(self._role, turn.request.issue_id, own, other, str(error)))
        return True

    def _call(self, turn: Turn) -> Reply:
        model = turn.model or self._provider.model
        if model != self._cached_by:
            self._conversation.note_usage(turn.items, Usage())  # each model has its own cache
            self._cached_by = model
        fresh = self._conversation.uncached_tokens(turn.items)
        allowed = self._purse.reserve(
            fresh, self._limits.max_output_tokens, lambda usage: self._price(usage, model)
        )
        request = replace(self._conversation.request(turn.items, allowed), model=turn.model)
        limits = CallLimits(self._clock, turn.deadline, self._limits.silence_s, self._stop)
        self._begin(turn, model, fresh, allowed)
        try:
            reply = self._provider.complete(request, limits)
        except PipelineError as error:
            self._settle(turn, self._used_by(error, model, fresh), error)
            raise
        turn.calls += 1
        self._settle(turn, reply.usage, None)
        self._conversation.note_usage(turn.items, reply.usage)
        return reply

    def _price(self, usage: Usage, model: str) -> float | None:
        return self._provider.price(usage.model_copy(update={"model": model}))

    def _begin(self, turn: Turn, model: str, fresh: int, allowed: int) -> None:
        most = Usage(model=model, calls=1, input_tokens=fresh, output_tokens=allowed)
        self._book.record(
            entries.CallBegun(
                role=self._role,
                request_id=turn.request.request_id,
                reserved_tokens=fresh + allowed,
                reserved_usd=self._provider.price(most),
            )
        )

    def _settle(self, turn: Turn, usage: Usage, error: PipelineError | None) -> None:
        self._book.record(
            entries.CallSettled(
                role=self._role,
                request_id=turn.request.request_id,
                usage=usage,
                error=None if error is None else f"{type(error).__name__}: {error}",
                run_seconds=round(self._purse.worked_s, 3),
            )
        )
        self._purse.settle(usage)
        turn.usage = turn.usage.plus(usage)

    def _used_by(self, error: PipelineError, model: str, fresh: int) -> Usage:
        """Return what a call without an answer has cost: vendors bill the input we hung up on."""
        if not isinstance(error, TurnTimedOut | Stopped):
            return Usage(model=model)
        usage = Usage(model=model, calls=1, input_tokens=fresh)
        return usage.model_copy(update={"usd": self._provider.price(usage)})
