"""Chat Completions as its many servers speak it: repaired where one reading is possible."""

import json
from contextlib import closing

import pytest

from pipeline.agents.messages import NextStep, Reply, Results, Said, ToolResult
from pipeline.agents.providers.adapter import Manner
from pipeline.agents.providers.calling import Access
from pipeline.agents.providers.chat_completions import ChatCompletions
from pipeline.agents.providers.chat_repair import calls_in_text, mended, sendable
from pipeline.agents.tools.specs import KINDS
from pipeline.errors import BadRequest, ContextOverflow, NetworkProblem, Overloaded, PipelineError
from tests.agents.providers.policy import one_try
from tests.agents.providers.vendor import Answer, limits, model_request, refuses, streams, vendor

TOOLS = tuple(kind.spec for kind in KINDS.values())
READ = {"path": "a.py", "start_line": None, "end_line": None}


def chunk(finish: str | None = None, **delta: object) -> dict:
    return {"type": "", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def called(name: str, arguments: object, *, index: object = 0, key: str | None = "c1") -> dict:
    function = {"name": name, "arguments": arguments}
    return chunk(tool_calls=[{"index": index, "id": key, "function": function}])


def answers(*answers: Answer, turn: tuple = ()) -> tuple[list[Reply], list[dict]]:
    """Ask for each answer; return the replies and the requests."""
    with vendor(*answers) as server:
        provider = ChatCompletions("m", Access("k", f"{server.url}/v1"), Manner(policy=one_try()))
        with closing(provider):
            replies = [provider.complete(model_request(*turn), limits()) for _ in answers]
    return replies, server.requests


def reply_to(*chunks: dict) -> Reply:
    return answers(streams(list(chunks)))[0][0]


@pytest.mark.parametrize(
    "given",
    [
        '{"path": "a.py", "start_line": null, "end_line": null}',
        '{"path": "a.py"}',
        '```json\n{"path": "a.py"}\n```',
        '```\n{"path": "a.py"}```',
        '"{\\"path\\": \\"a.py\\"}"',
        '  {"path": "a.py", "start_line": "null"}\n',
    ],
)
def test_arguments_with_one_reading_are_repaired(given: str) -> None:
    assert json.loads(mended(given, "read_file", TOOLS)) == READ


@pytest.mark.parametrize("given", ['{"path": "src/', "a.py", "[1]", '"x"', "{'path': 'a.py'}", "7"])
def test_arguments_with_no_clear_reading_stay_as_they_are(given: str) -> None:
    assert mended(given, "read_file", TOOLS) == given
    assert sendable(given) == "{}"


def test_values_are_brought_to_the_types_of_the_schema_and_no_further() -> None:
    given = {"path": "7", "start_line": "7", "end_line": "seven"}
    assert json.loads(mended(json.dumps(given), "read_file", TOOLS)) == {
        "path": "7",
        "start_line": 7,
        "end_line": "seven",
    }
    edit = {"path": "a", "old_string": "1", "new_string": "true", "replace_all": "True"}
    assert json.loads(mended(json.dumps(edit), "edit_file", TOOLS)) == edit | {"replace_all": True}
    plan = {"tasks": '[{"id": "T1", "steps": [{"timeout_s": "300"}]}]', "extra": 1}
    task = {"id": "T1", "steps": [{"timeout_s": 300, "content": None, "command": None}]}
    assert json.loads(mended(json.dumps(plan), "submit_solution", TOOLS)) == {
        "tasks": [task],
        "extra": 1,
        "minutes": None,
        "risk": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "read_file", "arguments": {"path": "a.py"}}',
        '```json\n{"name": "read_file", "parameters": {"path": "a.py"}}\n```',
        '<think>\nHm {"a": 1}.\n</think>\n{"tool": "read_file", "arguments": {"path": "a.py"}}',
        '<tool_call>\n{"name": "read_file", "arguments": {"path": "a.py"}}\n</tool_call>',
        '{"function": {"name": "read_file", "arguments": "{\\"path\\": \\"a.py\\"}"}}',
        '{"tool_calls": [{"function": {"name": "read_file", "arguments": {"path": "a.py"}}}]}',
        '[{"name": "read_file", "arguments": {"path": "a.py"}}]',
    ],
)
def test_a_call_that_was_written_as_text_is_made(text: str) -> None:
    ((name, arguments),) = calls_in_text(text, TOOLS)
    assert (name, json.loads(arguments)) == ("read_file", READ)
    reply = reply_to(chunk(content=text[:9]), chunk(content=text[9:]), chunk("stop"))
    assert reply.next_step is NextStep.STOP  # `read_file` is not offered there


