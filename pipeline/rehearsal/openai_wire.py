"""OpenAI Responses: POST /v1/responses, streamed or not, as the SDK reads it."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from pipeline.rehearsal import openai_checks
from pipeline.rehearsal.binding import canonical
from pipeline.rehearsal.caching import SMALLEST_PREFIX, Counted, PromptCache, count_tokens
from pipeline.rehearsal.checks import Refused
from pipeline.rehearsal.openai_answer import nonce_of, output_items, stream_events
from pipeline.rehearsal.openai_items import (
    CALLS,
    is_answer,
    items_of,
    parts_of,
    read_summary,
    row,
    sign_summary,
)
from pipeline.rehearsal.patches import PATCH
from pipeline.rehearsal.script import ReplySpec, Stop
from pipeline.rehearsal.view import OfferedTool, RequestView, Spoken, read_view, summary_of
from pipeline.rehearsal.wire import Json, Layout, Rendered, objects, text_of

CREATED_AT = 1_780_000_000
"""Answers depend on nothing but the request, so their time stands still."""

INCOMPLETE: dict[Stop, str | None] = {
    "natural": None,
    "truncated": "max_output_tokens",
    "refusal": None,
    "pause": "reason_of_tomorrow",
    "context": "max_output_tokens",
    "unknown": "reason_of_tomorrow",
}
"""Why an answer is incomplete; None when it is complete."""


class OpenAIWire:
    """The Responses API."""

    vendor = "openai"
    ending = b""
    unknown_event: tuple[str, Json] = (
        "response.event_of_tomorrow",
        {"type": "response.event_of_tomorrow", "sequence_number": 0},
    )
    ping = b": keep-alive\n\n"

    def check(self, body: Json, headers: Mapping[str, str]) -> None:
        """Raise `Refused` where the vendor would answer with an error."""
        openai_checks.check(body, headers)

    def view(self, body: Json) -> RequestView:
        """Read the request without the vendor's words."""
        tools = [
            OfferedTool(
                str(tool.get("name", tool["type"])), schema if isinstance(schema, dict) else {}
            )
            for tool in objects(body.get("tools"))
            if tool["type"] in ("function", PATCH)
            for schema in (tool.get("parameters"),)
        ]
        return read_view(
            _conversation(body), vendor="openai", model=str(body["model"]), tools=tools
        )

    def layout(self, body: Json) -> Layout:
        """Return the hash of everything up to the first breakpoint, and the texts after it."""
        laid_out = row(body)
        without_input = len(objects(body.get("tools"))) + bool(body.get("instructions"))
        first = laid_out.first_mark
        end = without_input if first is None else first + 1
        inputs = [
            str(part["text"])
            for item in items_of(body)
            if "role" in item
            for part in parts_of(item)
            if "text" in part
        ]
        view = self.view(body)
        before_turn = inputs[: inputs.index(view.turn_text)] if view.turn_text else []
        return Layout(
            head_sha256=hashlib.sha256(b"\n".join(laid_out.blocks[:end])).hexdigest(),
            ledger=tuple(before_turn[max(0, end - without_input) :]),
        )

    def count(self, body: Json, cache: PromptCache) -> Counted:
        """Count the input tokens against `cache`."""
        laid_out = row(body)
        settings: list[JsonValue] = [
            body.get(name) for name in ("model", "prompt_cache_key", "reasoning", "text")
        ]
        return cache.account(
            laid_out.blocks,
            marks=laid_out.marks,
            scope=f"openai {canonical(settings).decode()}",
            smallest=SMALLEST_PREFIX["openai"],
            lookback=None,
        )

    def render(self, body: Json, reply: ReplySpec, counted: Counted) -> Rendered:
        """Write `reply` as a response and as the events of a stream."""
        items = output_items(body, reply)
        output = sum(len(canonical(item.whole)) for item in items)
        usage = _usage(counted, max(1, count_tokens(output)), len(reply.thinking))
        reason = INCOMPLETE[reply.stop]
        response = _response(body)
        whole: Json = {
            **response,
            "status": "incomplete" if reason else "completed",
            "incomplete_details": {"reason": reason} if reason else None,
            "output": [item.whole for item in items],
            "usage": usage,
        }
        events = (
            (name, {"type": name, "sequence_number": number, **data})
            for number, (name, data) in enumerate(stream_events(response, items, whole))
        )
        return Rendered(whole, tuple(events), usage)

    def refusal(self, refused: Refused) -> Json:
        """Write an error in the vendor's form."""
        return {
            "error": {
                "message": refused.message,
                "type": refused.kind,
                "param": refused.param,
                "code": refused.code,
            }
        }

    def failure(self, refused: Refused) -> tuple[str, Json]:
        """Write an error as the event with which a stream reports it."""
        return "error", {
            "type": "error",
            "code": refused.code,
            "message": refused.message,
            "param": refused.param,
            "sequence_number": 0,
        }


