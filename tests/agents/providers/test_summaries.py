"""What adapters read of summaries and of what vendors say about their caches."""

import pytest

from pipeline.agents.providers.anthropic_layout import Answer
from pipeline.agents.providers.openai_layout import reply_of, summary_of
from pipeline.domain.results import Usage


def answer(usage: dict, **message: object) -> Answer:
    one = Answer()
    one.take({"type": "message_start", "message": {"id": "msg", "usage": usage, **message}})
    one.take({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}})
    return one


def test_the_tokens_of_claudes_summaries_are_counted_where_they_are_reported() -> None:
    created = {"ephemeral_1h_input_tokens": 30, "ephemeral_5m_input_tokens": 10}
    counts = {
        "input_tokens": 100,
        "cache_read_input_tokens": 200,
        "cache_creation_input_tokens": 40,
        "cache_creation": created,
        "output_tokens": 50,
    }
    message = {"type": "message", "input_tokens": 7, "output_tokens": 7}
    steps = [message, {"type": "compaction", **counts}]
    whole = answer({"input_tokens": 1, "output_tokens": 2, "iterations": steps})
    assert whole.usage("m") == Usage(
        model="m",
        calls=1,
        input_tokens=101,
        output_tokens=52,
        cache_read_tokens=200,
        cache_write_tokens=40,
    )
    assert whole.long_lived_writes() == 30


@pytest.mark.parametrize(
    ("diagnostics", "word"),
    [
        (None, ""),
        ({"cache_miss_reason": None}, ""),
        ({"cache_miss_reason": {"type": "tools_changed"}}, "tools_changed"),
    ],
)
def test_why_claudes_cache_did_not_answer(diagnostics: object, word: str) -> None:
    assert answer({}, diagnostics=diagnostics).reply(Usage()).cache_miss == word


@pytest.mark.parametrize(
    ("diagnostics", "word"),
    [
        (None, ""),
        ({"type": "cache_hit"}, ""),
        ({"type": "unavailable"}, "unavailable"),
        ({"type": "cache_miss", "reason": "input_changed"}, "input_changed"),
    ],
)
def test_why_gpts_cache_did_not_answer(diagnostics: object, word: str) -> None:
    response = {"status": "completed", "output": [], "prompt_cache_diagnostics": diagnostics}
    assert reply_of(response, Usage()).cache_miss == word


def test_a_summary_of_gpts_keeps_what_the_user_said_and_nothing_of_the_head() -> None:
    text = {"type": "input_text", "text": "hello"}
    marked = text | {"prompt_cache_breakpoint": {"mode": "explicit"}}
    said = {"type": "message", "role": "user", "status": "completed"}
    item = {"type": "compaction", "id": "cmp", "encrypted_content": "?"}
    output = [
        {"type": "message", "role": "developer", "id": "m1", "content": [text]},
        said | {"id": "m2", "content": [marked]},
        item | {"created_by": "somebody"},
    ]
    assert summary_of({"output": output}, Usage()).raw == (said | {"content": [text]}, item)
    assert summary_of({"output": output[:2]}, Usage()).raw == ()
