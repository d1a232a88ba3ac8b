"""One model call of a turn: reserved and journaled before it, settled after it, come what may."""

from collections.abc import Callable

from pipeline.agents.conversation import Conversation
from pipeline.agents.limits import TurnLimits
from pipeline.agents.messages import CallLimits, Provider, Reply, StopSignal
from pipeline.agents.turn import Turn
from pipeline.domain.results import Usage
from pipeline.errors import PipelineError, QuotaReached, Stopped, TurnTimedOut
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
        on_quota: Callable[[QuotaReached], None],
        stop: StopSignal,
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

    def ask(self, turn: Turn) -> Reply:
        """Return the model's next reply; a quota that was waited out does not count.

        Raises what the provider, the purse and `on_quota` raise, each call settled before.
        """
        while True:
            turn.check(self._clock, self._stop)
            try:
                return self._call(turn)
            except QuotaReached as error:
                before = self._clock()
                self._on_quota(error)
                turn.deadline += self._clock() - before

    def _call(self, turn: Turn) -> Reply:
        fresh = self._conversation.uncached_tokens(turn.items)
        allowed = self._purse.reserve(fresh, self._limits.max_output_tokens, self._provider.price)
        request = self._conversation.request(turn.items, allowed)
        limits = CallLimits(self._clock, turn.deadline, self._limits.silence_s, self._stop)
        self._begin(turn, fresh, allowed)
        try:
            reply = self._provider.complete(request, limits)
        except PipelineError as error:
            self._settle(turn, self._used_by(error, fresh), error)
            raise
        turn.calls += 1
        self._settle(turn, reply.usage, None)
        self._conversation.note_usage(turn.items, reply.usage)
        return reply

    def _begin(self, turn: Turn, fresh: int, allowed: int) -> None:
        most = Usage(calls=1, input_tokens=fresh, output_tokens=allowed)
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

    def _used_by(self, error: PipelineError, fresh: int) -> Usage:
        """Return what a call without an answer has cost: vendors bill the input we hung up on."""
        model = self._provider.model
        if not isinstance(error, TurnTimedOut | Stopped):
            return Usage(model=model)
        usage = Usage(model=model, calls=1, input_tokens=fresh)
        return usage.model_copy(update={"usd": self._provider.price(usage)})
