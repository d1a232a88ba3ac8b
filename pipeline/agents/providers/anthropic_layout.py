"""A request as the Messages API wants it, and an answer as it streams in.

tools | system: prompt, context* | user: memory, digests*, request | assistant | user* | ... | user*

* a cache mark: an hour for the context and the ledger's end, five minutes for the last two
user messages. Four at most, and the hours come first, as the API demands. The second last is
where the call before wrote its cache: however many blocks an answer and its results have, the
API's look back of 20 blocks never has to reach over them.

A summary of the vendor's (`compaction`) comes first in the messages, in place of memory, ledger
and all that it sums up.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
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
from pipeline.agents.providers.capabilities import capabilities
from pipeline.domain.results import Usage

Block = dict[str, JsonValue]

NEXT_STEP: dict[str, NextStep] = {
    "tool_use": NextStep.RUN_TOOLS,
    "pause_turn": NextStep.RESUME,
    "end_turn": NextStep.STOP,
    "stop_sequence": NextStep.STOP,
    "max_tokens": NextStep.TRUNCATED,
    "model_context_window_exceeded": NextStep.TRUNCATED,
    "refusal": NextStep.REFUSED,
}
"""The SDK's `StopReason`; any other one means stop."""

THINKING = ("thinking", "redacted_thinking")
"""Blocks that are signed over all before them; another model's are left out (it cannot read them,
and removing them from the start of a chain is allowed: docs, "preserved thinking")."""

HOUR: JsonValue = {"type": "ephemeral", "ttl": "1h"}
MINUTES: JsonValue = {"type": "ephemeral", "ttl": "5m"}


def request_body(
    request: ModelRequest, model: str, effort: str | None, temperature: float | None = None
) -> dict[str, Any]:
    """Return the arguments of `messages.create`, without `stream`."""
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_output_tokens,
        "tools": [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": tool.schema,
                "strict": True,
            }
            for tool in sorted(request.head.tools, key=lambda tool: tool.name)
        ],
        "system": _marked(_texts(request.head.system, request.head.context), HOUR),
        "messages": _messages(request, model),
    }
    if not request.may_call:
        body["tool_choice"] = {"type": "none"}
    if temperature is not None:
        body["temperature"] = temperature
    if capabilities("anthropic", model).thinking == "adaptive":
        body["thinking"] = {"type": "adaptive"}
    if effort is not None:
        body["output_config"] = {"effort": effort}
    return body


def _messages(request: ModelRequest, model: str) -> list[Block]:
    """Return the turn as messages, the user's neighbours joined, with their cache marks.

    Two assistant messages in a row are a paused answer and how it went on; they stay apart.
    """
    before = _marked(_texts(request.memory, *request.ledger), HOUR)
    parts: list[tuple[str, list[Block]]] = [
        ("user", before),
        *(_part(item, model) for item in request.turn),
    ]
    joined: list[tuple[str, list[Block]]] = []
    for role, blocks in parts:
        if role == "user" and joined and joined[-1][0] == role:
            joined[-1][1].extend(blocks)
        elif blocks:
            joined.append((role, list(blocks)))
    users = [index for index, (role, _) in enumerate(joined) if role == "user"]
    for index in users[-2:]:
        joined[index] = ("user", _marked(joined[index][1], MINUTES))
    return [{"role": role, "content": cast(JsonValue, blocks)} for role, blocks in joined]


def _part(item: TurnItem, model: str) -> tuple[str, list[Block]]:
    if isinstance(item, Reply):
        readable = item.is_by(model)
        return "assistant", [one for one in item.raw if readable or one["type"] not in THINKING]
    if isinstance(item, Said):
        return "user", _texts(item.text)
    return "user", [_result(result) for result in item.results]


def _result(result: ToolResult) -> Block:
    block: Block = {
        "type": "tool_result",
        "tool_use_id": result.call_id,
        "content": result.text or "(no output)",
    }
    return block | {"is_error": True} if result.is_error else block


def _texts(*texts: str) -> list[Block]:
    """Return text blocks; the API refuses empty ones."""
    return [{"type": "text", "text": text} for text in texts if text]


def _marked(blocks: list[Block], mark: JsonValue) -> list[Block]:
    """Return the blocks with a cache mark on the last one."""
    return [*blocks[:-1], blocks[-1] | {"cache_control": mark}] if blocks else blocks


