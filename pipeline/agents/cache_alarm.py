"""Whether a vendor's cache has answered for less than it should have, and why.

    the call before: 41,000 tokens read or written    expected of this call
    this call: 8,200 read                             32,800 are missing: they were too old

Expected is what the call before left cached: all of it within a turn, head, memory and ledger where
a new turn begins. A fall counts from 5 % and 2,000 tokens on: less is rounding. What we did
ourselves is the cause before the clock, and the clock before what the vendor says.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.agents.messages import Lifetimes
from pipeline.domain.results import Usage

LEAST_SHARE = 0.05
LEAST_TOKENS = 2_000
ESTIMATED = 0.8
"""How much of an estimated prefix is expected at least: bytes tell tokens to about a fifth."""
UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class Sent:
    """What one call sent, and what its vendor has cached of it."""

    at: float
    """When it began, on the agent's clock (seconds): lifetimes count from there."""
    model: str
    fallback: bool
    """Whether the fallback model was asked."""
    cache_key: str
    head: str
    """SHA-256 of its bytes."""
    memory: str
    ledger: tuple[str, ...]
    turn_id: str
    compacted: int
    """How many summaries had been made by then."""
    folded: int
    """How many folds of the ledger there had been by then."""
    prefix_share: float
    """How much of the request head, memory and ledger were, 0 to 1, estimated."""
    lifetimes: Lifetimes
    usage: Usage

    @property
    def cached(self) -> int:
        """Return how many tokens of it the vendor keeps."""
        return self.usage.cache_read_tokens + self.usage.cache_write_tokens


@dataclass(frozen=True)
class Fall:
    """A cache that answered for less than it should have (tokens)."""

    expected: int
    read: int
    cause: str

    @property
    def missing(self) -> int:
        """Return how many tokens were not answered for."""
        return self.expected - self.read


Test = Callable[[Sent, Sent], bool]

CAUSES: dict[str, Test] = {
    "the fallback model was asked": lambda then, now: now.fallback and not then.fallback,
    "another model was asked": lambda then, now: now.model != then.model,
    "the cache key changed": lambda then, now: now.cache_key != then.cache_key,
    "the head changed": lambda then, now: now.head != then.head,
    "the conversation was summed up": lambda then, now: now.compacted != then.compacted,
    "the ledger was folded": lambda then, now: now.folded != then.folded,
    "memory or ledger changed": lambda then, now: not _continues(then, now),
    "it was too old": lambda then, now: now.at - then.at > _lasts_s(then, now),
}
"""What we know ourselves, in the order in which it is asked."""

VENDORS: dict[str, str] = {
    "model_changed": "the vendor says that the model changed",
    "system_changed": "the vendor says that the system prompt changed",
    "tools_changed": "the vendor says that the tools changed",
    "messages_changed": "the vendor says that earlier messages changed",
    "previous_message_not_found": "the vendor no longer knows the call before",
    "unavailable": "the vendor cannot say why",
    "prompt_cache_key_changed": "the vendor says that the cache key changed",
    "text_format_changed": "the vendor says that the text format changed",
    "reasoning_effort_changed": "the vendor says that the effort changed",
    "verbosity_changed": "the vendor says that the verbosity changed",
    "context_compacted": "the vendor says that the conversation was summed up",
    "input_changed": "the vendor says that the input changed",
    "service_tier_changed": "the vendor says that the service tier changed",
    "comparison_response_not_found": "the vendor no longer knows the call before",
}
"""The words of both vendors' cache diagnostics, as their SDKs have them."""


def fall(then: Sent, now: Sent, vendor_says: str = "") -> Fall | None:
    """Return by how much the cache fell short from one call to the next; None: it did not."""
    same_turn = now.turn_id == then.turn_id
    expected = then.cached if same_turn else int(then.cached * then.prefix_share * ESTIMATED)
    read = now.usage.cache_read_tokens
    missing = expected - read
    if missing < LEAST_TOKENS or missing <= LEAST_SHARE * expected:
        return None
    known = (cause for cause, holds in CAUSES.items() if holds(then, now))
    said = VENDORS.get(vendor_says, f"the vendor says {vendor_says}") if vendor_says else ""
    return Fall(expected, read, next(known, said or UNEXPLAINED))


def _continues(then: Sent, now: Sent) -> bool:
    return now.memory == then.memory and now.ledger[: len(then.ledger)] == then.ledger


def _lasts_s(then: Sent, now: Sent) -> float:
    same_turn = now.turn_id == then.turn_id
    return then.lifetimes.turn_s if same_turn else then.lifetimes.prefix_s
