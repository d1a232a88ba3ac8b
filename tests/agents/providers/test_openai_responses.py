"""The Responses adapter: what it sends, and what it makes of what comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, get_args

import pytest

from pipeline.agents.messages import NextStep, Reply, Results, Said, ToolCall, ToolResult
from pipeline.agents.providers.adapter import Manner
from pipeline.agents.providers.calling import Access
from pipeline.agents.providers.openai_layout import (
    INCOMPLETE,
    NEXT_STEP,
    request_body,
)
from pipeline.agents.providers.openai_responses import OpenAIResponses
from pipeline.domain.results import Usage
from pipeline.errors import NetworkProblem
from tests.agents.providers.openai_events import (
    REASONING,
    answered,
    declines,
    function_call,
    says,
)
from tests.agents.providers.policy import one_try
from tests.agents.providers.vendor import Answer, Vendor, limits, model_request, streams, vendor

MODEL = "gpt-6.1-sol"
CALL = function_call("call_1", "a_tool", '{"path": "a.py"}')


@contextmanager
def adapter(
    *answers: Answer, effort: str | None = None
) -> Iterator[tuple[OpenAIResponses, Vendor]]:
    with vendor(*answers) as server:
        access = Access("key-1", f"{server.url}/v1")
        provider = OpenAIResponses(MODEL, access, Manner(effort=effort, policy=one_try()))
        try:
            yield provider, server
        finally:
            provider.close()


def answer_to(events: list[dict[str, Any]]) -> Reply:
    with adapter(streams(events)) as (provider, _):
        return provider.complete(model_request(), limits())


def marked(body: dict[str, Any]) -> list[str]:
    """Return the texts of the blocks that have a breakpoint."""
    blocks = [
        block for item in body["input"] for block in item.get("content") or item.get("output") or []
    ]
    return [block["text"] for block in blocks if "prompt_cache_breakpoint" in block]


def test_the_first_request_is_laid_out_with_the_head_first() -> None:
    request = model_request(memory="Remember.", ledger=("Did ISS-1.", "Did ISS-2.", "Did ISS-3."))
    with adapter(streams(answered([says("Hi")])), effort="high") as (provider, server):
        provider.complete(request, limits())
        [body], [headers] = server.requests, server.headers
    assert headers["authorization"] == "Bearer key-1"
    assert [(t["type"], t["name"], t["strict"]) for t in body["tools"]] == [
        ("function", "a_tool", True),
        ("function", "b_tool", True),
    ]
    head, first = body["input"]
    assert (head["role"], first["role"]) == ("developer", "user")
    assert [block["text"] for block in head["content"]] == ["You plan.", "The project."]
    assert [block["text"] for block in first["content"]] == [
        "Remember.",
        "Did ISS-1.",
        "Did ISS-2.",
        "Did ISS-3.",
        "Plan ISS-001.",
    ]
    digests = ["Did ISS-1.", "Did ISS-2.", "Did ISS-3."]
    assert marked(body) == ["The project.", *digests, "Plan ISS-001."]
    assert {name: body[name] for name in ("store", "stream", "include", "reasoning")} == {
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "high"},
    }
    assert body["prompt_cache_key"] == "planner-run1"
    assert body["prompt_cache_options"] == {"mode": "explicit"}
    assert (body["max_output_tokens"], body["parallel_tool_calls"]) == (9000, True)


def test_output_items_are_sent_again_unchanged_and_every_call_is_answered() -> None:
    other = function_call("call_2", "b_tool", "{}")
    with adapter(
        streams(answered([REASONING, CALL, other])), streams(answered([says("Done")]))
    ) as (provider, server):
        reply = provider.complete(model_request(), limits())
        results = Results((ToolResult("call_1", "", is_error=True), ToolResult("call_2", "ok")))
        turn = (Said("Plan ISS-001."), reply, results)
        provider.complete(model_request(*turn, ledger=("Did ISS-1.",)), limits())
        body = server.requests[1]
    assert body["input"][2:5] == [REASONING, CALL, other]
    first, second = body["input"][5:]
    assert [first["call_id"], second["call_id"]] == ["call_1", "call_2"]
    assert first["output"][0]["text"] == "Error: (no output)"
    assert marked(body) == ["The project.", "Did ISS-1.", "Plan ISS-001.", "ok"]


STEP = (Reply((CALL,), "", (), NextStep.RUN_TOOLS, Usage()), Results((ToolResult("call_1", "ok"),)))


def test_the_items_of_a_request_are_a_prefix_of_the_next_ones() -> None:
    turns = [(Said("go"), *STEP * calls) for calls in range(4)]
    bodies = [request_body(model_request(*turn, ledger=("d", "e")), MODEL, None) for turn in turns]
    for before, after in pairwise(bodies):
        assert after["input"][: len(before["input"])] == before["input"]
    assert len(marked(bodies[-1])) == 1 + 2 + 1 + 3


def test_a_request_has_no_more_breakpoints_than_are_looked_at() -> None:
    request = model_request(Said("go"), *STEP * 60, memory="m", ledger=("d",) * 40)
    found = marked(request_body(request, MODEL, None))
    assert found == ["d"] * 19 + ["go"] + ["ok"] * 60


def test_an_answer_with_calls_is_whole_with_its_usage_and_price() -> None:
    reply = answer_to(answered([REASONING, says("Look."), CALL]))
    assert reply.next_step is NextStep.RUN_TOOLS
    assert reply.tool_calls == (ToolCall("call_1", "a_tool", '{"path": "a.py"}'),)
    assert (reply.text, reply.response_id) == ("Look.", "resp_1")
    assert reply.usage == Usage(
        model=MODEL,
        calls=1,
        input_tokens=10,
        output_tokens=40,
        cache_read_tokens=200,
        cache_write_tokens=30,
        usd=reply.usage.usd,
    )
    # 10 input at 2, 40 output at 10, 200 read at 0.1, 30 written at 2.5
    assert reply.usage.usd == pytest.approx((20 + 400 + 20 + 75) / 1e6)


INCOMPLETE_FOR = [
    ("max_output_tokens", NextStep.TRUNCATED),
    ("content_filter", NextStep.REFUSED),
    ("a_reason_of_next_year", NextStep.STOP),
]


@pytest.mark.parametrize(("reason", "step"), INCOMPLETE_FOR)
def test_the_calls_of_an_incomplete_answer_do_not_run(reason: str, step: NextStep) -> None:
    why = {"incomplete_details": {"reason": reason}}
    reply = answer_to(answered([says("So"), REASONING, CALL], "incomplete", **why))
    assert (reply.next_step, reply.tool_calls) == (step, ())
    assert list(reply.raw) == [says("So")]


def test_a_refusal_is_refused_with_its_words_and_runs_nothing() -> None:
    reply = answer_to(answered([declines("I can't."), CALL]))
    assert (reply.next_step, reply.text, reply.tool_calls) == (NextStep.REFUSED, "I can't.", ())


def test_an_answer_without_calls_stops() -> None:
    assert answer_to(answered([says("Done")])).next_step is NextStep.STOP


def test_a_stream_without_an_end_is_no_answer() -> None:
    with pytest.raises(NetworkProblem, match="ended before it was complete"):
        answer_to(answered([says("Hi")])[:-1])


def test_every_status_and_reason_of_the_sdk_is_classified() -> None:
    from openai.types.responses.response import IncompleteDetails
    from openai.types.responses.response_status import ResponseStatus

    assert set(NEXT_STEP) == set(get_args(ResponseStatus))
    [reasons, _] = get_args(IncompleteDetails.model_fields["reason"].annotation)
    assert set(INCOMPLETE) == set(get_args(reasons))


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("gpt-6.1-sol", True),
        ("gpt-6-astra", True),
        ("gpt-5.6-luna", True),
        ("gpt-5.5-2026-04-23", False),
        ("gpt-5", False),
        ("gpt-4o", False),
        ("qwen3-coder", False),
    ],
)
def test_breakpoints_are_set_where_the_model_knows_them(model: str, known: bool) -> None:
    body = request_body(model_request(), model, None)
    assert bool(marked(body)) is known
    assert ("prompt_cache_options" in body) is known