@dataclass
class Answer:
    """An answer while its events arrive."""

    id: str = ""
    stop_reason: str = ""
    stop_details: dict[str, Any] = field(default_factory=dict)
    complete: bool = False
    diagnostics: dict[str, Any] = field(default_factory=dict)
    """Why the cache did not answer, where it was asked."""
    _usage: dict[str, Any] = field(default_factory=dict)
    _starts: dict[int, Block] = field(default_factory=dict)
    _pieces: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    """What arrives in pieces, by block and field; joined once, since answers can be long."""

    def take(self, event: dict[str, Any]) -> None:
        """Add one event, as the API sent it; one that no client has heard of says nothing."""
        act = EVENTS.get(event.get("type", ""))
        if act is not None:
            act(self, event)

    def _begin(self, event: dict[str, Any]) -> None:
        self.id = event["message"].get("id", "")
        self.diagnostics = event["message"].get("diagnostics") or {}
        self._count(event["message"].get("usage"))

    def _open(self, event: dict[str, Any]) -> None:
        self._starts[event["index"]] = dict(event["content_block"])

    def _extend(self, event: dict[str, Any]) -> None:
        index, delta = event["index"], event["delta"]
        block = cast(dict[str, Any], self._starts[index])
        kind = delta["type"]
        if kind in PIECES:
            name = PIECES[kind]
            self._pieces.setdefault((index, name), []).append(delta[name])
        elif kind == "signature_delta":
            block["signature"] = delta["signature"]
        elif kind == "compaction_delta":
            block |= {name: text for name, text in delta.items() if name != "type"}
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]

    def _close(self, event: dict[str, Any]) -> None:
        """A block's end says nothing that the next event does not."""

    def _stop(self, event: dict[str, Any]) -> None:
        self.stop_reason = event["delta"].get("stop_reason") or ""
        self.stop_details = event["delta"].get("stop_details") or {}
        self._count(event.get("usage"))

    def _end(self, event: dict[str, Any]) -> None:
        self.complete = True

    def _count(self, usage: dict[str, Any] | None) -> None:
        """Counts are running totals; what an event leaves out stays as it was."""
        self._usage |= {name: count for name, count in (usage or {}).items() if count is not None}

    def usage(self, model: str) -> Usage:
        """Return what the call used, without its price."""
        return Usage(
            model=model,
            calls=1,
            input_tokens=self._total("input_tokens"),
            output_tokens=self._total("output_tokens"),
            cache_read_tokens=self._total("cache_read_input_tokens"),
            cache_write_tokens=self._total("cache_creation_input_tokens"),
        )

    def long_lived_writes(self) -> int:
        """Return how many tokens were written to the cache for an hour."""
        created = (counts.get("cache_creation") or {} for counts in self._counts())
        return sum(int(one.get("ephemeral_1h_input_tokens") or 0) for one in created)

    def _total(self, name: str) -> int:
        return sum(int(counts.get(name) or 0) for counts in self._counts())

    def _counts(self) -> list[dict[str, Any]]:
        """Return the top-level counts, and those of summaries, which are not part of them."""
        steps = self._usage.get("iterations") or []
        return [self._usage, *(one for one in steps if one.get("type") == "compaction")]

    def reply(self, usage: Usage) -> Reply:
        """Return the whole answer. Tool calls of a stopped answer never run and are left out."""
        whole = [self._whole(index) for index in sorted(self._starts)]
        raw = [one for one in whole if one["type"] != "compaction" or one.get("content")]
        texts = [str(block["text"]) for block in raw if block["type"] == "text"]
        calls = tuple(
            ToolCall(str(block["id"]), str(block["name"]), self._arguments(index))
            for index, block in sorted(self._starts.items())
            if block["type"] == "tool_use"
        )
        step = NEXT_STEP.get(self.stop_reason, NextStep.STOP)
        if step is NextStep.RUN_TOOLS and not calls:
            step = NextStep.STOP
        goes_on = step in (NextStep.RUN_TOOLS, NextStep.RESUME)
        text = "".join(texts)
        if step is NextStep.REFUSED and not text:
            text = f"refused: {self.stop_details.get('category') or 'no reason given'}"
        return Reply(
            raw=tuple(_sendable(raw) if goes_on else _without_loose_ends(_sendable(raw))),
            text=text,
            tool_calls=calls if step is NextStep.RUN_TOOLS else (),
            next_step=step,
            usage=usage,
            response_id=self.id,
            cache_miss=(self.diagnostics.get("cache_miss_reason") or {}).get("type") or "",
        )

    def _joined(self, index: int, name: str) -> str:
        return "".join(self._pieces.get((index, name), ()))

    def _arguments(self, index: int) -> str:
        given = self._joined(index, "partial_json")
        return given or json.dumps(self._starts[index].get("input") or {})

    def _whole(self, index: int) -> Block:
        """Return a block as it is sent again: its pieces joined, a tool's input as an object."""
        block = dict(self._starts[index])
        for name in ("text", "thinking"):
            if name in block:
                block[name] = str(block[name]) + self._joined(index, name)
        if (index, "partial_json") not in self._pieces:
            return block
        try:
            given = json.loads(self._joined(index, "partial_json") or "{}")
        except json.JSONDecodeError:
            given = None
        return block | {"input": given if isinstance(given, dict) else {}}


EVENTS: dict[str, Callable[[Answer, dict[str, Any]], None]] = {
    "message_start": Answer._begin,
    "content_block_start": Answer._open,
    "content_block_delta": Answer._extend,
    "content_block_stop": Answer._close,
    "message_delta": Answer._stop,
    "message_stop": Answer._end,
}
"""The SDK's `RawMessageStreamEvent`."""

PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
"""Deltas that continue a text, and the field that holds the piece."""


def _sendable(blocks: list[Block]) -> list[Block]:
    """Return the blocks that may be sent again: the API refuses empty texts."""
    return [block for block in blocks if block["type"] != "text" or block["text"]]


def _without_loose_ends(blocks: list[Block]) -> list[Block]:
    """Return what a stopped answer may leave in the conversation.

    A tool call would need a result, and an answer may not end in a thinking block.
    """
    kept = [block for block in blocks if block["type"] != "tool_use"]
    while kept and kept[-1]["type"] in THINKING:
        kept.pop()
    return kept
