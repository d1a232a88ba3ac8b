"""Places in an answer at which something can go wrong.

    headers | first | thinking | text | arguments | between | end
            ^ after the first event              ^ before the second tool call
    ^ before the first event                               all is said, the ending is not ^

A stream is a list of events; a moment is how many of them are sent before the trouble.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import JsonValue

from pipeline.rehearsal.script import CallSpec, ReplySpec, arguments_json
from pipeline.rehearsal.wire import Json, objects

Moment = Literal["headers", "first", "thinking", "text", "arguments", "between", "end"]
Part = Literal["thinking", "text", "arguments", "call", "end"]
"""What an event adds to an answer: a piece of it, a new tool call, or the ending."""

Event = tuple[str, Json]


def events_before(vendor: str, events: Sequence[Event], moment: Moment) -> int:
    """Return how many of `events` are sent before `moment`; raises ValueError where it never is."""
    if moment in ("headers", "first"):
        return ("headers", "first").index(moment)
    parts: list[str | None] = [PART_OF[vendor](name, data) for name, data in events]
    if moment == "end":
        return parts.index("end")
    if moment == "between":
        return parts.index("call", parts.index("call") + 1)
    return parts.index(moment) + 1


def _messages(name: str, data: Json) -> Part | None:
    if name == "message_delta":
        return "end"
    if name == "content_block_start" and _field(data, "content_block", "type") == "tool_use":
        return "call"
    deltas: dict[JsonValue, Part] = {
        "thinking_delta": "thinking",
        "text_delta": "text",
        "input_json_delta": "arguments",
    }
    return deltas.get(_field(data, "delta", "type"))


def _responses(name: str, data: Json) -> Part | None:
    if name in ("response.completed", "response.incomplete"):
        return "end"
    added = name == "response.output_item.added"
    if added and _field(data, "item", "type") in ("function_call", "apply_patch_call"):
        return "call"
    deltas: dict[str, Part] = {
        "response.reasoning_summary_text.delta": "thinking",
        "response.output_text.delta": "text",
        "response.function_call_arguments.delta": "arguments",
    }
    return deltas.get(name)


def _chat(name: str, data: Json) -> Part | None:
    for choice in objects(data.get("choices")):
        delta = choice.get("delta")
        if choice.get("finish_reason"):
            return "end"
        if not isinstance(delta, dict):
            continue
        if calls := objects(delta.get("tool_calls")):
            return "call" if "id" in calls[0] else "arguments"
        if delta.get("reasoning_content"):
            return "thinking"
        if delta.get("content"):
            return "text"
    return None


PART_OF: dict[str, Callable[[str, Json], Part | None]] = {
    "anthropic": _messages,
    "openai": _responses,
    "openai-chat": _chat,
}
"""Vendor -> what each event of its streams adds."""


def _field(data: Json, *path: str) -> JsonValue:
    value: JsonValue = data
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def said_until(reply: ReplySpec, moment: Moment) -> ReplySpec:
    """Return what a model has said by `moment` when it stops there."""
    calls = reply.tool_calls
    kept: dict[Moment, tuple[str, str, tuple[CallSpec, ...]]] = {
        "headers": ("", "", ()),
        "first": ("", "", ()),
        "thinking": (reply.thinking, "", ()),
        "text": (reply.thinking, reply.text, ()),
        "arguments": (reply.thinking, reply.text, tuple(map(_half, calls[:1]))),
        "between": (reply.thinking, reply.text, calls[:1]),
        "end": (reply.thinking, reply.text, calls),
    }
    thinking, text, tool_calls = kept[moment]
    return reply.model_copy(update={"thinking": thinking, "text": text, "tool_calls": tool_calls})


def _half(call: CallSpec) -> CallSpec:
    given = arguments_json(call)
    return call.model_copy(update={"raw_arguments": given[: len(given) // 2]})
