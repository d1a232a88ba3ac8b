"""The output items of a Responses answer, and the events that a stream of them is made of."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.rehearsal.binding import next_position, seal
from pipeline.rehearsal.openai_items import items_of, prefix, seals
from pipeline.rehearsal.patches import PATCH
from pipeline.rehearsal.script import CallSpec, ReplySpec, arguments_json
from pipeline.rehearsal.wire import Json, objects, pieces

Event = tuple[str, Json]


@dataclass(frozen=True)
class Item:
    """An output item: how it starts, the events that fill it, and what it is in the end."""

    start: Json
    events: tuple[Event, ...]
    whole: Json


def nonce_of(body: Json, *more: str) -> str:
    """Return letters that are the same for the same request and differ along a conversation."""
    parts = [*prefix(body, len(items_of(body))), *(word.encode() for word in more)]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:24]


def output_items(body: Json, reply: ReplySpec) -> list[Item]:
    """Return what `reply` puts out: reasoning, a message, function calls."""
    items: list[Item] = []
    if reply.thinking:
        items.append(_reasoning(body, reply.thinking))
    if reply.text or reply.stop == "refusal" or not reply.tool_calls:
        items.append(_message(f"msg_{nonce_of(body)}", reply))
    native = any(tool.get("type") == PATCH for tool in objects(body.get("tools")))
    last = len(reply.tool_calls) - 1
    for index, call in enumerate(reply.tool_calls):
        cut = reply.stop == "truncated" and index == last
        arguments = arguments_json(call)
        nonce = nonce_of(body, str(index))
        if native and call.name == PATCH:
            items.append(_patch_call(nonce, call, cut=cut))
            continue
        items.append(
            _function_call(nonce, call.name, arguments[: len(arguments) // 2])
            if cut
            else _function_call(nonce, call.name, arguments, status="completed")
        )
    return items


def stream_events(response: Json, items: list[Item], whole: Json) -> Iterator[Event]:
    """Yield the events of a whole stream, not numbered yet."""
    yield "response.created", {"response": response}
    yield "response.in_progress", {"response": response}
    for index, item in enumerate(items):
        yield "response.output_item.added", {"output_index": index, "item": item.start}
        for name, data in item.events:
            yield name, {"output_index": index, **data}
        yield "response.output_item.done", {"output_index": index, "item": item.whole}
    yield f"response.{whole['status']}", {"response": whole}


def _reasoning(body: Json, text: str) -> Item:
    before = len(items_of(body))
    signature = str(seal(prefix(body, before), text, next_position(seals(body, before))))
    key = f"rs_{nonce_of(body)}"
    start: Json = {"id": key, "type": "reasoning", "summary": [], "encrypted_content": ""}
    part: Json = {"type": "summary_text", "text": text}
    place: Json = {"item_id": key, "summary_index": 0}
    kind = "response.reasoning_summary"
    return Item(
        start=start,
        events=(
            (f"{kind}_part.added", {**place, "part": {"type": "summary_text", "text": ""}}),
            *((f"{kind}_text.delta", {**place, "delta": piece}) for piece in pieces(text)),
            (f"{kind}_text.done", {**place, "text": text}),
            (f"{kind}_part.done", {**place, "part": part}),
        ),
        whole={**start, "summary": [part], "encrypted_content": signature},
    )


def _message(key: str, reply: ReplySpec) -> Item:
    refused = reply.stop == "refusal"
    kind = "refusal" if refused else "output_text"
    field, text = (
        ("refusal", reply.text or "I cannot help with that.")
        if refused
        else (
            "text",
            reply.text,
        )
    )
    more: Json = {} if refused else {"annotations": [], "logprobs": []}
    logs: Json = {} if refused else {"logprobs": []}
    place: Json = {"item_id": key, "content_index": 0}
    part: Json = {"type": kind, field: text, **more}
    start: Json = {
        "id": key,
        "type": "message",
        "role": "assistant",
        "status": "in_progress",
        "content": [],
    }
    return Item(
        start=start,
        events=(
            ("response.content_part.added", {**place, "part": {**part, field: ""}}),
            *((f"response.{kind}.delta", {**place, "delta": p, **logs}) for p in pieces(text)),
            (f"response.{kind}.done", {**place, field: text, **logs}),
            ("response.content_part.done", {**place, "part": part}),
        ),
        whole={**start, "status": "completed", "content": [part]},
    )


def _patch_call(nonce: str, call: CallSpec, *, cut: bool) -> Item:
    """Return a call of the native patch tool; the API keeps its operation in form."""
    operation: Json = {name: value for name, value in call.arguments.items() if value is not None}
    if call.raw_arguments is not None:
        operation = {"type": "update_file", "path": "src", "diff": call.raw_arguments}
    if cut:
        diff = str(operation.get("diff", ""))
        operation["diff"] = diff[: len(diff) // 2]
    empty: Json = {**operation, "diff": ""} if "diff" in operation else operation
    start: Json = {
        "id": f"apc_{nonce}",
        "type": "apply_patch_call",
        "status": "in_progress",
        "call_id": f"call_{nonce}",
        "operation": empty,
    }
    status = "in_progress" if cut else "completed"
    return Item(start, (), {**start, "status": status, "operation": operation})


def _function_call(nonce: str, name: str, arguments: str, *, status: str = "incomplete") -> Item:
    key = f"fc_{nonce}"
    start: Json = {
        "id": key,
        "type": "function_call",
        "status": "in_progress",
        "call_id": f"call_{nonce}",
        "name": name,
        "arguments": "",
    }
    place: Json = {"item_id": key}
    kind = "response.function_call_arguments"
    return Item(
        start=start,
        events=(
            *((f"{kind}.delta", {**place, "delta": piece}) for piece in pieces(arguments)),
            (f"{kind}.done", {**place, "name": name, "arguments": arguments}),
        ),
        whole={**start, "status": status, "arguments": arguments},
    )
