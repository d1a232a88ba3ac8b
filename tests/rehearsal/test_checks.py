"""Each thing that a vendor refuses is refused, in the vendor's form."""

import anthropic
import openai
import pytest

from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.scripting import read, turn
from tests.rehearsal.clients import (
    PATH_SCHEMA,
    anthropic_tools,
    assistant,
    openai_tools,
    output_items,
    outputs,
    post,
    results,
    said,
)

SCRIPT = turn(
    "planner",
    "*",
    ReplySpec(thinking="one", tool_calls=(read("a.py"),)),
    ReplySpec(thinking="two", tool_calls=(read("b.py"),)),
    ReplySpec(thinking="three", text="done"),
)
FIVE_MINUTES = {"type": "ephemeral"}
AN_HOUR = {"type": "ephemeral", "ttl": "1h"}
OPEN_SCHEMA = {**PATH_SCHEMA, "additionalProperties": True}
OPTIONAL_SCHEMA = {**PATH_SCHEMA, "required": ["path"]}
SIZED_SCHEMA = {
    **OPTIONAL_SCHEMA,
    "properties": {"path": {"type": "string", "maxLength": 9}},
}


def text(words: str, **more: object) -> dict:
    return {"type": "text", "text": words, **more}


def use(key: str) -> dict:
    return {"type": "tool_use", "id": key, "name": "read_file", "input": {}}


def result(key: str) -> dict:
    return {"type": "tool_result", "tool_use_id": key, "content": "x"}


REFUSED_BY_ANTHROPIC: list[tuple[str, dict, str]] = [
    ("an unknown field", {"colour": "red"}, "colour: Extra inputs"),
    ("an unknown field of a block", {"system": [text("a", bold=True)]}, "system.0.bold"),
    ("a wrong type", {"max_tokens": "many"}, "max_tokens: Input should be a valid int"),
    ("no max_tokens", {"max_tokens": None}, "max_tokens: Field required"),
    ("no messages", {"messages": []}, "at least one message"),
    ("an assistant first", {"messages": [{"role": "assistant", "content": "a"}]}, "first message"),
    ("two users in a row", {"messages": [said(), said()]}, "roles must alternate"),
    ("an empty text", {"messages": [{"role": "user", "content": ""}]}, "non-empty"),
    (
        "a prefilled answer",
        {"messages": [said(), {"role": "assistant", "content": "So"}]},
        "prefill",
    ),
    (
        "a call without a result",
        {"messages": [said(), {"role": "assistant", "content": [use("t1")]}, said()]},
        "without `tool_result`",
    ),
    (
        "a result without a call",
        {"messages": [{"role": "user", "content": [result("t9")]}]},
        "unexpected `tool_use_id`",
    ),
    (
        "text before a result",
        {
            "messages": [
                said(),
                {"role": "assistant", "content": [use("t1")]},
                {"role": "user", "content": [text("so"), result("t1")]},
            ]
        },
        "must come first",
    ),
    (
        "five marks",
        {"system": [text(str(n), cache_control=FIVE_MINUTES) for n in range(5)]},
        "maximum of 4 blocks",
    ),
    (
        "an hour's mark after a short one",
        {"system": [text("a", cache_control=FIVE_MINUTES), text("b", cache_control=AN_HOUR)]},
        "must not come after",
    ),
    ("an open schema", {"tools": anthropic_tools(OPEN_SCHEMA)}, "additionalProperties"),
    ("an optional field", {"tools": anthropic_tools(OPTIONAL_SCHEMA)}, "start_line"),
    ("a size in a strict schema", {"tools": anthropic_tools(SIZED_SCHEMA)}, "maxLength"),
    ("one name twice", {"tools": anthropic_tools()[:1] * 2}, "unique"),
    ("thinking and a forced tool", {"tool_choice": {"type": "any"}}, "forces tool use"),
    (
        "a budget above max_tokens",
        {"thinking": {"type": "enabled", "budget_tokens": 9000}},
        "budget_tokens",
    ),
]


@pytest.mark.parametrize(
    ("changes", "message"),
    [(changes, message) for _, changes, message in REFUSED_BY_ANTHROPIC],
    ids=[name for name, _, _ in REFUSED_BY_ANTHROPIC],
)
def test_anthropic_refuses(start, changes, message) -> None:
    server, claude, _ = start(SCRIPT)
    body = {**claude.body([said()]), **changes}
    answer = post(server, "/v1/messages", {k: v for k, v in body.items() if v is not None})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert message in answer.json()["error"]["message"]


def call_item(key: str) -> dict:
    return {"type": "function_call", "call_id": key, "name": "read_file", "arguments": "{}"}


def output_item(key: str) -> dict:
    return {"type": "function_call_output", "call_id": key, "output": "x"}


REFUSED_BY_OPENAI: list[tuple[str, dict, str]] = [
    ("an unknown field", {"max_tokens": 5}, "max_tokens: Extra inputs"),
    (
        "an unknown field of an item",
        {"input": [{**said(), "name": "me"}]},
        "input.0.name: Extra inputs",
    ),
    ("a wrong type", {"store": "no"}, "store: Input should be a valid bool"),
    ("no input", {"input": []}, "Missing required parameter: 'input'"),
    ("a long cache key", {"prompt_cache_key": "k" * 65}, "string too long"),
    ("few output tokens", {"max_output_tokens": 1}, "integer below minimum"),
    ("a response that is not stored", {"previous_response_id": "resp_1"}, "not found"),
    ("a call without an output", {"input": [said(), call_item("c1")]}, "No tool output found"),
    (
        "an output after the user's next words",
        {"input": [said(), call_item("c1"), said(), output_item("c1")]},
        "No tool output found",
    ),
    ("an output without a call", {"input": [said(), output_item("c9")]}, "No tool call found"),
    ("an open schema", {"tools": openai_tools(OPEN_SCHEMA)}, "additionalProperties"),
    ("an optional field", {"tools": openai_tools(OPTIONAL_SCHEMA)}, "start_line"),
    ("a size in a strict schema", {"tools": openai_tools(SIZED_SCHEMA)}, "maxLength"),
    ("one name twice", {"tools": openai_tools()[:1] * 2}, "unique"),
]


