"""The Messages adapter: what it sends, and what it makes of what comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

import pytest

from pipeline.agents.messages import NextStep, Reply, Results, Said, ToolCall, ToolResult
from pipeline.agents.providers.adapter import Manner
from pipeline.agents.providers.anthropic_layout import NEXT_STEP, request_body
from pipeline.agents.providers.anthropic_messages import AnthropicMessages
from pipeline.agents.providers.calling import Access
from pipeline.domain.results import Usage
from pipeline.errors import NetworkProblem
from tests.agents.providers.anthropic_events import THINKING, answer_events, text, tool_use
from tests.agents.providers.policy import one_try
from tests.agents.providers.vendor import Answer, Vendor, limits, model_request, streams, vendor

MODEL = "claude-opus-5-5"
HOUR = {"type": "ephemeral", "ttl": "1h"}
MINUTES = {"type": "ephemeral", "ttl": "5m"}
CALL = tool_use("toolu_1", "a_tool", '{"path": "a.py", "n": 1.0}')
CALL_SENT = {
    "type": "tool_use",
    "id": "toolu_1",
    "name": "a_tool",
    "input": {"path": "a.py", "n": 1.0},
}


@contextmanager
def adapter(
    *answers: Answer, effort: str | None = None
) -> Iterator[tuple[AnthropicMessages, Vendor]]:
    with vendor(*answers) as server:
        access = Access("key-1", server.url)
        provider = AnthropicMessages(MODEL, access, Manner(effort=effort, policy=one_try()))
        try:
            yield provider, server
        finally:
            provider.close()


def answer_to(events: list[dict[str, Any]]) -> Reply:
    with adapter(streams(events)) as (provider, _):
        return provider.complete(model_request(), limits())


def marks(body: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """Return each marked block's text and its mark, in the order of the prompt."""
    blocks = [*body["system"], *(block for m in body["messages"] for block in m["content"])]
    return [
        (block.get("text") or block["content"], block["cache_control"])
        for block in blocks
        if "cache_control" in block
    ]


def a_reply(*blocks: dict[str, Any], step: NextStep = NextStep.RUN_TOOLS) -> Reply:
    return Reply(raw=blocks, text="", tool_calls=(), next_step=step, usage=Usage())


def test_the_first_request_is_laid_out_with_the_head_first_and_an_hour_before_minutes() -> None:
    request = model_request(memory="Remember.", ledger=("Did ISS-1.", "Did ISS-2."))
    with adapter(streams(answer_events()), effort="medium") as (provider, server):
        provider.complete(request, limits())
        [body], [headers] = server.requests, server.headers
    assert headers["authorization"] == "Bearer key-1"
    assert [(tool["name"], tool["strict"]) for tool in body["tools"]] == [
        ("a_tool", True),
        ("b_tool", True),
    ]
    assert [block["text"] for block in body["system"]] == ["You plan.", "The project."]
    [message] = body["messages"]
    assert [block["text"] for block in message["content"]] == [
        "Remember.",
        "Did ISS-1.",
        "Did ISS-2.",
        "Plan ISS-001.",
    ]
    assert marks(body) == [
        ("The project.", HOUR),
        ("Did ISS-2.", HOUR),
        ("Plan ISS-001.", MINUTES),
    ]
    assert body["thinking"] == {"type": "adaptive"}
    assert body["output_config"] == {"effort": "medium"}
    assert (body["max_tokens"], body["stream"], body["model"]) == (9000, True, MODEL)


def test_assistant_blocks_are_sent_again_unchanged_and_the_mark_moves_with_the_tail() -> None:
    events = answer_events(THINKING, text("Look."), CALL, stop="tool_use")
    with adapter(streams(events), streams(answer_events())) as (provider, server):
        reply = provider.complete(model_request(ledger=("Did ISS-1.",)), limits())
        results = Results((ToolResult("toolu_1", "", is_error=True),))
        turn = (Said("Plan ISS-001."), reply, results)
        provider.complete(model_request(*turn, ledger=("Did ISS-1.",)), limits())
        first, second = server.requests
    assert second["messages"][1] == {
        "role": "assistant",
        "content": [THINKING, {"type": "text", "text": "Look."}, CALL_SENT],
    }
    [result] = second["messages"][2]["content"]
    assert (result["tool_use_id"], result["is_error"]) == ("toolu_1", True)
    assert marks(second) == [
        ("The project.", HOUR),
        ("Did ISS-1.", HOUR),
        ("Plan ISS-001.", MINUTES),
        ("(no output)", MINUTES),
    ]
    assert [first[part] for part in ("tools", "system")] == [
        second[part] for part in ("tools", "system")
    ]
    assert first["messages"][0] == second["messages"][0]


