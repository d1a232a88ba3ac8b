"""When a vendor's cache answered for less than it should have, and what is named as the cause."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from anthropic.types import beta as anthropic_types
from openai.types.responses import response as openai_types

from pipeline.agents.cache_alarm import CAUSES, UNEXPLAINED, VENDORS, Fall, Sent, fall
from pipeline.agents.messages import Lifetimes
from pipeline.domain.results import Usage

THEN = Sent(
    at=100.0,
    model="big",
    fallback=False,
    cache_key="key",
    head="head",
    memory="memory",
    ledger=("one",),
    turn_id="planner-1",
    compacted=0,
    folded=0,
    prefix_share=0.5,
    lifetimes=Lifetimes(prefix_s=3600, turn_s=300),
    usage=Usage(input_tokens=10, cache_read_tokens=30_000, cache_write_tokens=10_000),
)


def now(read: int = 0, **changed: Any) -> Sent:
    usage = Usage(cache_read_tokens=read, cache_write_tokens=1)
    return replace(THEN, **{"at": 110.0, "usage": usage, **changed})


@pytest.mark.parametrize(
    ("cached", "read", "missing"),
    [
        (40_000, 40_000, None),
        (40_000, 38_000, None),
        (40_000, 37_999, 2_001),
        (30_000, 28_001, None),
        (30_000, 28_000, 2_000),
        (10_000, 12_000, None),
        (0, 0, None),
    ],
)
def test_a_fall_counts_from_five_percent_and_two_thousand_tokens_on(
    cached: int, read: int, missing: int | None
) -> None:
    then = replace(THEN, usage=Usage(cache_read_tokens=cached))
    fell = fall(then, now(read))
    assert (fell.missing if fell else None) == missing


def test_of_a_turn_that_ended_only_head_memory_and_ledger_are_expected() -> None:
    next_turn = {"turn_id": "planner-2", "ledger": ("one", "two")}
    assert fall(THEN, now(16_000, **next_turn)) is None
    assert fall(THEN, now(13_000, **next_turn)) == Fall(16_000, 13_000, UNEXPLAINED)


EVENTS: dict[str, dict[str, Any]] = {
    "the fallback model was asked": {"model": "small", "fallback": True},
    "another model was asked": {"model": "small"},
    "the cache key changed": {"cache_key": "other"},
    "the head changed": {"head": "other"},
    "the conversation was summed up": {"compacted": 1, "memory": "", "ledger": ()},
    "the ledger was folded": {"folded": 1, "memory": "more", "ledger": ()},
    "memory or ledger changed": {"ledger": ("another",)},
    "it was too old": {"at": 401.0},
}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_is_named_before_what_the_vendor_says(cause: str) -> None:
    fell = fall(THEN, now(**EVENTS[cause]), "tools_changed")
    assert fell == Fall(40_000, 0, cause)


def test_a_prefix_lives_longer_than_a_turn() -> None:
    later = now(turn_id="planner-2", at=100.0 + 3600)
    assert fall(THEN, later) == Fall(16_000, 0, UNEXPLAINED)
    fell = fall(THEN, replace(later, at=later.at + 1))
    assert fell is not None
    assert fell.cause == "it was too old"


def test_what_we_cannot_explain_the_vendor_may() -> None:
    assert fall(THEN, now()) == Fall(40_000, 0, UNEXPLAINED)
    said = fall(THEN, now(), "tools_changed")
    assert said is not None
    assert said.cause == "the vendor says that the tools changed"
    said = fall(THEN, now(), "word_of_tomorrow")
    assert said is not None
    assert said.cause == "the vendor says word_of_tomorrow"


def test_every_word_of_both_vendors_has_its_line() -> None:
    reasons = get_args(get_args(anthropic_types.BetaCacheMissReason)[0])
    words = {get_args(kind.model_fields["type"].annotation)[0] for kind in reasons}
    miss = openai_types.PromptCacheDiagnosticsCacheMiss
    words |= set(get_args(miss.model_fields["reason"].annotation))
    kinds = get_args(get_args(openai_types.PromptCacheDiagnostics)[0])
    words |= {get_args(kind.model_fields["type"].annotation)[0] for kind in kinds}
    assert words - {"cache_hit", "cache_miss"} == set(VENDORS)
