"""What Chat Completions refuses, in the words that it uses.

Sources: the SDK's types of a request, and the vendor's pages on function calling. What other
servers add to an assistant's message, and take back in it, is taken here too.
"""

from collections.abc import Callable, Mapping

from pipeline.rehearsal import checks
from pipeline.rehearsal.checks import Refused
from pipeline.rehearsal.wire import Json, objects

REASONING = ("reasoning_content", "reasoning", "reasoning_details")
"""Fields of other servers that come back as they were sent."""


def check(body: Json, headers: Mapping[str, str]) -> None:
    """Raise `Refused` for the first thing that the vendor would not take."""
    from openai.types.chat.completion_create_params import CompletionCreateParamsBase

    if not headers.get("authorization", "").removeprefix("Bearer").strip():
        raise Refused("You didn't provide an API key.", 401, code="invalid_api_key")
    checks.check_shape(_plain(body), CompletionCreateParamsBase)
    for rule in RULES:
        rule(body)


def _plain(body: Json) -> Json:
    """Return the body without the reasoning of other servers."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    kept = [
        {name: value for name, value in message.items() if name not in REASONING}
        if isinstance(message, dict) and message.get("role") == "assistant"
        else message
        for message in messages
    ]
    return {**body, "messages": list(kept)}


def _settings(body: Json) -> None:
    if not body.get("model"):
        raise Refused("you must provide a model parameter")
    if not body.get("messages"):
        raise Refused("[] is too short - 'messages'", param="messages")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Refused("Setting 'max_tokens' and 'max_completion_tokens' at the same time")
    for name in ("max_tokens", "max_completion_tokens"):
        most = body.get(name)
        if isinstance(most, int) and most < 1:
            raise Refused(f"Invalid '{name}': integer below minimum value.", param=name)
    if body.get("stream_options") and not body.get("stream"):
        raise Refused("'stream_options' is only allowed when 'stream' is enabled")


def _tools(body: Json) -> None:
    functions = [tool["function"] for tool in objects(body.get("tools")) if "function" in tool]
    found = [function for function in functions if isinstance(function, dict)]
    checks.check_tool_names([str(function["name"]) for function in found])
    for index, function in enumerate(found):
        if function.get("strict"):
            where = f"tools[{index}].function.parameters"
            checks.check_strict_schema(function.get("parameters"), vendor="openai", where=where)


def _roles(body: Json) -> None:
    """The instructions come first, and the last word is not the model's."""
    roles = [str(message["role"]) for message in objects(body["messages"])]
    rest = [role for index, role in enumerate(roles) if index and role in ("system", "developer")]
    if rest:
        raise Refused("messages: system messages must come first")
    if roles[-1] == "assistant":
        raise Refused("messages: the last message may not be the assistant's")


def _content(body: Json) -> None:
    for index, message in enumerate(objects(body["messages"])):
        empty = message.get("content") in (None, "", [])
        if empty and not message.get("tool_calls"):
            raise Refused(f"messages.[{index}].content: empty content", param="messages")
        for call in objects(message.get("tool_calls")):
            function = call["function"]
            assert isinstance(function, dict)
            _check_arguments(str(function["arguments"]), index)


def _check_arguments(text: str, index: int) -> None:
    """Templates of open models write arguments as an object: anything else fails there."""
    if not checks.is_json_object(text):
        raise Refused(f"messages.[{index}].tool_calls: arguments are not a JSON object")


def _tool_results(body: Json) -> None:
    """Every call is answered right after the message that made it, and nothing else is."""
    open_calls: list[str] = []
    seen: set[str] = set()
    for index, message in enumerate(objects(body["messages"])):
        if message["role"] == "tool":
            call = str(message["tool_call_id"])
            if call not in open_calls:
                raise Refused(
                    f"messages.[{index}]: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'.",
                    param="messages",
                )
            open_calls.remove(call)
            continue
        if open_calls:
            raise _unanswered(open_calls)
        open_calls = [str(call["id"]) for call in objects(message.get("tool_calls"))]
        if len(set(open_calls)) != len(open_calls) or seen.intersection(open_calls):
            raise Refused(f"messages.[{index}]: Duplicate value for 'tool_call_id'")
        seen.update(open_calls)
    if open_calls:
        raise _unanswered(open_calls)


def _unanswered(calls: list[str]) -> Refused:
    return Refused(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        + ", ".join(calls),
        param="messages",
    )


RULES: tuple[Callable[[Json], None], ...] = (_settings, _tools, _content, _tool_results, _roles)
"""In the order in which they are looked at; each raises `Refused`."""
