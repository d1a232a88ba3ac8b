"""A request as Chat Completions wants it, and an answer as it streams in.

tools | system: prompt, context | user: memory, digest*.., request | assistant | tool* | user | ...

Servers cache the prefix by themselves, so there are no marks: it only has to stay the same. The
API has many servers; where they differ this takes what all of them know (`system` rather than
`developer`, texts rather than parts where one text is all, nothing that is not asked for).
"""

import secrets
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
    ToolSpec,
    TurnItem,
)
from pipeline.agents.providers.chat_repair import calls_in_text, mended, sendable
from pipeline.domain.results import Usage

Message = dict[str, JsonValue]

NEXT_STEP: dict[str, NextStep] = {
    "stop": NextStep.STOP,
    "tool_calls": NextStep.RUN_TOOLS,
    "function_call": NextStep.RUN_TOOLS,
    "length": NextStep.TRUNCATED,
    "content_filter": NextStep.REFUSED,
}
"""The SDK's `finish_reason`; any other one means stop, and its tool calls never run."""

RUNS = ("tool_calls", "function_call", "stop")
"""Tool calls of these answers run: several servers say `stop` after a tool call."""

REASONING = ("reasoning_content", "reasoning", "reasoning_details")
"""What servers call a model's reasoning: vLLM and DeepSeek; Ollama and OpenRouter; OpenRouter."""


def request_body(
    request: ModelRequest,
    model: str,
    effort: str | None,
    temperature: float | None,
    *,
    at_openai: bool,
) -> dict[str, Any]:
    """Return the arguments of `chat.completions.create`, without `stream`.

    OpenAI's own server wants `max_completion_tokens`, which few others know.
    """
    most = "max_completion_tokens" if at_openai else "max_tokens"
    body: dict[str, Any] = {
        "model": model,
        most: request.max_output_tokens,
        "stream_options": {"include_usage": True},
        "messages": _messages(request, model),
        "tools": [_tool(tool) for tool in sorted(request.head.tools, key=lambda tool: tool.name)],
    }
    if not request.may_call:
        body["tool_choice"] = "none"
    if at_openai:
        body["prompt_cache_key"] = request.cache_key
    if effort is not None:
        body["reasoning_effort"] = effort
    if temperature is not None:
        body["temperature"] = temperature
    return body


def _tool(tool: ToolSpec) -> Message:
    function: Message = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema,
    }
    return {"type": "function", "function": function}


def _messages(request: ModelRequest, model: str) -> list[Message]:
    system = "\n\n".join(text for text in (request.head.system, request.head.context) if text)
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    before = [text for text in (request.memory, *request.ledger) if text]
    for number, item in enumerate(request.turn):
        messages += _turn_messages(item, before if number == 0 else [], model)
    return messages


def _turn_messages(item: TurnItem, before: list[str], model: str) -> list[Message]:
    if isinstance(item, Reply):
        left_out = () if item.is_by(model) else REASONING
        return [{k: v for k, v in one.items() if k not in left_out} for one in item.raw]
    if isinstance(item, Said):
        return [{"role": "user", "content": _content([*before, item.text])}]
    return [_result(result) for result in item.results]


def _content(texts: list[str]) -> JsonValue:
    return texts[0] if len(texts) == 1 else [{"type": "text", "text": text} for text in texts]


def _result(result: ToolResult) -> Message:
    text = result.text or "(no output)"
    return {
        "role": "tool",
        "tool_call_id": result.call_id,
        "content": f"Error: {text}" if result.is_error else text,
    }


@dataclass
class Piece:
    """A tool call while its parts arrive."""

    index: object
    id: str = ""
    name: str = ""
    given: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        """Return what has arrived, joined."""
        return "".join(self.given)


