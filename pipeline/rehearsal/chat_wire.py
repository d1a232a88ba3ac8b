"""OpenAI Chat Completions: POST /v1/chat/completions, streamed or not, as the SDK reads it.

The prompt cache works by itself: whatever came before is a prefix that may be read again.
"""

import hashlib
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from pipeline.rehearsal import chat_checks
from pipeline.rehearsal.binding import canonical
from pipeline.rehearsal.caching import (
    SMALLEST_PREFIX,
    Counted,
    Mark,
    PromptCache,
    count_tokens,
)
from pipeline.rehearsal.checks import Refused
from pipeline.rehearsal.script import ReplySpec, Stop, arguments_json
from pipeline.rehearsal.view import OfferedTool, RequestView, Spoken, read_view
from pipeline.rehearsal.wire import Json, Layout, Rendered, objects, pieces, text_of

CREATED_AT = 1_780_000_000
"""Answers depend on nothing but the request, so their time stands still."""

FINISH: dict[Stop, str | None] = {
    "natural": None,
    "truncated": "length",
    "refusal": "stop",
    "pause": "reason_of_tomorrow",
    "context": "length",
    "unknown": "reason_of_tomorrow",
}
"""The finish reason; None: what the content says."""


class ChatWire:
    """The Chat Completions API."""

    vendor = "openai-chat"
    unknown_event: tuple[str, Json] = (
        "",
        {"id": "chatcmpl-x", "object": "event.of.tomorrow", "choices": []},
    )
    ping = b": keep-alive\n\n"
    ending = b"data: [DONE]\n\n"

    def check(self, body: Json, headers: Mapping[str, str]) -> None:
        """Raise `Refused` where the vendor would answer with an error."""
        chat_checks.check(body, headers)

    def view(self, body: Json) -> RequestView:
        """Read the request without the vendor's words."""
        functions = [tool.get("function") for tool in objects(body.get("tools"))]
        tools = [
            OfferedTool(str(one["name"]), schema if isinstance(schema, dict) else {})
            for one in functions
            if isinstance(one, dict)
            for schema in (one.get("parameters"),)
        ]
        return read_view(
            _conversation(body), vendor="openai-chat", model=str(body["model"]), tools=tools
        )

    def layout(self, body: Json) -> Layout:
        """Return the hash of tools and system prompt, and the texts between it and the turn."""
        system = [one for one in objects(body.get("messages")) if one["role"] in _SYSTEM]
        head: list[JsonValue] = [body.get("tools"), list(system)]
        return Layout(
            head_sha256=hashlib.sha256(canonical(head)).hexdigest(),
            ledger=self.view(body).earlier,
        )

    def count(self, body: Json, cache: PromptCache) -> Counted:
        """Count the input tokens against `cache`; what is written costs nothing of its own."""
        blocks = [canonical(["tool", tool]) for tool in objects(body.get("tools"))]
        for message in objects(body.get("messages")):
            blocks += _blocks(message)
        counted = cache.account(
            blocks,
            marks=[Mark(index, "automatic") for index in range(len(blocks))],
            scope=f"openai-chat {body['model']}",
            smallest=SMALLEST_PREFIX["openai"],
            lookback=None,
        )
        return Counted(fresh=counted.total - counted.read, read=counted.read)

    def render(self, body: Json, reply: ReplySpec, counted: Counted) -> Rendered:
        """Write `reply` as a completion and as the chunks of a stream."""
        message = _message(body, reply)
        usage = _usage(counted, reply, message)
        reason = FINISH[reply.stop] or ("tool_calls" if reply.tool_calls else "stop")
        common: Json = {
            "id": f"chatcmpl-{_nonce(body)}",
            "created": CREATED_AT,
            "model": body["model"],
        }
        whole: Json = {
            **common,
            "object": "chat.completion",
            "choices": [
                {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
            ],
            "usage": usage,
        }
        chunk: Json = {**common, "object": "chat.completion.chunk"}
        events: list[tuple[str, Json]] = [
            ("", {**chunk, "choices": [choice]}) for choice in _chunks(message, reason)
        ]
        options = body.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            events.append(("", {**chunk, "choices": [], "usage": usage}))
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
        return "", self.refusal(refused)


_SYSTEM = ("system", "developer")


def _texts(message: Json) -> tuple[str, ...]:
    return tuple(text_of(message.get("content"), ("text",)))


def _blocks(message: Json) -> list[bytes]:
    """Return what the cache sees of a message: each text by itself, then its calls."""
    parts = [canonical([message["role"], text]) for text in _texts(message)]
    if message.get("tool_calls"):
        parts.append(canonical(["calls", message["tool_calls"]]))
    return parts


def _conversation(body: Json) -> list[Spoken]:
    """Return the messages; a tool's results and what the user says after them belong together."""
    spoken: list[Spoken] = []
    for message in objects(body.get("messages")):
        if message["role"] in _SYSTEM:
            continue
        by_tool = message["role"] == "tool"
        role = "assistant" if message["role"] == "assistant" else "user"
        texts = () if by_tool else _texts(message)
        results = _texts(message) if by_tool else ()
        if role == "user" and spoken and spoken[-1].role == role:
            before = spoken.pop()
            texts, results = before.texts + texts, before.results + results
        spoken.append(Spoken("assistant" if role == "assistant" else "user", texts, results))
    return spoken


def _nonce(body: Json, *more: str) -> str:
    """Return letters that are the same for the same request and differ along a conversation."""
    parts = [canonical(body.get("messages")), *(word.encode() for word in more)]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:24]


