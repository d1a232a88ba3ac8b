"""The real SDKs read what the stand-in says."""

import json
from pathlib import Path
from typing import get_args

import pytest
from anthropic.types import StopReason

from pipeline.rehearsal.anthropic_wire import STOP_REASONS
from pipeline.rehearsal.delivery import BEHAVIOURS
from pipeline.rehearsal.faults import FaultKind
from pipeline.rehearsal.openai_wire import INCOMPLETE
from pipeline.rehearsal.script import CallSpec, ReplySpec, Script, Stop
from pipeline.rehearsal.scripting import read, turn
from tests.rehearsal.clients import assistant, output_items, outputs, results, said

LONG = "A sentence that is longer than one delta of the stream. " * 10
TWO_CALLS = turn(
    "planner",
    "*",
    ReplySpec(
        text="I read {request_id}", thinking="Which?", tool_calls=(read("a.py"), read("b.py"))
    ),
    ReplySpec(text=LONG, thinking="Enough."),
)


def test_anthropic_streams_text_thinking_and_several_tool_calls(start) -> None:
    _, claude, _ = start(TWO_CALLS)
    message = claude.ask([said()])
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert message.content[1].text == "I read ISS-1.1"
    assert message.content[2].input == {"path": "a.py", "start_line": None}
    assert message.content[2].id != message.content[3].id
    assert message.stop_reason == "tool_use"


def test_anthropic_takes_its_own_thinking_back(start) -> None:
    _, claude, _ = start(TWO_CALLS)
    first = claude.ask([said()])
    second = claude.ask([said(), assistant(first), results(first)])
    assert second.content[-1].text == LONG
    assert second.stop_reason == "end_turn"


def test_anthropic_answers_without_a_stream_likewise(start) -> None:
    _, claude, _ = start(TWO_CALLS)
    streamed = claude.ask([said()])
    whole = claude.client.messages.create(**claude.body([said()]))
    assert [block.to_dict() for block in whole.content] == [b.to_dict() for b in streamed.content]
    assert whole.stop_reason == streamed.stop_reason


def test_thinking_can_be_omitted_and_still_be_taken_back(start) -> None:
    _, claude, _ = start(TWO_CALLS)
    omitted = {"type": "adaptive", "display": "omitted"}
    first = claude.ask([said()], thinking=omitted)
    assert first.content[0].thinking == ""
    claude.ask([said(), assistant(first), results(first)], thinking=omitted)


def test_openai_streams_text_reasoning_and_several_tool_calls(start) -> None:
    _, _, gpt = start(TWO_CALLS)
    response = gpt.ask([said()])
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    assert response.output_text == "I read ISS-1.1"
    assert json.loads(response.output[2].arguments) == {"path": "a.py", "start_line": None}
    assert response.output[0].encrypted_content
    assert response.status == "completed"


def test_openai_takes_its_own_reasoning_back(start) -> None:
    _, _, gpt = start(TWO_CALLS)
    first = gpt.ask([said()])
    second = gpt.ask([said(), *output_items(first), *outputs(first)])
    assert second.output_text == LONG


def test_openai_answers_without_a_stream_likewise(start) -> None:
    _, _, gpt = start(TWO_CALLS)
    streamed = gpt.ask([said()])
    whole = gpt.client.responses.create(**gpt.body([said()]))
    assert output_items(whole) == output_items(streamed)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("natural", "end_turn"),
        ("truncated", "max_tokens"),
        ("refusal", "refusal"),
        ("pause", "pause_turn"),
        ("context", "model_context_window_exceeded"),
        ("unknown", "stop_reason_of_tomorrow"),
    ],
)
def test_anthropic_stops_for_every_reason(start, stop, reason) -> None:
    _, claude, _ = start(turn("planner", "*", ReplySpec(text="so", stop=stop)))
    assert claude.ask([said()]).stop_reason == reason


def test_a_paused_answer_may_be_sent_back_as_it_is(start) -> None:
    _, claude, _ = start(turn("planner", "*", ReplySpec(text="so", stop="pause"), read("a.py")))
    paused = claude.ask([said()])
    assert claude.ask([said(), assistant(paused)]).stop_reason == "tool_use"