@pytest.mark.parametrize(
    ("changes", "message"),
    [(changes, message) for _, changes, message in REFUSED_BY_OPENAI],
    ids=[name for name, _, _ in REFUSED_BY_OPENAI],
)
def test_openai_refuses(start, changes, message) -> None:
    server, _, gpt = start(SCRIPT)
    answer = post(server, "/v1/responses", {**gpt.body([said()]), **changes})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert message in answer.json()["error"]["message"]


def test_a_request_without_a_key_is_refused(start) -> None:
    server, claude, gpt = start(SCRIPT)
    keyless = {"x-api-key": "", "authorization": ""}
    assert post(server, "/v1/messages", claude.body([said()]), **keyless).status_code == 401
    assert post(server, "/v1/responses", gpt.body([said()]), **keyless).status_code == 401
    versionless = post(server, "/v1/messages", claude.body([said()]), **{"anthropic-version": ""})
    assert versionless.status_code == 400


def test_a_body_that_is_not_json_is_refused(start) -> None:
    server, _, _ = start(SCRIPT)
    assert post(server, "/v1/messages", ["a", "list"]).status_code == 400


def test_a_path_that_nobody_serves_is_not_found(start) -> None:
    server, _, _ = start(SCRIPT)
    assert post(server, "/v1/complete", {}).status_code == 404


def conversation(claude, calls: int) -> list[dict]:
    """Return a conversation of `calls` answers, each with its thinking."""
    messages = [said()]
    for _ in range(calls):
        message = claude.ask(messages)
        messages += [assistant(message), results(message)]
    return messages


@pytest.mark.parametrize(
    "changes",
    [
        {"system": "You plan badly."},
        {"tools": anthropic_tools()[::-1]},
        {"messages.0": said("plan something else")},
    ],
    ids=["system", "tools", "an earlier message"],
)
def test_thinking_is_bound_to_its_conversation(start, changes) -> None:
    _, claude, _ = start(SCRIPT)
    messages = conversation(claude, 2)
    messages[0] = changes.pop("messages.0", messages[0])
    with pytest.raises(anthropic.BadRequestError, match="bound to a different conversation"):
        claude.ask(messages, **changes)


def test_thinking_that_was_written_by_somebody_else_is_refused(start) -> None:
    _, claude, _ = start(SCRIPT)
    messages = conversation(claude, 1)
    messages[1]["content"][0]["signature"] = "made up"
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        claude.ask(messages)


def test_a_mark_that_moves_does_not_change_the_conversation(start) -> None:
    _, claude, _ = start(SCRIPT)
    messages = conversation(claude, 2)
    messages[-1]["content"][0]["cache_control"] = FIVE_MINUTES
    assert claude.ask(messages).content[-1].text == "done"


def test_thinking_may_be_dropped_from_the_start_and_not_from_the_middle(start) -> None:
    _, claude, _ = start(SCRIPT)
    messages = conversation(claude, 2)
    third = claude.ask(messages)
    messages += [assistant(third), said("go on", "ISS-2.1")]
    del messages[1]["content"][0]
    claude.ask(messages)
    messages = conversation(claude, 2)
    messages += [assistant(third), said("go on", "ISS-2.1")]
    del messages[3]["content"][0]
    with pytest.raises(anthropic.BadRequestError, match="bound to a different conversation"):
        claude.ask(messages)


def test_a_tail_may_be_dropped_whole(start) -> None:
    _, claude, _ = start(SCRIPT)
    messages = conversation(claude, 2)
    assert claude.ask(messages[:3]).content[0].thinking == "two"


def test_reasoning_is_bound_to_its_conversation(start) -> None:
    _, _, gpt = start(SCRIPT)
    first = gpt.ask([said()])
    with pytest.raises(openai.BadRequestError, match="could not be verified"):
        gpt.ask([said("something else"), *output_items(first), *outputs(first)])


def test_reasoning_without_its_content_is_not_found(start) -> None:
    _, _, gpt = start(SCRIPT)
    first = gpt.ask([said()])
    items = output_items(first)
    items[0]["encrypted_content"] = None
    with pytest.raises(openai.NotFoundError, match="Items are not persisted"):
        gpt.ask([said(), *items, *outputs(first)])


def test_reasoning_needs_what_it_led_to(start) -> None:
    _, _, gpt = start(SCRIPT)
    first = gpt.ask([said()])
    with pytest.raises(openai.BadRequestError, match="required following item"):
        gpt.ask([said(), output_items(first)[0]])


def test_what_the_sdk_adds_to_an_answer_is_not_taken_back(start) -> None:
    _, _, gpt = start(SCRIPT)
    first = gpt.ask([said()])
    as_they_are = [item.model_dump(exclude_unset=True) for item in first.output]
    with pytest.raises(openai.BadRequestError, match="parsed_arguments: Extra inputs"):
        gpt.ask([said(), *as_they_are, *outputs(first)])


def test_a_refused_request_is_kept_too(start) -> None:
    server, _, _ = start(SCRIPT)
    post(server, "/v1/messages", {"model": "m"})
    assert [request.status for request in server.requests] == [400]
