"""A request as the Messages API wants it, and an answer as it streams in.

tools | system: prompt, context* | user: memory, digests*, request | assistant | user* | ... | user*

* a cache mark: an hour for the context and the ledger's end, five minutes for the last two
user messages (the second last is where the call before wrote its cache). Four at most, and
the hours come first, as the API demands.
"""

import json
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
        "messages": _messages(request),
    }
    if temperature is not None:
        body["temperature"] = temperature
    if capabilities("anthropic", model).thinking == "adaptive":
        body["thinking"] = {"type": "adaptive"}
    if effort is not None:
        body["output_config"] = {"effort": effort}
    return body


def _messages(request: ModelRequest) -> list[Block]:
    """Return the turn as messages, the user's neighbours joined, with their cache marks.

    Two assistant messages in a row are a paused answer and how it went on; they stay apart.
    """
    before = _marked(_texts(request.memory, *request.ledger), HOUR)
    parts: list[tuple[str, list[Block]]] = [("user", before), *map(_part, request.turn)]
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


def _part(item: TurnItem) -> tuple[str, list[Block]]:
    if isinstance(item, Reply):
        return "assistant", list(item.raw)
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
    _usage: dict[str, Any] = field(default_factory=dict)
    _blocks: dict[int, Block] = field(default_factory=dict)
    _inputs: dict[int, str] = field(default_factory=dict)

    def take(self, event: dict[str, Any]) -> None:
        """Add one event, as the API sent it."""
        kind = event.get("type")
        if kind == "message_start":
            self.id = event["message"].get("id", "")
            self._count(event["message"].get("usage"))
        elif kind == "content_block_start":
            self._blocks[event["index"]] = dict(event["content_block"])
        elif kind == "content_block_delta":
            self._extend(event["index"], event["delta"])
        elif kind == "message_delta":
            self.stop_reason = event["delta"].get("stop_reason") or ""
            self.stop_details = event["delta"].get("stop_details") or {}
            self._count(event.get("usage"))
        elif kind == "message_stop":
            self.complete = True

    def _extend(self, index: int, delta: dict[str, Any]) -> None:
        block = cast(dict[str, Any], self._blocks[index])
        kind = delta["type"]
        if kind == "text_delta":
            block["text"] = block.get("text", "") + delta["text"]
        elif kind == "thinking_delta":
            block["thinking"] = block.get("thinking", "") + delta["thinking"]
        elif kind == "signature_delta":
            block["signature"] = delta["signature"]
        elif kind == "input_json_delta":
            self._inputs[index] = self._inputs.get(index, "") + delta["partial_json"]
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]

    def _count(self, usage: dict[str, Any] | None) -> None:
        """Counts are running totals; what an event leaves out stays as it was."""
        self._usage |= {name: count for name, count in (usage or {}).items() if count is not None}

    def usage(self, model: str) -> Usage:
        """Return what the call used, without its price."""
        counts = self._usage
        return Usage(
            model=model,
            calls=1,
            input_tokens=counts.get("input_tokens", 0),
            output_tokens=counts.get("output_tokens", 0),
            cache_read_tokens=counts.get("cache_read_input_tokens", 0),
            cache_write_tokens=counts.get("cache_creation_input_tokens", 0),
        )

    def long_lived_writes(self) -> int:
        """Return how many tokens were written to the cache for an hour."""
        created = self._usage.get("cache_creation") or {}
        return int(created.get("ephemeral_1h_input_tokens", 0))

    def reply(self, usage: Usage) -> Reply:
        """Return the whole answer. Tool calls of a stopped answer never run and are left out."""
        texts = [str(block["text"]) for block in self._blocks.values() if block["type"] == "text"]
        raw = [self._finished(index) for index in sorted(self._blocks)]
        calls = tuple(
            ToolCall(str(block["id"]), str(block["name"]), self._arguments(index))
            for index, block in sorted(self._blocks.items())
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
        )

    def _arguments(self, index: int) -> str:
        return self._inputs.get(index) or json.dumps(self._blocks[index].get("input") or {})

    def _finished(self, index: int) -> Block:
        """Return a block as it is sent again: a tool's input as an object."""
        block = self._blocks[index]
        if index not in self._inputs:
            return block
        try:
            given = json.loads(self._inputs[index] or "{}")
        except json.JSONDecodeError:
            given = None
        return block | {"input": given if isinstance(given, dict) else {}}


def _sendable(blocks: list[Block]) -> list[Block]:
    """Return the blocks that may be sent again: the API refuses empty texts."""
    return [block for block in blocks if block["type"] != "text" or block["text"]]


def _without_loose_ends(blocks: list[Block]) -> list[Block]:
    """Return what a stopped answer may leave in the conversation.

    A tool call would need a result, and an answer may not end in a thinking block.
    """
    kept = [block for block in blocks if block["type"] != "tool_use"]
    while kept and kept[-1]["type"] in ("thinking", "redacted_thinking"):
        kept.pop()
    return kept
