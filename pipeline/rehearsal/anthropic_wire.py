"""Anthropic Messages: POST /v1/messages, streamed or not, as the SDK reads it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from pipeline.rehearsal import anthropic_checks
from pipeline.rehearsal.anthropic_blocks import (
    PAUSE_MARK,
    content_of,
    is_summary,
    lifetime,
    prefix,
    row,
    seals,
    sign_summary,
    system_of,
    without_mark,
)
from pipeline.rehearsal.binding import canonical, next_position, seal
from pipeline.rehearsal.caching import (
    ANTHROPIC_LOOKBACK,
    SMALLEST_PREFIX,
    Counted,
    PromptCache,
    count_tokens,
)
from pipeline.rehearsal.checks import Refused
from pipeline.rehearsal.script import ReplySpec, Stop, arguments_json
from pipeline.rehearsal.view import OfferedTool, RequestView, Spoken, read_view, summary_of
from pipeline.rehearsal.wire import Json, Layout, Rendered, objects, pieces, text_of

STOP_REASONS: dict[Stop, str] = {
    "natural": "end_turn",
    "truncated": "max_tokens",
    "refusal": "refusal",
    "pause": "pause_turn",
    "context": "model_context_window_exceeded",
    "unknown": "stop_reason_of_tomorrow",
}


@dataclass(frozen=True)
class _Block:
    """A block of an answer: how it starts, the deltas that fill it, and what it is in the end."""

    start: Json
    deltas: tuple[Json, ...]
    whole: Json


class AnthropicWire:
    """The Messages API."""

    vendor = "anthropic"
    ending = b""
    unknown_event: tuple[str, Json] = (
        "event_of_tomorrow",
        {"type": "event_of_tomorrow", "index": 0},
    )
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'

    def check(self, body: Json, headers: Mapping[str, str]) -> None:
        """Raise `Refused` where the vendor would answer with an error."""
        anthropic_checks.check(body, headers)

    def view(self, body: Json) -> RequestView:
        """Read the request without the vendor's words."""
        tools = [
            OfferedTool(str(tool["name"]), schema if isinstance(schema, dict) else {})
            for tool in objects(body.get("tools"))
            for schema in (tool.get("input_schema"),)
        ]
        conversation = [_spoken(message) for message in objects(body["messages"])]
        view = read_view(conversation, vendor="anthropic", model=str(body["model"]), tools=tools)
        return replace(view, wants_summary="compaction" in body)

    def layout(self, body: Json) -> Layout:
        """Return the hash of tools and system up to the first mark, and the texts after it."""
        blocks = system_of(body)
        marked = next((i for i, block in enumerate(blocks) if lifetime(block)), len(blocks) - 1)
        head = [without_mark(part) for part in objects(body.get("tools"))]
        head += [without_mark(block) for block in blocks[: marked + 1]]
        rest = tuple(str(block["text"]) for block in blocks[marked + 1 :])
        return Layout(
            head_sha256=hashlib.sha256(b"\n".join(map(canonical, head))).hexdigest(),
            ledger=rest + self.view(body).earlier,
        )

    def count(self, body: Json, cache: PromptCache) -> Counted:
        """Count the input tokens against `cache`."""
        laid_out = row(body)
        return cache.account(
            laid_out.blocks,
            marks=laid_out.marks,
            scope=f"anthropic {body['model']}",
            smallest=SMALLEST_PREFIX["anthropic"],
            lookback=ANTHROPIC_LOOKBACK,
        )

    def render(self, body: Json, reply: ReplySpec, counted: Counted) -> Rendered:
        """Write `reply` as a message and as the events of a stream."""
        if "compaction" in body:
            return _summed_up(body, self.view(body), reply, counted)
        blocks = _blocks(body, reply)
        written = count_tokens(sum(len(canonical(block.whole)) for block in blocks))
        usage = _usage(counted, max(1, written))
        message = _message(body, {**usage, "output_tokens": 1})
        if body.get("diagnostics") is not None:
            message["diagnostics"] = {"cache_miss_reason": None}
        ending = _ending(reply)
        return _rendered(message, blocks, ending, usage)

    def refusal(self, refused: Refused) -> Json:
        """Write an error in the vendor's form."""
        return {
            "type": "error",
            "error": {"type": refused.kind, "message": refused.message},
            "request_id": "req_standin",
        }

    def failure(self, refused: Refused) -> tuple[str, Json]:
        """Write an error as the event with which a stream reports it."""
        return "error", self.refusal(refused)


