"""A request as the Responses API wants it, and an answer as it comes back.

tools | developer: prompt, context* | user: memory, digest*.., request* | items | results* | ...

* a cache breakpoint: the context, each digest, each request, each call's last result that can
hold one (an `apply_patch` output cannot). A mark
stays where it was set, so a request's items are a prefix of the next one's. The API writes the
latest four and matches the latest 80.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any, cast

from pydantic import JsonValue

from pipeline.agents.messages import (
    ModelRequest,
    NextStep,
    Reply,
    Results,
    Said,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from pipeline.agents.providers.capabilities import capabilities
from pipeline.agents.roles import BY_PATCH
from pipeline.domain.results import Usage

Item = dict[str, JsonValue]

NEXT_STEP: dict[str, NextStep] = {
    "completed": NextStep.STOP,
    "incomplete": NextStep.TRUNCATED,
    "failed": NextStep.STOP,
    "cancelled": NextStep.STOP,
    "queued": NextStep.STOP,
    "in_progress": NextStep.STOP,
}
"""The SDK's `ResponseStatus`; a completed answer with function calls runs them instead."""

INCOMPLETE: dict[str, NextStep] = {
    "max_output_tokens": NextStep.TRUNCATED,
    "content_filter": NextStep.REFUSED,
    "max_messages": NextStep.STOP,
    "steered": NextStep.STOP,
}
"""Why an answer is incomplete; any other reason means stop."""

BREAKPOINT: JsonValue = {"mode": "explicit"}
BREAKPOINTS = 80
PATCH_CALL = "apply_patch_call"
HEADS = ("developer", "system")
CALLS = ("function_call", PATCH_CALL)
"""Items that want an output."""


def request_body(
    request: ModelRequest, model: str, effort: str | None, temperature: float | None = None
) -> dict[str, Any]:
    """Return the arguments of `responses.create`, without `stream`."""
    takes = capabilities("openai", model)
    explicit = takes.cache == "breakpoints"
    body: dict[str, Any] = {
        "model": model,
        "max_output_tokens": request.max_output_tokens,
        "store": False,
        "parallel_tool_calls": True,
        "prompt_cache_key": request.cache_key,
        "tools": [_tool(tool) for tool in sorted(request.head.tools, key=lambda tool: tool.name)],
        "input": _items(request, model, explicit),
    }
    if explicit:
        body["prompt_cache_options"] = {"mode": "explicit"}
    if not request.may_call:
        body["tool_choice"] = "none"
    if takes.thinking == "encrypted":
        body["include"] = ["reasoning.encrypted_content"]
    if effort is not None:
        body["reasoning"] = {"effort": effort}
    if temperature is not None:
        body["temperature"] = temperature
    return body


def compact_body(request: ModelRequest, model: str) -> dict[str, Any]:
    """Return the arguments of `responses.compact`: it takes the input, no tools, and no limits."""
    explicit = capabilities("openai", model).cache == "breakpoints"
    body: dict[str, Any] = {
        "model": model,
        "prompt_cache_key": request.cache_key,
        "input": _items(request, model, explicit),
    }
    return body | {"prompt_cache_options": {"mode": "explicit"}} if explicit else body


def summary_of(compacted: dict[str, Any], usage: Usage) -> Reply:
    """Return what stands for the input: what the user said, and one opaque item.

    The head is left out, since every request begins with it, and so are breakpoints of blocks
    that stand elsewhere now, and the ids of messages, which a user's may not have.
    """
    items = [item for item in compacted.get("output") or [] if item.get("role") not in HEADS]
    done = any(item.get("type") == "compaction" for item in items)
    return Reply(
        raw=tuple(_unmarked(_sendable(item)) for item in items) if done else (),
        text="",
        tool_calls=(),
        next_step=NextStep.STOP,
        usage=usage,
        response_id=compacted.get("id") or "",
    )


def _unmarked(item: Item) -> Item:
    parts = item.get("content")
    if not isinstance(parts, list):
        return item
    plain = [
        {name: value for name, value in part.items() if name != "prompt_cache_breakpoint"}
        for part in parts
        if isinstance(part, dict)
    ]
    kept = {name: value for name, value in item.items() if name != "id"}
    return kept | {"content": cast(JsonValue, plain)}


def _tool(tool: ToolSpec) -> Item:
    """Return a tool; `apply_patch` is the vendor's own and needs no description."""
    if tool.name in BY_PATCH:
        return {"type": tool.name}
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema,
        "strict": True,
    }


def _items(request: ModelRequest, model: str, explicit: bool) -> list[Item]:
    head = _texts(request.head.system, request.head.context)
    digests = _texts(*request.ledger)
    first = [*_texts(request.memory), *digests]
    items: list[Item] = [_message("developer", head)] if head else []
    ends: list[Item] = []
    patches: set[str] = set()
    for number, item in enumerate(request.turn):
        if isinstance(item, Reply):
            patches |= {str(raw["call_id"]) for raw in item.raw if raw["type"] == PATCH_CALL}
        if isinstance(item, Reply):
            items += item.raw if item.is_by(model) else _of_another_model(item.raw)
        else:
            items += _turn_items(item, first if number == 0 else [], ends, patches)
    if explicit:
        for block in [*head[-1:], *digests, *ends][-BREAKPOINTS:]:
            block["prompt_cache_breakpoint"] = BREAKPOINT
    return items