class CompactWire(OpenAIWire):
    """What makes a summary: POST /v1/responses/compact, in one document."""

    def check(self, body: Json, headers: Mapping[str, str]) -> None:
        """Raise `Refused` where the vendor would answer with an error."""
        openai_checks.check_compact(body, headers)

    def view(self, body: Json) -> RequestView:
        """Read the request without the vendor's words."""
        return replace(super().view(body), wants_summary=True)

    def layout(self, body: Json) -> Layout:
        """Return nothing: without tools it begins like no other request."""
        return Layout("", ())

    def render(self, body: Json, reply: ReplySpec, counted: Counted) -> Rendered:
        """Write what the user said, and one item that only the vendor can read."""
        text = summary_of(self.view(body))
        item: Json = {
            "type": "compaction",
            "id": f"cmp_{nonce_of(body)}",
            "encrypted_content": sign_summary(text),
            "created_by": "standin",
        }
        said = [
            _kept(one, f"msg_{nonce_of(body, str(place))}")
            for place, one in enumerate(items_of(body))
            if one.get("role") == "user"
        ]
        usage = _usage(counted, count_tokens(len(text)), 0)
        kept: list[JsonValue] = [*said, item] if reply.stop == "natural" else [*said]
        whole: Json = {
            "id": f"resp_{nonce_of(body)}",
            "object": "response.compaction",
            "created_at": CREATED_AT,
            "output": kept,
            "usage": usage,
        }
        return Rendered(whole, (), usage)


def _kept(item: Json, key: str) -> Json:
    """Return what the user said as an answer has it."""
    parts: list[JsonValue] = [*parts_of(item)]
    return {**item, "id": key, "type": "message", "status": "completed", "content": parts}


def _conversation(body: Json) -> list[Spoken]:
    """Return the messages: items in a row that one side made belong together."""
    spoken: list[Spoken] = []
    for item in items_of(body):
        role = "assistant" if is_answer(item) else "user"
        texts = tuple(text_of(list(parts_of(item)), ("input_text",))) if "role" in item else ()
        outputs: tuple[str, ...] = ()
        if item.get("type") in CALLS.values():
            outputs = ("\n".join(text_of(item.get("output"), ("input_text",))),)
        if spoken and spoken[-1].role == role:
            before = spoken.pop()
            texts, outputs = before.texts + texts, before.results + outputs
        summary = read_summary(item) or ""
        spoken.append(
            Spoken("assistant" if role == "assistant" else "user", texts, outputs, summary)
        )
    return spoken


def _usage(counted: Counted, output: int, thought: int) -> Json:
    return {
        "input_tokens": counted.total,
        "input_tokens_details": {
            "cached_tokens": counted.read,
            "cache_write_tokens": sum(counted.written.values()),
        },
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": min(output, count_tokens(thought))},
        "total_tokens": counted.total + output,
    }


def _response(body: Json) -> Json:
    echoed = ("instructions", "max_output_tokens", "metadata", "reasoning", "text", "store")
    return {
        "id": f"resp_{nonce_of(body)}",
        "object": "response",
        "created_at": CREATED_AT,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        **{name: body[name] for name in echoed if name in body},
    }