def _message(body: Json, reply: ReplySpec) -> Json:
    refused = reply.stop == "refusal"
    message: Json = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if refused:
        message |= {"content": None, "refusal": reply.text or "I cannot help with that."}
    elif not reply.tool_calls:
        message["content"] = reply.text
    if reply.thinking:
        message["reasoning_content"] = reply.thinking
    calls: list[JsonValue] = []
    for index, call in enumerate(reply.tool_calls):
        cut = reply.stop == "truncated" and index == len(reply.tool_calls) - 1
        given = arguments_json(call)
        calls.append(
            {
                "id": f"call_{_nonce(body, str(index))}",
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": given[: len(given) // 2] if cut else given,
                },
            }
        )
    return message | {"tool_calls": calls} if calls else message


def _chunks(message: Json, reason: str) -> Iterator[Json]:
    """Yield the choices of a stream's chunks."""
    yield _choice({"role": "assistant", "content": ""})
    for name in ("reasoning_content", "content", "refusal"):
        for piece in pieces(str(message.get(name) or "")):
            yield _choice({name: piece})
    for index, call in enumerate(objects(message.get("tool_calls"))):
        function = call["function"]
        assert isinstance(function, dict)
        start: Json = {
            **call,
            "index": index,
            "function": {"name": function["name"], "arguments": ""},
        }
        yield _choice({"tool_calls": [start]})
        for piece in pieces(str(function["arguments"])):
            part: Json = {"index": index, "function": {"arguments": piece}}
            yield _choice({"tool_calls": [part]})
    yield {**_choice({}), "finish_reason": reason}


def _choice(delta: Json) -> Json:
    return {"index": 0, "delta": delta, "finish_reason": None, "logprobs": None}


def _usage(counted: Counted, reply: ReplySpec, message: Json) -> Json:
    output = max(1, count_tokens(len(canonical(message))))
    return {
        "prompt_tokens": counted.total,
        "completion_tokens": output,
        "total_tokens": counted.total + output,
        "prompt_tokens_details": {"cached_tokens": counted.read},
        "completion_tokens_details": {
            "reasoning_tokens": min(output, count_tokens(len(reply.thinking)))
        },
    }
