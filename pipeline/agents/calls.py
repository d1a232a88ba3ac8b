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
from pipeline.agents.payment import Payment
from pipeline.agents.sizes import Sizes
from pipeline.agents.turn import Turn
from pipeline.domain.results import Usage
from pipeline.errors import (
    NetworkProblem,
    Overloaded,
    PipelineError,
    ProviderError,
    QuotaReached,
)
from pipeline.events import EventBus, FellBack
from pipeline.safety.budget import Purse
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
        on_quota: Callable[[ProviderError, StopSignal], None],
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
        self._sizes = Sizes()

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
                    self._on_quota(error, self._stop)
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
            self._sizes.forget()
            self._cached_by = model
        blocks = self._conversation.blocks(turn.items)
        payment = Payment(
            book=self._book,
            purse=self._purse,
            role=self._role,
            request_id=turn.request.request_id,
            model=model,
            price=self._provider.price,
            likely=self._conversation.uncached_tokens(turn.items),
            most=self._sizes.most(blocks),
        )
        allowed = payment.begin(self._limits.max_output_tokens)
        request = replace(self._conversation.request(turn.items, allowed), model=turn.model)
        limits = CallLimits(self._clock, turn.deadline, self._limits.silence_s, self._stop, payment)
        try:
            reply = self._provider.complete(request, limits)
            payment.done(reply.usage)
        except PipelineError as error:
            payment.broken(error)
            raise
        finally:
            turn.usage = turn.usage.plus(payment.used)
        turn.calls += 1
        self._conversation.note_usage(turn.items, reply.usage)
        self._sizes.note(blocks, reply.usage)
        return reply
