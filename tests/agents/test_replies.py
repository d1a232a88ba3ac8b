"""What each API may answer, through the real SDKs: three adapters and the stand-in."""

import json
from dataclasses import dataclass
from itertools import pairwise

import pytest

from pipeline.agents.messages import NextStep, Results, Said, ToolResult
from pipeline.agents.roles import BY_PATCH
from pipeline.rehearsal.script import CallSpec, ReplySpec
from pipeline.rehearsal.scripting import read, run_command, turn, write
from pipeline.rehearsal.server import StandIn
from pipeline.settings import Provider
from tests.agents.providers.asking import SUFFIX, adapter, ask, head_of, went_on

OPENED = Said("request_id: ISS-1.1\n\nDo it.")
BROKEN = '{"path": "src/'


@dataclass(frozen=True)
class Case:
    """A reply, and what has to come of it."""

    reply: ReplySpec
    step: NextStep
    text: str = ""
    calls: tuple[str, ...] = ()


CASES = {
    "text": Case(ReplySpec(text="I look."), NextStep.STOP, "I look."),
    "one tool call": Case(
        ReplySpec(text="I look.", tool_calls=(read("a.py"),)),
        NextStep.RUN_TOOLS,
        "I look.",
        ("read_file",),
    ),
    "several tool calls": Case(
        ReplySpec(thinking="Both.", tool_calls=(read("a.py"), run_command("ls"), read("b.py"))),
        NextStep.RUN_TOOLS,
        calls=("read_file", "run_command", "read_file"),
    ),
    "truncated": Case(
        ReplySpec(text="I begin.", tool_calls=(write("a.py", "x" * 500),), stop="truncated"),
        NextStep.TRUNCATED,
        "I begin.",
    ),
    "refusal": Case(
        ReplySpec(text="I will not do that.", stop="refusal"),
        NextStep.REFUSED,
        "I will not do that.",
    ),
    "malformed arguments": Case(
        ReplySpec(tool_calls=(CallSpec(name="read_file", raw_arguments=BROKEN),)),
        NextStep.RUN_TOOLS,
        calls=("read_file",),
    ),
    "unknown stop reason": Case(
        ReplySpec(text="I look.", tool_calls=(read("a.py"),), stop="unknown"),
        NextStep.STOP,
        "I look.",
    ),
}


@pytest.mark.parametrize("vendor", SUFFIX)
@pytest.mark.parametrize("name", CASES)
def test_a_reply_means_the_same_at_every_api_and_the_turn_goes_on(
    vendor: Provider, name: str
) -> None:
    case = CASES[name]
    script = turn("executor", "*", case.reply, ReplySpec(text="Done."))
    with StandIn(script) as server, adapter(vendor, server.url) as provider:
        reply = ask(provider, OPENED)
        again = ask(provider, OPENED, reply, went_on(reply))

    assert (reply.next_step, reply.text) == (case.step, case.text)
    assert tuple(call.name for call in reply.tool_calls) == case.calls
    assert (again.next_step, again.text) == (NextStep.STOP, "Done.")
    assert [request.status for request in server.requests] == [200, 200]
    assert reply.usage.calls == 1
    assert reply.usage.input_tokens + reply.usage.cache_write_tokens > 0
    assert reply.usage.output_tokens > 0
    assert (reply.usage.usd is None) is (vendor == "openai-chat")


@pytest.mark.parametrize("vendor", SUFFIX)
def test_malformed_arguments_reach_the_toolbox_as_they_are(vendor: Provider) -> None:
    script = turn("executor", "*", CASES["malformed arguments"].reply)
    with StandIn(script) as server, adapter(vendor, server.url) as provider:
        (call,) = ask(provider, OPENED).tool_calls

    assert call.arguments == BROKEN


@pytest.mark.parametrize("vendor", SUFFIX)
def test_an_argument_that_may_be_null_is_never_missing(vendor: Provider) -> None:
    given = CallSpec(name="read_file", raw_arguments='{"path": "a.py"}')
    with (
        StandIn(turn("executor", "*", given)) as server,
        adapter(vendor, server.url) as provider,
    ):
        (call,) = ask(provider, OPENED).tool_calls

    whole = {"path": "a.py", "start_line": None, "end_line": None}
    assert json.loads(call.arguments) == (whole if vendor == "openai-chat" else {"path": "a.py"})


def test_the_native_patch_tool_is_called_and_answered_in_its_own_items() -> None:
    moves = [write("a.py", "x = 1\n"), read("a.py")], ReplySpec(text="Done.")
    head = head_of(*BY_PATCH)
    with (
        StandIn(turn("executor", "*", *moves)) as server,
        adapter("openai", server.url) as provider,
    ):
        reply = ask(provider, OPENED, head=head)
        patch, look = reply.tool_calls
        results = Results((ToolResult(patch.id, "no", is_error=True), ToolResult(look.id, "x = 1")))
        again = ask(provider, OPENED, reply, results, head=head)

    assert {"type": "apply_patch"} in server.requests[0].body["tools"]
    operation = {"type": "create_file", "path": "a.py", "diff": "+x = 1\n"}
    assert (patch.name, json.loads(patch.arguments)) == ("apply_patch", operation)
    assert again.text == "Done."
    call, _, output, _ = server.requests[1].body["input"][-4:]
    assert call["type"] == "apply_patch_call"
    assert output == {
        "type": "apply_patch_call_output",
        "call_id": patch.id,
        "status": "failed",
        "output": "no",
    }


def test_a_head_stays_the_same_bytes_and_is_read_from_the_cache() -> None:
    moves = [ReplySpec(tool_calls=(read(f"{n}.py"),)) for n in range(3)]
    with (
        StandIn(turn("executor", "*", *moves)) as server,
        adapter("openai-chat", server.url) as provider,
    ):
        items = [OPENED]
        for _ in moves:
            reply = ask(provider, *items)
            items += [reply, went_on(reply)]

    assert len({request.head_sha256 for request in server.requests}) == 1
    assert {request.ledger for request in server.requests} == {("a digest",)}
    bodies = [request.body["messages"] for request in server.requests]
    assert all(later[: len(early)] == early for early, later in pairwise(bodies))
    read_again = [r.usage["prompt_tokens_details"]["cached_tokens"] for r in server.requests]
    assert read_again[0] == 0 < read_again[1] < read_again[2]
