"""One model call of a turn: reserved and journaled before it, settled after it, come what may.

    quota, spend limit       waited out as far as the user consented, else the run pauses
    overload                 the fallback model, where one is set; else, or if it is overloaded too:
    overload, no network     waited out as far as the user consented, else the turn ends
    anything else            ends the turn

The provider's retry layer has done what it could before any of this.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.agents.cache_alarm import Sent, fall
from pipeline.agents.conversation import Conversation, size
from pipeline.agents.limits import SUMMARY_SILENCE_S, SUMMARY_TOKENS, TurnLimits
from pipeline.agents.messages import (
    CallLimits,
    ModelRequest,
    Provider,
    Reply,
    Said,
    StopSignal,
    TurnItem,
)
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
from pipeline.events import Asking, CacheFell, EventBus, FellBack
from pipeline.safety.budget import Purse
from pipeline.store import entries
from pipeline.store.book import Book


@dataclass(frozen=True)
class Wanted:
    """What one call sends, to what, and how much may come back (tokens)."""

    items: Sequence[TurnItem]
    output_tokens: int
    send: Callable[[ModelRequest, CallLimits], Reply]
    may_call: bool = True
    silence_s: float = 0.0
    """Longest time without a byte; 0: the turn's own."""


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
        self._sent: Sent | None = None
        """The newest call of a turn that was answered."""

    def ask(self, turn: Turn) -> Reply:
        """Return the model's next reply; what was waited out does not count, nor the call before.

        Raises what the provider, the purse and `on_quota` raise, each call settled before.
        """
        reply = self._patiently(turn, lambda: self._answer(turn))
        turn.calls += 1
        return reply

    def vendor_compacts(self, turn: Turn) -> bool:
        """Tell whether the vendor writes a summary of the turn."""
        return self._provider.compacts(turn.model or self._provider.model)

    def compact(self, turn: Turn) -> Reply:
        """Return the vendor's summary of the conversation; raises what `ask` raises."""
        silence_s = max(self._limits.silence_s, SUMMARY_SILENCE_S)
        wanted = Wanted(turn.items, SUMMARY_TOKENS, self._provider.compact, silence_s=silence_s)
        return self._patiently(turn, lambda: self._call(turn, wanted))

    def sum_up(self, turn: Turn, prompt: str) -> Reply:
        """Return the model's summary, which `prompt` asks for; raises what `ask` raises."""
        items = [*turn.items, Said(prompt)]
        wanted = Wanted(items, SUMMARY_TOKENS, self._provider.complete, may_call=False)
        return self._patiently(turn, lambda: self._call(turn, wanted))

    def _patiently(self, turn: Turn, call: Callable[[], Reply]) -> Reply:
        """Return what `call` returns; what can be waited out does not count against the turn."""
        while True:
            turn.check(self._clock, self._stop)
            began = self._clock()
            try:
                return call()
            except (QuotaReached, Overloaded, NetworkProblem) as error:
                if not self._falls_back(turn, error):
                    self._on_quota(error, self._stop)
                    turn.deadline += self._clock() - began

    def _falls_back(self, turn: Turn, error: ProviderError) -> bool:
        """Let the fallback model answer the rest of the turn, if that is allowed and new."""
        other, own = self._provider.fallback, self._provider.model
        if not isinstance(error, Overloaded) or other is None or turn.model == other:
            return False
        summed_up = self._conversation.request(turn.items, 0).is_compacted
        if summed_up and not self._provider.compacts(other):
            return False  # it cannot read the vendor's summary
        turn.model = other
        self._bus.emit(FellBack(self._role, turn.request.issue_id, own, other, str(error)))
        return True

    def _answer(self, turn: Turn) -> Reply:
        """Make one call of the turn, and look whether the cache answered as it should."""
        self._bus.emit(Asking(self._role, turn.request.issue_id, turn.calls + 1))
        began = self._clock()
        blocks = self._conversation.blocks(turn.items)
        wanted = Wanted(turn.items, self._limits.max_output_tokens, self._provider.complete)
        reply = self._call(turn, wanted)
        self._conversation.note_usage(turn.items, reply.usage)
        self._sizes.note(blocks, reply.usage)
        used = reply.usage  # of an answer that was far too long nothing stays
        turn.counted = used.total_tokens - used.output_tokens + min(used.output_tokens, size(reply))
        self._look(turn, reply, began)
        return reply

    def _look(self, turn: Turn, reply: Reply, began: float) -> None:
        """Tell when the cache answered for less than it should have."""
        model = turn.model or self._provider.model
        sent = self._conversation.sent(
            turn.items,
            at=began,
            model=model,
            fallback=bool(turn.model),
            turn_id=turn.id,
            lifetimes=self._provider.lifetimes(model),
            usage=reply.usage,
        )
        before, self._sent = self._sent, sent
        fell = fall(before, sent, reply.cache_miss) if before is not None else None
        if fell is None:
            return
        request = turn.request
        turn.falls.append(fell)
        self._book.record(
            entries.CacheFell(
                role=self._role,
                request_id=request.request_id,
                expected=fell.expected,
                read=fell.read,
                cause=fell.cause,
            )
        )
        self._bus.emit(
            CacheFell(self._role, request.issue_id, fell.expected, fell.read, fell.cause)
        )

    def _call(self, turn: Turn, wanted: Wanted) -> Reply:
        model = turn.model or self._provider.model
        if model != self._cached_by:
            self._conversation.note_usage(turn.items, Usage())  # each model has its own cache
            self._sizes.forget()
            self._cached_by = model
        payment = Payment(
            book=self._book,
            purse=self._purse,
            role=self._role,
            request_id=turn.request.request_id,
            model=model,
            price=self._provider.price,
            likely=self._conversation.uncached_tokens(wanted.items),
            most=self._sizes.most(self._conversation.blocks(wanted.items)),
        )
        allowed = payment.begin(min(wanted.output_tokens, self._limits.max_output_tokens))
        request = replace(
            self._conversation.request(wanted.items, allowed),
            model=turn.model,
            may_call=wanted.may_call,
        )
        silence_s = wanted.silence_s or self._limits.silence_s
        limits = CallLimits(self._clock, turn.deadline, silence_s, self._stop, payment)
        try:
            reply = wanted.send(request, limits)
            payment.done(reply.usage)
        except PipelineError as error:
            payment.broken(error)
            raise
        finally:
            turn.usage = turn.usage.plus(payment.used)
        return reply