@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [
        ("natural", "completed", None),
        ("truncated", "incomplete", "max_output_tokens"),
        ("unknown", "incomplete", "reason_of_tomorrow"),
    ],
)
def test_openai_stops_for_every_reason(start, stop, status, reason) -> None:
    _, _, gpt = start(turn("planner", "*", ReplySpec(text="so", stop=stop)))
    last = gpt.raw([said()])[-1]
    assert last.type == f"response.{status}"
    assert last.response.status == status
    assert getattr(last.response.incomplete_details, "reason", None) == reason


def test_openai_refuses_in_words_of_its_own(start) -> None:
    _, _, gpt = start(turn("planner", "*", ReplySpec(text="no", stop="refusal")))
    assert gpt.ask([said()]).output[0].content[0].refusal == "no"


def test_a_truncated_tool_call_is_half_a_call(start) -> None:
    script = turn("planner", "*", ReplySpec(tool_calls=(read("a.py"),), stop="truncated"))
    _, claude, gpt = start(script)
    assert claude.ask([said()]).stop_reason == "max_tokens"
    call = gpt.raw([said()])[-1].response.output[0]
    assert call.status == "incomplete"
    with pytest.raises(json.JSONDecodeError):
        json.loads(call.arguments)


def test_malformed_arguments_arrive_malformed(start) -> None:
    broken = CallSpec(name="read_file", raw_arguments='{"path": ')
    _, _, gpt = start(turn("planner", "*", ReplySpec(tool_calls=(broken,))))
    assert gpt.raw([said()])[-1].response.output[0].arguments == '{"path": '


def test_the_same_request_has_the_same_answer(start) -> None:
    _, claude, gpt = start(TWO_CALLS)
    assert claude.ask([said()]).content == claude.ask([said()]).content
    assert gpt.ask([said()]).output == gpt.ask([said()]).output


def test_requests_are_kept_without_keys_and_logged(start, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    server, claude, gpt = start(TWO_CALLS, log=log)
    claude.ask([said()])
    gpt.ask([said()])
    paths = [request.path for request in server.requests]
    assert paths == ["/v1/messages", "/v1/responses"]
    assert [request.request_id for request in server.requests] == ["ISS-1.1", "ISS-1.1"]
    assert "rehearsal" not in str([request.headers for request in server.requests])
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["path"] for line in lines] == paths
    assert lines[0]["reply"]["stop_reason"] == "tool_use"


def test_the_head_and_the_ledger_of_a_request_are_told_apart(start) -> None:
    server, claude, gpt = start(Script.from_function(lambda view: ReplySpec(text="so")))
    head = {"type": "text", "text": "head", "cache_control": {"type": "ephemeral"}}
    for digests in (["one"], ["one", "two"]):
        system = [head, *({"type": "text", "text": d} for d in digests)]
        claude.ask([said()], system=system)
        mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
        items = [
            {"role": "developer", "content": [{"type": "input_text", "text": "head", **mark}]},
            *({"role": "user", "content": [{"type": "input_text", "text": d}]} for d in digests),
        ]
        gpt.ask([*items, said()], instructions=None)
    for vendor in ("anthropic", "openai"):
        mine = [request for request in server.requests if request.vendor == vendor]
        assert len({request.head_sha256 for request in mine}) == 1
        assert [request.ledger for request in mine] == [("one",), ("one", "two")]


def test_every_stop_has_a_word_on_both_wires() -> None:
    assert set(STOP_REASONS) == set(INCOMPLETE) == set(get_args(Stop))


def test_anthropic_is_said_to_stop_for_reasons_that_its_sdk_knows() -> None:
    known = set(get_args(StopReason))
    assert set(STOP_REASONS.values()) - known == {STOP_REASONS["unknown"]}


def test_every_fault_is_a_behaviour_or_an_answer_that_is_spoiled() -> None:
    spoiled = {"status", "malformed", "truncated", "refusal", "unknown"}
    spoiled |= {"context", "empty", "error", "event"}
    assert set(BEHAVIOURS) - {"plain"} == set(get_args(FaultKind)) - spoiled