@pytest.mark.parametrize(
    "text",
    [
        'I would call {"name": "read_file", "arguments": {"path": "a.py"}}',
        '{"name": "rm_rf", "arguments": {}}',
        '{"name": "read_file"}',
        '{"path": "a.py"}',
        '<tool_call>{"name": "read_file", "arguments": {}}</tool_call> and more',
        "[]",
        '[{"name": "read_file", "arguments": {"path": "a"}}, 7]',
        "{",
    ],
)
def test_a_text_that_says_anything_else_is_a_text(text: str) -> None:
    assert calls_in_text(text, TOOLS) == []


def test_a_call_in_text_goes_back_as_a_call() -> None:
    reply = reply_to(chunk(content='{"name": "a_tool", "arguments": {}}'), chunk("stop"))
    (call,) = reply.tool_calls
    assert (reply.next_step, reply.text, call.name) == (NextStep.RUN_TOOLS, "", "a_tool")
    function = {"name": "a_tool", "arguments": "{}"}
    assert reply.raw == (
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": call.id, "type": "function", "function": function}],
        },
    )


def test_calls_are_told_apart_whatever_a_server_numbers_them() -> None:
    reply = reply_to(
        called("a_tool", '{"x": '),
        called("", "1}", key=None),
        called("b_tool", "{}", key="c2"),
        called("a_tool", {"y": 1}, index=None, key="c2"),
        called("b_tool", None, index=3, key=None),
        chunk("tool_calls"),
    )
    names = [(call.name, call.arguments) for call in reply.tool_calls]
    assert names == [
        ("a_tool", '{"x": 1}'),
        ("b_tool", "{}"),
        ("a_tool", '{"y": 1}'),
        ("b_tool", "{}"),
    ]
    ids = [call.id for call in reply.tool_calls]
    assert ids[:2] == ["c1", "c2"]
    assert len(set(ids)) == 4


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_goes_back_with_the_calls_it_led_to_and_is_no_text(field: str) -> None:
    thought = [chunk(**{field: "Let me "}), chunk(**{field: "see."})]
    reply = reply_to(*thought, called("a_tool", "{}"), chunk("tool_calls"))
    assert (reply.text, reply.raw[0][field]) == ("", "Let me see.")
    silent = reply_to(*thought, chunk("stop"))
    assert (silent.text, silent.raw, silent.next_step) == ("", (), NextStep.STOP)


@pytest.mark.parametrize(
    ("finish", "step"),
    [
        ("stop", NextStep.RUN_TOOLS),
        ("tool_calls", NextStep.RUN_TOOLS),
        ("length", NextStep.TRUNCATED),
        ("content_filter", NextStep.REFUSED),
        ("eos", NextStep.STOP),
    ],
)
def test_calls_run_only_when_the_answer_ended_by_itself(finish: str, step: NextStep) -> None:
    reply = reply_to(called("a_tool", "{}"), chunk(finish))
    assert reply.next_step is step
    assert bool(reply.tool_calls) is (step is NextStep.RUN_TOOLS)


def test_usage_counts_cached_tokens_once_and_takes_the_servers_own_price() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 7,
        "total_tokens": 107,
        "prompt_tokens_details": {"cached_tokens": 60},
        "cost": 0.25,
    }
    used = reply_to(chunk("stop", content="Hi."), {"type": "", "choices": [], "usage": usage}).usage
    assert (used.input_tokens, used.cache_read_tokens, used.output_tokens) == (40, 60, 7)
    assert used.usd == 0.25
    assert reply_to(chunk("stop", content="Hi.")).usage.usd is None


def test_a_turn_is_laid_out_as_messages() -> None:
    (reply,), _ = answers(streams([called("a_tool", '{"bad'), chunk("tool_calls")]))
    result = Results((ToolResult("c1", "no", is_error=True),))
    turn = (Said("Plan."), reply, result, Said("Finish."))
    _, (body,) = answers(streams([chunk("stop", content="x")]), turn=turn)
    function = {"name": "a_tool", "arguments": "{}"}
    assert body["messages"] == [
        {"role": "system", "content": "You plan.\n\nThe project."},
        {"role": "user", "content": "Plan."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Error: no"},
        {"role": "user", "content": "Finish."},
    ]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refuses(404, {"error": {"message": "no model", "type": "not_found_error"}}), BadRequest),
        (refuses(400, {"error": "no such thing"}), BadRequest),
        (
            refuses(400, {"message": "This model's maximum context length is 8192", "code": 400}),
            ContextOverflow,
        ),
        (refuses(503, {"error": {"message": "loading model", "code": 503}}), Overloaded),
        (streams([{"type": "", "error": {"message": "upstream died", "code": 502}}]), Overloaded),
        (streams([chunk(content="half")]), NetworkProblem),
        (streams([]), NetworkProblem),
    ],
)
def test_errors_are_typed(answer: Answer, kind: type[PipelineError]) -> None:
    with pytest.raises(kind, match=r"^openai-chat: "):
        answers(answer)
