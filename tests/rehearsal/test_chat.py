"""The stand-in's Chat Completions through the real SDK, and what it refuses."""

from collections.abc import Iterator

import openai
import pytest

from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.scripting import read, turn
from pipeline.rehearsal.server import StandIn
from tests.rehearsal.clients import PATH_SCHEMA, post

SCRIPT = turn(
    "planner",
    "*",
    ReplySpec(thinking="one", text="I look.", tool_calls=(read("a.py"), read("b.py"))),
    ReplySpec(text="done"),
)
ASKED = {"role": "user", "content": "request_id: ISS-1.1\nplan it"}
SYSTEM = {"role": "system", "content": "You plan."}
FUNCTION = {"name": "submit_solution", "description": "it", "parameters": PATH_SCHEMA}
TOOLS = [{"type": "function", "function": FUNCTION}]


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn(SCRIPT) as server:
        yield server


@pytest.fixture
def client(server: StandIn) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="rehearsal", max_retries=0) as client:
        yield client


def body(*messages: dict, **changes: object) -> dict:
    whole = {"model": "m", "messages": [SYSTEM, ASKED, *messages], "tools": TOOLS}
    return whole | changes


def answer(key: str) -> dict:
    return {"role": "tool", "tool_call_id": key, "content": "fine"}


def called(*keys: str, arguments: str = "{}") -> dict:
    function = {"name": "read_file", "arguments": arguments}
    calls = [{"id": key, "type": "function", "function": function} for key in keys]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def test_a_document_and_a_stream_say_the_same(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(**body())
    message = whole.choices[0].message
    with client.chat.completions.stream(**body(), stream_options={"include_usage": True}) as stream:
        streamed = stream.get_final_completion()
    again = streamed.choices[0].message
    assert whole.choices[0].finish_reason == streamed.choices[0].finish_reason == "tool_calls"
    assert message.content == again.content == "I look."
    assert [call.id for call in message.tool_calls] == [call.id for call in again.tool_calls]
    assert [call.function.arguments for call in message.tool_calls] == [
        '{"path": "a.py"}',
        '{"path": "b.py"}',
    ]
    assert whole.usage.prompt_tokens == streamed.usage.prompt_tokens > 0


def test_a_turn_goes_on_with_the_results_and_the_reasoning(client: openai.OpenAI) -> None:
    message = client.chat.completions.create(**body()).choices[0].message
    sent = message.model_dump(exclude_unset=True)
    assert sent["reasoning_content"] == "one"
    results = [answer(call.id) for call in message.tool_calls]
    done = client.chat.completions.create(**body(sent, *results)).choices[0]
    assert (done.message.content, done.finish_reason) == ("done", "stop")


STRICT = {**FUNCTION, "strict": True, "parameters": {"type": "object", "properties": {}}}
REFUSED: list[tuple[dict, str]] = [
    (body(model=""), "you must provide a model parameter"),
    (body(messages=[]), "is too short - 'messages'"),
    (body(temprature=1), "temprature: Extra inputs are not permitted"),
    (body({"role": "robot", "content": "x"}), "does not match any of the expected tags"),
    (body(max_tokens=5, max_completion_tokens=5), "at the same time"),
    (body(max_tokens=0), "Invalid 'max_tokens'"),
    (body(stream_options={"include_usage": True}), "only allowed when 'stream'"),
    (body(tools=[*TOOLS, *TOOLS]), "Tool names must be unique"),
    (body(tools=[{"type": "function", "function": STRICT}]), "additionalProperties"),
    (body(called("c1")), "did not have response messages: c1"),
    (body(called("c1", "c2"), answer("c1"), ASKED), "did not have response messages: c2"),
    (body(answer("c1")), "must be a response to a preceding message"),
    (body(called("c1"), answer("c1"), answer("c1")), "must be a response to a preceding message"),
    (body(called("c1", "c1"), answer("c1")), "Duplicate value for 'tool_call_id'"),
    (body(called("c1"), answer("c1"), called("c1"), answer("c1")), "Duplicate value"),
    (body(called("c1", arguments='{"a'), answer("c1")), "arguments are not a JSON object"),
    (body({"role": "assistant", "content": "I say"}), "may not be the assistant's"),
    (body({"role": "assistant", "content": ""}, ASKED), "empty content"),
    (body(SYSTEM, ASKED), "system messages must come first"),
]


@pytest.mark.parametrize(("sent", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_the_api_refuses_is_refused(server: StandIn, sent: dict, words: str) -> None:
    response = post(server, "/v1/chat/completions", sent)
    assert (response.status_code, response.json()["error"]["type"]) == (
        400,
        "invalid_request_error",
    )
    assert words in response.json()["error"]["message"]


def test_a_patch_call_wants_an_output_of_its_own_kind(server: StandIn) -> None:
    operation = {"type": "delete_file", "path": "a.py"}
    call = {
        "type": "apply_patch_call",
        "call_id": "c1",
        "status": "completed",
        "operation": operation,
    }
    wrong = {"type": "function_call_output", "call_id": "c1", "output": "fine"}
    right = {"type": "apply_patch_call_output", "call_id": "c1", "status": "completed"}
    said = {"type": "message", "role": "user", "content": "request_id: ISS-1.1"}
    whole = {"model": "gpt-6.1-sol", "tools": [{"type": "apply_patch"}]}
    for items, words in (
        ([said, call], "No tool output found for apply patch call c1"),
        ([said, call, wrong], "No tool call found for function call output"),
        ([said, {**call, "operation": {"type": "rename"}}, right], "operation"),
    ):
        response = post(server, "/v1/responses", {**whole, "input": items})
        assert response.status_code == 400, items
        assert words in response.json()["error"]["message"]
    assert post(server, "/v1/responses", {**whole, "input": [said, call, right]}).status_code == 200
