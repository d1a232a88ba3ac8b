"""No vendor can count more input than a request was bounded by before it was sent."""

import json

from pipeline.agents.conversation import Conversation
from pipeline.agents.messages import Head, NextStep, Reply, Results, Said, ToolResult, TurnItem
from pipeline.agents.sizes import PREAMBLE_TOKENS, Sizes, most_tokens
from pipeline.domain.results import Usage

DENSE = "Ω≈ç√∫µ≤" * 500
"""A text of which some tokenizers make a token a byte."""


def replied(text: str, usage: Usage) -> Reply:
    return Reply(({"type": "text", "text": text},), text, (), NextStep.RUN_TOOLS, usage)


def counted(items: list[TurnItem], conversation: Conversation) -> int:
    """Count a request as the worst vendor would: a token a byte."""
    total = 0
    for block in conversation.blocks(items):
        match block:
            case str():
                total += len(block.encode())
            case Said():
                total += len(block.text.encode())
            case Reply():
                total += len(json.dumps(block.raw, ensure_ascii=False).encode())
            case Results():
                total += sum(len(one.text.encode()) for one in block.results)
            case Head():
                total += len((block.system + block.context).encode())
    return total


def test_what_nobody_has_counted_is_bounded_by_its_bytes() -> None:
    conversation = Conversation(Head((), "system", DENSE), cache_key="k")
    items: list[TurnItem] = [Said(DENSE)]
    bound = Sizes().most(conversation.blocks(items))
    assert counted(items, conversation) + PREAMBLE_TOKENS <= bound


def test_what_the_vendor_has_counted_bounds_what_goes_on_from_it() -> None:
    conversation = Conversation(Head((), "system", "c" * 40_000), cache_key="k")
    sizes, items = Sizes(), [Said("go")]
    blocks = conversation.blocks(items)
    usage = Usage(calls=1, input_tokens=900, cache_read_tokens=9_000, output_tokens=700)
    sizes.note(blocks, usage)

    longer: list[TurnItem] = [*items, replied("x" * 90_000, usage), Results((_result(800),))]

    bound = sizes.most(conversation.blocks(longer))
    assert 9_900 + 700 + 800 <= bound <= 9_900 + 700 + 800 + 300


def test_the_next_turn_begins_like_the_one_before() -> None:
    conversation = Conversation(Head((), "system", "c" * 40_000), cache_key="k")
    sizes = Sizes()
    first: list[TurnItem] = [Said("one")]
    sizes.note(conversation.blocks(first), Usage(calls=1, input_tokens=10_000))
    long: list[TurnItem] = [*first, replied("x", Usage()), Results((_result(10),))]
    sizes.note(conversation.blocks(long), Usage(calls=1, input_tokens=150_000))
    conversation.add("a digest")

    assert sizes.most(conversation.blocks([Said("two")])) <= 10_000 + 500

    sizes.forget()
    assert sizes.most(conversation.blocks([Said("two")])) > 40_000


def test_each_result_has_a_frame() -> None:
    many = Results(tuple(_result(0) for _ in range(50)))
    assert most_tokens(many) >= 50 * 64


def _result(size: int) -> ToolResult:
    return ToolResult("call", "y" * size)