def _message(body: Json, usage: Json) -> Json:
    """Return a message as it begins."""
    return {
        "id": f"msg_{_nonce(body)}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _rendered(message: Json, blocks: list[_Block], ending: Json, usage: Json) -> Rendered:
    content: JsonValue = [block.whole for block in blocks]
    whole: Json = {**message, **ending, "content": content, "usage": usage}
    return Rendered(whole, tuple(_events(message, blocks, ending, usage)), usage)


def _summed_up(body: Json, view: RequestView, reply: ReplySpec, counted: Counted) -> Rendered:
    """Write a summary; it fails where the answer would not have ended by itself.

    What it used is in `iterations` and not in the counts above them (SDK, `beta_usage.py`).
    """
    text = summary_of(view) if reply.stop == "natural" else None
    signature = sign_summary(text) if text else None
    whole: Json = {"type": "compaction", "content": text, "signature": signature}
    delta: Json = {"type": "compaction_delta", "content": text}
    block = _Block(start={**whole, "content": None}, deltas=(delta,), whole=whole)
    step = {**_usage(counted, count_tokens(len(text or ""))), "type": "compaction"}
    del step["service_tier"]
    nothing = _usage(Counted(fresh=0, read=0), 0)
    usage: Json = {**nothing, "iterations": [step]}
    ending: Json = {"stop_reason": "compaction", "stop_sequence": None, "stop_details": None}
    return _rendered(_message(body, nothing), [block], ending, usage)


def _spoken(message: Json) -> Spoken:
    content = content_of(message)
    results = [
        "\n".join(text_of(block.get("content"), ("text",)))
        for block in content
        if block.get("type") == "tool_result"
    ]
    return Spoken(
        role="assistant" if message["role"] == "assistant" else "user",
        texts=tuple(text_of(list(content), ("text",))),
        results=tuple(results),
        summary="".join(str(block["content"]) for block in content if is_summary(block)),
    )


def _nonce(body: Json, *more: str) -> str:
    """Return letters that are the same for the same request and differ along a conversation."""
    parts = [*prefix(body, len(objects(body["messages"]))), *(word.encode() for word in more)]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:24]


def _usage(counted: Counted, output: int) -> Json:
    return {
        "input_tokens": counted.fresh,
        "cache_read_input_tokens": counted.read,
        "cache_creation_input_tokens": sum(counted.written.values()),
        "cache_creation": {
            "ephemeral_5m_input_tokens": counted.written.get("5m", 0),
            "ephemeral_1h_input_tokens": counted.written.get("1h", 0),
        },
        "output_tokens": output,
        "service_tier": "standard",
    }


def _ending(reply: ReplySpec) -> Json:
    reason = STOP_REASONS[reply.stop]
    if reply.stop == "natural" and reply.tool_calls:
        reason = "tool_use"
    details: JsonValue = (
        {"type": "refusal", "category": "general_harms", "explanation": reply.text or None}
        if reply.stop == "refusal"
        else None
    )
    return {"stop_reason": reason, "stop_sequence": None, "stop_details": details}


def _blocks(body: Json, reply: ReplySpec) -> list[_Block]:
    thinking = body.get("thinking")
    blocks: list[_Block] = []
    if reply.thinking and isinstance(thinking, dict) and thinking["type"] != "disabled":
        omitted = thinking.get("display") == "omitted"
        blocks.append(_thinking(body, "" if omitted else reply.thinking))
    if reply.text:
        blocks.append(_text(reply.text))
    last = len(reply.tool_calls) - 1
    for index, call in enumerate(reply.tool_calls):
        arguments = arguments_json(call)
        if reply.stop == "truncated" and index == last:
            arguments = arguments[: len(arguments) // 2]
        blocks.append(_tool_use(f"toolu_{_nonce(body, str(index))}", call.name, arguments))
    if reply.stop == "pause":
        blocks.append(_text(PAUSE_MARK))
    return blocks


def _thinking(body: Json, text: str) -> _Block:
    before = len(objects(body["messages"]))
    position = next_position(seals(body, before))
    signature = str(seal(prefix(body, before), text, position))
    deltas: list[Json] = [{"type": "thinking_delta", "thinking": p} for p in pieces(text)]
    return _Block(
        start={"type": "thinking", "thinking": "", "signature": ""},
        deltas=(*deltas, {"type": "signature_delta", "signature": signature}),
        whole={"type": "thinking", "thinking": text, "signature": signature},
    )


def _text(text: str) -> _Block:
    return _Block(
        start={"type": "text", "text": ""},
        deltas=tuple({"type": "text_delta", "text": piece} for piece in pieces(text)),
        whole={"type": "text", "text": text},
    )


def _tool_use(call_id: str, name: str, arguments: str) -> _Block:
    start: Json = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
    return _Block(
        start=start,
        deltas=tuple({"type": "input_json_delta", "partial_json": p} for p in pieces(arguments)),
        whole={**start, "input": _parsed(arguments)},
    )


def _parsed(arguments: str) -> JsonValue:
    """Return arguments as a whole message carries them; what cannot be parsed is dropped there."""
    try:
        parsed: JsonValue = json.loads(arguments)
    except json.JSONDecodeError:
        return {}
    return parsed


def _events(
    message: Json, blocks: list[_Block], ending: Json, usage: Json
) -> Iterator[tuple[str, Json]]:
    yield _event("message_start", message=message)
    for index, block in enumerate(blocks):
        yield _event("content_block_start", index=index, content_block=block.start)
        for delta in block.deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    totals = {k: v for k, v in usage.items() if k not in ("cache_creation", "service_tier")}
    yield _event("message_delta", delta=ending, usage=totals)
    yield _event("message_stop")


def _event(name: str, **fields: JsonValue) -> tuple[str, Json]:
    return name, {"type": name, **fields}