@dataclass
class Answer:
    """An answer while its chunks arrive; texts are joined once, since answers can be long."""

    id: str = ""
    finish_reason: str = ""
    _said: dict[str, list[Any]] = field(default_factory=dict)
    """The pieces of content, refusal and reasoning, under the names they came with."""
    _pieces: list[Piece] = field(default_factory=list)
    _usage: dict[str, Any] = field(default_factory=dict)

    def take(self, chunk: dict[str, Any]) -> None:
        """Add one chunk, as the server sent it."""
        self.id = self.id or chunk.get("id") or ""
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices") or []:
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            self._extend(choice.get("delta") or {})

    def _extend(self, delta: dict[str, Any]) -> None:
        for name in ("content", "refusal", *REASONING):
            if more := delta.get(name):
                self._said.setdefault(name, []).append(more)
        for part in delta.get("tool_calls") or []:
            function = part.get("function") or {}
            piece = self._piece(part.get("index"), part.get("id") or "", function.get("name") or "")
            given = function.get("arguments")
            piece.given.append(given if isinstance(given, str) else mended_object(given))

    def _piece(self, index: object, key: str, name: str) -> Piece:
        """Return the call that a part belongs to; some servers give all calls one index."""
        for piece in reversed(self._pieces):
            if piece.index == index and key in ("", piece.id):
                piece.name = piece.name or name
                return piece
        self._pieces.append(Piece(index, key, name))
        return self._pieces[-1]

    @property
    def cost(self) -> float | None:
        """Return the price in USD where the server names it, as OpenRouter does."""
        cost = self._usage.get("cost")
        return float(cost) if isinstance(cost, int | float) else None

    def usage(self, model: str) -> Usage:
        """Return what the call used, without its price. The API counts cached tokens as input."""
        details = self._usage.get("prompt_tokens_details") or {}
        read = details.get("cached_tokens") or 0
        written = details.get("cache_write_tokens") or 0
        return Usage(
            model=model,
            calls=1,
            input_tokens=max(0, (self._usage.get("prompt_tokens") or 0) - read - written),
            output_tokens=self._usage.get("completion_tokens") or 0,
            cache_read_tokens=read,
            cache_write_tokens=written,
        )

    def reply(self, usage: Usage, tools: tuple[ToolSpec, ...]) -> Reply:
        """Return the whole answer, its tool calls repaired where only one reading is possible.

        Tool calls of a stopped answer never run and are left out.
        """
        text, refusal = str(self._joined("content")), str(self._joined("refusal"))
        calls = tuple(
            ToolCall(key, piece.name, mended(piece.arguments, piece.name, tools))
            for piece, key in zip(self._pieces, self._ids(), strict=True)
        )
        if not calls and self.finish_reason in RUNS and (found := calls_in_text(text, tools)):
            text = ""
            calls = tuple(ToolCall(_new_id(), name, given) for name, given in found)
        step = NextStep.REFUSED if refusal else NEXT_STEP.get(self.finish_reason, NextStep.STOP)
        if step in (NextStep.STOP, NextStep.RUN_TOOLS):
            runs = bool(calls) and self.finish_reason in RUNS
            step = NextStep.RUN_TOOLS if runs else NextStep.STOP
        runs = step is NextStep.RUN_TOOLS
        return Reply(
            raw=self._raw(text or refusal, calls if runs else ()),
            text=refusal or text,
            tool_calls=calls if runs else (),
            next_step=step,
            usage=usage,
            response_id=self.id,
        )

    def _ids(self) -> list[str]:
        """Return an id for each call; some servers send none, or one for all."""
        ids: list[str] = []
        for piece in self._pieces:
            ids.append(piece.id if piece.id and piece.id not in ids else _new_id())
        return ids

    def _raw(self, said: str, calls: tuple[ToolCall, ...]) -> tuple[Message, ...]:
        """Return the message as it is sent again; reasoning belongs to the calls it led to."""
        if calls:
            message: Message = {
                "role": "assistant",
                "content": said or None,
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.name, "arguments": sendable(call.arguments)},
                    }
                    for call in calls
                ],
            }
            reasoning = {name: self._joined(name) for name in REASONING if name in self._said}
            return (message | cast(Message, reasoning),)
        return ({"role": "assistant", "content": said},) if said else ()

    def _joined(self, name: str) -> str | list[Any]:
        """Return what arrived under a name: texts joined, lists one after the other."""
        pieces = self._said.get(name, [])
        if all(isinstance(piece, str) for piece in pieces):
            return "".join(pieces)
        return [one for piece in pieces for one in piece]


def mended_object(given: object) -> str:
    """Return arguments that came as an object, or as nothing, as text."""
    return "" if given is None else sendable(given)


def _new_id() -> str:
    return f"call_{secrets.token_hex(8)}"
