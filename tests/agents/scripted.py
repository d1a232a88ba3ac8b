"""A provider with a queue of replies: our own Protocol, without a vendor."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.agents.messages import (
    CallLimits,
    Lifetimes,
    ModelRequest,
    NextStep,
    Reply,
    ToolCall,
)
from pipeline.domain.results import Usage

Move = Reply | Exception | Callable[[ModelRequest, CallLimits], Reply]


@dataclass
class Scripted:
    """Answers each call with the next move: a reply, an error to raise, or a function."""

    moves: list[Move] = field(default_factory=list)
    name: str = "scripted"
    model: str = "scripted-1"
    fallback: str | None = None
    requests: list[ModelRequest] = field(default_factory=list)
    summaries: list[Move] | None = None
    """What `compact` answers with; None: the vendor writes no summaries."""
    compacted: list[ModelRequest] = field(default_factory=list)
    closed: bool = False

    def complete(self, request: ModelRequest, limits: CallLimits) -> Reply:
        self.requests.append(request)
        move = self.moves.pop(0)
        if isinstance(move, Exception):
            raise move
        return move if isinstance(move, Reply) else move(request, limits)

    def compacts(self, model: str) -> bool:
        return self.summaries is not None and model == self.model

    def compact(self, request: ModelRequest, limits: CallLimits) -> Reply:
        self.compacted.append(request)
        assert self.summaries is not None
        move = self.summaries.pop(0)
        if isinstance(move, Exception):
            raise move
        return move if isinstance(move, Reply) else move(request, limits)

    def lifetimes(self, model: str) -> Lifetimes:
        return Lifetimes(prefix_s=3600, turn_s=300)

    def price(self, usage: Usage) -> float | None:
        return usage.input_tokens * 1e-6 + usage.output_tokens * 5e-6

    def close(self) -> None:
        self.closed = True


USED = Usage(
    model="scripted-1",
    calls=1,
    input_tokens=10,
    output_tokens=20,
    cache_read_tokens=100,
    cache_write_tokens=5,
    usd=0.001,
)


def asks(*calls: tuple[str, dict[str, object]], step: NextStep = NextStep.RUN_TOOLS) -> Reply:
    """Return a reply that calls tools: pairs of name and arguments."""
    made = tuple(
        ToolCall(f"call-{n}", name, json.dumps(arguments))
        for n, (name, arguments) in enumerate(calls, 1)
    )
    raw = tuple({"type": "tool_use", "id": call.id, "name": call.name} for call in made)
    return Reply(raw, "", made, step, USED, "resp")


def says(text: str, step: NextStep = NextStep.STOP) -> Reply:
    """Return a reply of text alone."""
    return Reply(({"type": "text", "text": text},), text, (), step, USED, "resp")
