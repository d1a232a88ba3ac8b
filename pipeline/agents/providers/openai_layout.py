"""A request as the Responses API wants it, and an answer as it comes back.

tools | developer: prompt, context* | user: memory, digest*.., request* | items | results* | ...

* a cache breakpoint: the context, each digest, each request, each call's last result. A mark
stays where it was set, so a request's items are a prefix of the next one's. The API writes the
latest four and matches the latest 80.
"""

import re
from typing import Any, cast

from pydantic import JsonValue

from pipeline.agents.messages import (
    ModelRequest,
    NextStep,
    Reply,
    Said,
    ToolCall,
    ToolResult,
    TurnItem,
)
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
FIRST_WITH_BREAKPOINTS = (5, 6)
"""The first GPT version that knows `prompt_cache_options`."""
WITHOUT_REASONING = ("gpt-3.5", "gpt-4", "chatgpt-4o")


def request_body(request: ModelRequest, model: str, effort: str | None) -> dict[str, Any]:
    """Return the arguments of `responses.create`, without `stream`."""
    explicit = knows_breakpoints(model)
    body: dict[str, Any] = {
        "model": model,
        "max_output_tokens": request.max_output_tokens,
        "store": False,
        "parallel_tool_calls": True,
        "prompt_cache_key": request.cache_key,
        "tools": [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.schema,
                "strict": True,
            }
            for tool in sorted(request.head.tools, key=lambda tool: tool.name)
        ],
        "input": _items(request, explicit),
    }
    if explicit:
        body["prompt_cache_options"] = {"mode": "explicit"}
    if not model.startswith(WITHOUT_REASONING):
        body["include"] = ["reasoning.encrypted_content"]
    if effort is not None:
        body["reasoning"] = {"effort": effort}
    return body


def knows_breakpoints(model: str) -> bool:
    """Return whether a model takes explicit cache breakpoints; others cache by themselves."""
    found = re.match(r"gpt-(\d+)(?:\.(\d+))?(?![\d.])", model)
    return found is not None and ((int(found[1]), int(found[2] or 0)) >= FIRST_WITH_BREAKPOINTS)


def _items(request: ModelRequest, explicit: bool) -> list[Item]:
    head = _texts(request.head.system, request.head.context)
    digests = _texts(*request.ledger)
    first = [*_texts(request.memory), *digests]
    items: list[Item] = [_message("developer", head)] if head else []
    ends: list[Item] = []
    for number, item in enumerate(request.turn):
        items += _turn_items(item, first if number == 0 else [], ends)
    if explicit:
        for block in [*head[-1:], *digests, *ends][-BREAKPOINTS:]:
            block["prompt_cache_breakpoint"] = BREAKPOINT
    return items


def _turn_items(item: TurnItem, first: list[Item], ends: list[Item]) -> list[Item]:
    """Return the items of one part of the turn; the block it ends with is added to `ends`."""
    if isinstance(item, Reply):
        return list(item.raw)
    if isinstance(item, Said):
        blocks = _texts(item.text)
        ends += blocks
        return [_message("user", [*first, *blocks])]
    outputs = [_output(result) for result in item.results]
    ends += [block for _, block in outputs[-1:]]
    return [output for output, _ in outputs]


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
    output: list[dict[str, Any]] = response.get("output") or []
    parts = [
        part for item in output if item["type"] == "message" for part in item.get("content") or []
    ]
    calls = tuple(
        ToolCall(item["call_id"], item["name"], item["arguments"])
        for item in output
        if item["type"] == "function_call"
    )
    step = _next_step(response, refused=any(part["type"] == "refusal" for part in parts))
    if step is NextStep.STOP and calls and response.get("status") == "completed":
        step = NextStep.RUN_TOOLS
    runs = step is NextStep.RUN_TOOLS
    return Reply(
        raw=tuple(output if runs else _without_loose_ends(output)),
        text="".join(part.get("text") or part.get("refusal") or "" for part in parts),
        tool_calls=calls if runs else (),
        next_step=step,
        usage=usage,
        response_id=response.get("id") or "",
    )


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

    A function call would need a result, a reasoning item the item that follows it.
    """
    kept = [item for item in output if item["type"] != "function_call"]
    while kept and kept[-1]["type"] == "reasoning":
        kept.pop()
    return kept
