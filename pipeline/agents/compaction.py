"""What happens to a turn that grows too long: a summary stands for it, the request is said again.

    before   head | memory | ledger | request | reply | results | reply | results | ...
    after    head | the vendor's summary                | request again | reply | ...
    or       head | memory | ledger | summary in words  | request again | reply | ...

The vendor's own summary where it writes them, else one that our prompt asks for (`compaction.md`).
What the size is measured by: the tokens that the vendor counted last, else an estimate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.agents.calls import Caller
from pipeline.agents.conversation import Conversation, size
from pipeline.agents.fence import fenced, nonce_for
from pipeline.agents.limits import cut
from pipeline.agents.messages import NextStep, Reply, Results, Said, TurnItem
from pipeline.agents.prompts import Reminders
from pipeline.agents.turn import Turn
from pipeline.errors import (
    BadRequest,
    BudgetSpent,
    ContextOverflow,
    IssueBudgetSpent,
    PipelineError,
)
from pipeline.events import Compacted, EventBus
from pipeline.store import entries
from pipeline.store.book import Book

How = Literal["vendor", "prompt", "failed"]

Way = tuple[How, Callable[[Turn], Reply | Said | None]]
"""What makes a summary; None: nothing came of it."""

RESULT_TOKENS = 500
"""What stays of each result that did not fit the model's window any more."""


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt to shorten a turn."""

    how: How
    tokens_before: int
    tokens_after: int
    reason: str
    """Why it was tried; with what went wrong, where it failed."""


class Compactor:
    """Shortens the turns of one agent."""

    def __init__(
        self,
        role: str,
        caller: Caller,
        conversation: Conversation,
        *,
        most_tokens: int,
        reminders: Reminders,
        book: Book,
        bus: EventBus,
    ) -> None:
        """`most_tokens` is the size of a request from which on it is shortened first."""
        self._role = role
        self._caller = caller
        self._conversation = conversation
        self._most = most_tokens
        self._reminders = reminders
        self._book = book
        self._bus = bus

    def before_call(self, turn: Turn) -> Outcome | None:
        """Shorten a turn that has passed the limit; None: there was nothing to do.

        Where that fails the turn goes on as it is, as long as the vendor takes it.
        """
        tokens = self.tokens(turn)
        if turn.unshortened or tokens < self._most or not self._can(turn):
            return None
        return self._shorten(turn, f"over {self._most:,} tokens")

    def after_overflow(self, turn: Turn, error: ContextOverflow) -> Outcome | None:
        """Shorten a turn that did not fit the model's window, once; None: that is not possible.

        What overflowed is the newest results: no answer has been made from them, so they are cut.
        """
        if turn.overflowed or turn.unshortened or not self._can(turn):
            return None
        turn.overflowed = True
        if isinstance(turn.items[-1], Results):
            turn.items[-1] = shortened(turn.items[-1])
        return self._shorten(turn, "full window")

    def tokens(self, turn: Turn) -> int:
        """Return how many input tokens the next request has."""
        if not turn.counted:
            return self._conversation.tokens(turn.items)
        return turn.counted + sum(size(item) for item in _since_last_reply(turn.items))

    def _can(self, turn: Turn) -> bool:
        """Tell whether there is anything to sum up; a paused answer has to go on first."""
        last = turn.items[-1]
        if isinstance(last, Reply) and last.next_step is NextStep.RESUME:
            return False
        talked = any(isinstance(one, Reply) and not one.is_summary for one in turn.items)
        return talked or self._conversation.has_earlier

    def _shorten(self, turn: Turn, why: str) -> Outcome:
        before, problem = self.tokens(turn), ""
        for how, make in self._ways(turn):
            try:
                summary = make(turn)
            except (BadRequest, ContextOverflow, BudgetSpent, IssueBudgetSpent) as error:
                problem = _line(error)
                continue
            if summary is None:
                problem = "no summary came back"
                continue
            again = Said(self._reminders.request_again(turn.request.text))
            turn.items[:] = self._conversation.compacted(summary, again)
            turn.counted = 0
            turn.steps.clear()
            return self._told(turn, Outcome(how, before, self.tokens(turn), why))
        turn.unshortened = True
        return self._told(turn, Outcome("failed", before, before, f"{why}; {problem}"))

    def _ways(self, turn: Turn) -> list[Way]:
        ours: Way = ("prompt", self._in_words)
        if self._caller.vendor_compacts(turn):
            return [("vendor", self._by_vendor), ours]
        return [ours]

    def _by_vendor(self, turn: Turn) -> Reply | None:
        reply = self._caller.compact(turn)
        return reply if reply.is_summary else None

    def _in_words(self, turn: Turn) -> Said | None:
        text = self._caller.sum_up(turn, self._reminders.summary_wanted()).text.strip()
        if not text:
            return None
        nonce = nonce_for(turn.request.request_id, text)
        return Said(self._reminders.summary(fenced(text, nonce=nonce, kind="summary")))

    def _told(self, turn: Turn, outcome: Outcome) -> Outcome:
        self._book.record(
            entries.TurnCompacted(
                role=self._role,
                request_id=turn.request.request_id,
                how=outcome.how,
                tokens_before=outcome.tokens_before,
                tokens_after=outcome.tokens_after,
                reason=outcome.reason,
            )
        )
        self._bus.emit(
            Compacted(
                self._role,
                turn.request.issue_id,
                outcome.how,
                outcome.tokens_before,
                outcome.tokens_after,
                outcome.reason,
            )
        )
        return outcome


def shortened(results: Results) -> Results:
    """Return results of which only the beginning is left."""
    return Results(
        tuple(replace(one, text=cut(one.text, RESULT_TOKENS)) for one in results.results)
    )


def _since_last_reply(items: Sequence[TurnItem]) -> list[TurnItem]:
    since: list[TurnItem] = []
    for item in reversed(items):
        if isinstance(item, Reply):
            break
        since.append(item)
    return since


def _line(error: PipelineError) -> str:
    return " ".join(str(error).split())[:200]