def _of_another_model(items: Sequence[Item]) -> list[Item]:
    """Return a reply without its reasoning, which only its own model can read.

    An id would tie an item to the reasoning that led to it; a message has none only as plain text.
    """
    untied = (_untied(item) for item in items if item["type"] != "reasoning")
    return [item for item in untied if item.get("content") != ""]  # the API refuses empty texts


def _untied(item: Item) -> Item:
    if item["type"] == "message" and item["role"] == "assistant":
        return {"type": "message", "role": "assistant", "content": _text_of([item])}
    return {name: value for name, value in item.items() if name != "id"}


def _turn_items(
    item: Said | Results, first: list[Item], ends: list[Item], patches: Collection[str]
) -> list[Item]:
    """Return the items of one part of the turn; the block it ends with is added to `ends`.

    The outputs of `patches` are plain text, which holds no breakpoint.
    """
    if isinstance(item, Said):
        blocks = _texts(item.text)
        ends += blocks
        return [_message("user", [*first, *blocks])]
    outputs: list[Item] = []
    last: list[Item] = []
    for result in item.results:
        if result.call_id in patches:
            outputs.append(_patch_output(result))
        else:
            output, block = _output(result)
            outputs.append(output)
            last = [block]
    ends += last
    return outputs


def _patch_output(result: ToolResult) -> Item:
    return {
        "type": "apply_patch_call_output",
        "call_id": result.call_id,
        "status": "failed" if result.is_error else "completed",
        "output": result.text or "(no output)",
    }


def _output(result: ToolResult) -> tuple[Item, Item]:
    """Return the item for a tool's result, and the text block in it."""
    text = result.text or "(no output)"
    [block] = _texts(f"Error: {text}" if result.is_error else text)
    output: Item = {"type": "function_call_output", "call_id": result.call_id, "output": [block]}
    return output, block


def _message(role: str, blocks: list[Item]) -> Item:
    return {"type": "message", "role": role, "content": cast(JsonValue, blocks)}


def _texts(*texts: str) -> list[Item]:
    return [{"type": "input_text", "text": text} for text in texts if text]


def usage_of(response: dict[str, Any], model: str) -> Usage:
    """Return what a call used, without its price. The API counts cached tokens as input."""
    counts = response.get("usage") or {}
    details = counts.get("input_tokens_details") or {}
    read = details.get("cached_tokens") or 0
    written = details.get("cache_write_tokens") or 0
    return Usage(
        model=model,
        calls=1,
        input_tokens=max(0, counts.get("input_tokens", 0) - read - written),
        output_tokens=counts.get("output_tokens", 0),
        cache_read_tokens=read,
        cache_write_tokens=written,
    )


def reply_of(response: dict[str, Any], usage: Usage) -> Reply:
    """Return the whole answer. Function calls of a stopped answer never run and are left out."""
    output = [_sendable(item) for item in response.get("output") or []]
    parts = [
        part for item in output if item["type"] == "message" for part in item.get("content") or []
    ]
    calls = tuple(_call(item) for item in output if item["type"] in CALLS)
    step = _next_step(response, refused=any(part["type"] == "refusal" for part in parts))
    if step is NextStep.STOP and calls and response.get("status") == "completed":
        step = NextStep.RUN_TOOLS
    runs = step is NextStep.RUN_TOOLS
    return Reply(
        raw=tuple(output if runs else _without_loose_ends(output)),
        text=_text_of(output),
        tool_calls=calls if runs else (),
        next_step=step,
        usage=usage,
        response_id=response.get("id") or "",
        cache_miss=_cache_miss(response.get("prompt_cache_diagnostics") or {}),
    )


def _cache_miss(diagnostics: dict[str, Any]) -> str:
    """Return why the cache did not answer; nothing when it did, or was not asked."""
    kind = diagnostics.get("type") or ""
    return "" if kind == "cache_hit" else diagnostics.get("reason") or kind


def _text_of(items: Sequence[dict[str, Any]]) -> str:
    """Return what the messages among `items` say."""
    parts = [
        part for item in items if item["type"] == "message" for part in item.get("content") or []
    ]
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts)


def _sendable(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as it is sent again: some come with a field that may not go back."""
    if item["type"] not in (PATCH_CALL, "compaction"):
        return item
    return {name: value for name, value in item.items() if name != "created_by"}


def _call(item: dict[str, Any]) -> ToolCall:
    if item["type"] == PATCH_CALL:
        operation = {"diff": None} | item["operation"]
        return ToolCall(item["call_id"], "apply_patch", json.dumps(operation))
    return ToolCall(item["call_id"], item["name"], item["arguments"])


def _next_step(response: dict[str, Any], *, refused: bool) -> NextStep:
    if refused:
        return NextStep.REFUSED
    status = response.get("status") or ""
    if status == "incomplete":
        reason = (response.get("incomplete_details") or {}).get("reason") or ""
        return INCOMPLETE.get(reason, NextStep.STOP)
    return NEXT_STEP.get(status, NextStep.STOP)


def _without_loose_ends(output: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a stopped answer may leave in the conversation.

    A call would need a result, a reasoning item the item that follows it.
    """
    kept = [item for item in output if item["type"] not in CALLS]
    while kept and kept[-1]["type"] == "reasoning":
        kept.pop()
    return kept