@pytest.mark.parametrize("calls", [1, 2, 30])
def test_a_request_never_has_more_than_four_marks(calls: int) -> None:
    step = (a_reply(CALL_SENT), Results((ToolResult("toolu_1", "ok"),)))
    request = model_request(Said("go"), *step * calls, memory="m", ledger=("d",) * 40)
    assert len(marks(request_body(request, MODEL, None))) == 4


def test_what_the_pipeline_says_after_an_answer_follows_it_as_one_user_message() -> None:
    silent = a_reply(step=NextStep.TRUNCATED)
    body = request_body(model_request(Said("go"), silent, Said("Finish.")), MODEL, None)
    [message] = body["messages"]
    assert [block["text"] for block in message["content"]] == ["go", "Finish."]


def test_an_answer_with_tools_is_whole_with_its_usage_and_price() -> None:
    reply = answer_to(answer_events(THINKING, text("Look."), CALL, stop="tool_use"))
    assert reply.next_step is NextStep.RUN_TOOLS
    assert reply.tool_calls == (ToolCall("toolu_1", "a_tool", '{"path": "a.py", "n": 1.0}'),)
    assert (reply.text, reply.response_id) == ("Look.", "msg_1")
    assert reply.usage == Usage(
        model=MODEL,
        calls=1,
        input_tokens=10,
        output_tokens=40,
        cache_read_tokens=200,
        cache_write_tokens=30,
        usd=reply.usage.usd,
    )
    # 10 input at 4, 40 output at 20, 200 read at 0.2, 10 written for 5 m at 5, 20 for 1 h at 8
    assert reply.usage.usd == pytest.approx((40 + 800 + 40 + 50 + 160) / 1e6)


@pytest.mark.parametrize(
    ("stop", "step"),
    [
        ("end_turn", NextStep.STOP),
        ("max_tokens", NextStep.TRUNCATED),
        ("model_context_window_exceeded", NextStep.TRUNCATED),
        ("refusal", NextStep.REFUSED),
        ("a_reason_of_next_year", NextStep.STOP),
    ],
)
def test_the_tool_calls_of_a_stopped_answer_do_not_run(stop: str, step: NextStep) -> None:
    half = tool_use("toolu_1", "a_tool", '{"path": "a')
    reply = answer_to(answer_events(text("So"), THINKING, half, stop=stop))
    assert (reply.next_step, reply.tool_calls) == (step, ())
    assert reply.raw == ({"type": "text", "text": "So"},)


def test_a_paused_answer_is_resumed_with_all_it_said() -> None:
    reply = answer_to(answer_events(THINKING, text("Wait"), stop="pause_turn"))
    assert reply.next_step is NextStep.RESUME
    assert list(reply.raw) == [THINKING, {"type": "text", "text": "Wait"}]
    body = request_body(model_request(Said("go"), reply, reply), MODEL, None)
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "assistant"]
    assert marks(body) == [("The project.", HOUR), ("go", MINUTES)]


def test_a_refusal_says_why() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    assert answer_to(answer_events(text(""), stop="refusal", details=details)).text == (
        "refused: cyber"
    )


def test_malformed_arguments_reach_the_toolbox_as_they_are() -> None:
    broken = tool_use("toolu_1", "a_tool", '{"path": }')
    reply = answer_to(answer_events(broken, stop="tool_use"))
    assert reply.tool_calls[0].arguments == '{"path": }'
    assert reply.raw[0]["input"] == {}


def test_a_stream_without_an_end_is_no_answer() -> None:
    with pytest.raises(NetworkProblem, match="ended before it was complete"):
        answer_to(answer_events()[:-1])


def test_every_stop_reason_of_the_sdk_is_classified() -> None:
    from anthropic.types import StopReason

    assert set(NEXT_STEP) == set(get_args(StopReason))


@pytest.mark.parametrize(("model", "thinks"), [("claude-haiku-4-5", False), (MODEL, True)])
def test_thinking_is_adaptive_where_the_model_can(model: str, thinks: bool) -> None:
    assert ("thinking" in request_body(model_request(), model, None)) is thinks
