"""Plays the workload through the real conversation and layouts against the vendors' cache rules.

    Conversation (history: fresh | ledger | full) -> layout of the vendor -> PromptCache -> Cost

No model answers: replies and results are text of the size that the workload says. What is counted
is what the vendor would count for exactly these bytes.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.agents.conversation import Conversation
from pipeline.agents.limits import BYTES_PER_TOKEN
from pipeline.agents.messages import (
    Head,
    ModelRequest,
    NextStep,
    Reply,
    Results,
    Said,
    ToolCall,
    ToolResult,
    ToolSpec,
    TurnItem,
)
from pipeline.agents.providers import anthropic_layout, openai_layout
from pipeline.domain.results import Usage
from pipeline.rehearsal.caching import PromptCache
from pipeline.rehearsal.server import WIRES
from pipeline.settings import History

Raw = dict[str, Any]


@dataclass(frozen=True)
class Vendor:
    """What one vendor takes, in multiples of an uncached input token."""

    name: str
    model: str
    path: str
    fresh: float
    read: float
    output: float
    write: dict[str, float]


@dataclass(frozen=True)
class Workload:
    """The sizes of everything, in tokens."""

    number: int
    calls: int
    request_tokens: int
    reply_tokens: int
    result_tokens: int
    digest_tokens: int
    prefix_tokens: int
    summary_tokens: int


@dataclass(frozen=True)
class Strategy:
    """What an agent is sent of earlier turns, and from how many tokens on it is compacted."""

    name: str
    history: History
    compact_at: int | None = None


@dataclass
class Cost:
    """What one issue came to."""

    fresh: int = 0
    read: int = 0
    written: int = 0
    units: float = 0.0
    """Input, in tokens at the price of an uncached one."""
    output: int = 0
    folded: bool = False

    @property
    def tokens(self) -> int:
        """Return all input tokens."""
        return self.fresh + self.read + self.written


@dataclass
class Player:
    """Plays one strategy at one vendor, issue after issue."""

    workload: Workload
    vendor: Vendor
    strategy: Strategy
    _cache: PromptCache = field(default_factory=PromptCache)
    _written: int = 0

    def play(self) -> Iterator[Cost]:
        """Yield what each issue costs."""
        work = self.workload
        talk = Conversation(
            _head(work.prefix_tokens), cache_key="bench", history=self.strategy.history
        )
        for number in range(1, work.number + 1):
            cost = Cost()
            turn: list[TurnItem] = [Said(_text(work.request_tokens, f"request {number}"))]
            for call in range(work.calls):
                limit = self.strategy.compact_at
                if limit is not None and talk.tokens(turn) >= limit:
                    turn = self._compact(talk, turn, cost)
                self._count(talk.request(turn, 8_000), cost)
                cost.output += work.reply_tokens
                turn += self._exchange(f"{number}.{call}")
            fold = talk.add(_digest(number, work.digest_tokens), turn)
            cost.folded = fold is not None
            yield cost

    def _compact(self, talk: Conversation, turn: list[TurnItem], cost: Cost) -> list[TurnItem]:
        """Have all messages replaced by a summary: one more reading of them, and its output."""
        self._count(talk.request(turn, 8_000), cost)
        cost.output += self.workload.summary_tokens
        cost.units += self.workload.summary_tokens * self.vendor.output
        self._written += 1
        text = _text(self.workload.summary_tokens, f"summary {self._written}")
        raw = (SUMMARIES[self.vendor.name](text),)
        summary = Reply(raw, "", (), NextStep.STOP, Usage())
        return talk.compacted(summary, Said("Go on."))

    def _count(self, request: ModelRequest, cost: Cost) -> None:
        body = BODIES[self.vendor.name](request, self.vendor.model)
        counted = WIRES[self.vendor.path].count(json.loads(json.dumps(body)), self._cache)
        written = sum(counted.written.values())
        cost.fresh += counted.fresh
        cost.read += counted.read
        cost.written += written
        cost.units += (
            counted.fresh * self.vendor.fresh
            + counted.read * self.vendor.read
            + sum(tokens * self.vendor.write[ttl] for ttl, tokens in counted.written.items())
        )

    def _exchange(self, name: str) -> list[TurnItem]:
        """Return one call of a tool and what it came to."""
        call = ToolCall(f"call-{name}", "read_file", "{}")
        raw = CALLS[self.vendor.name](call.id, _text(self.workload.reply_tokens, name))
        reply = Reply((raw,), "", (call,), NextStep.RUN_TOOLS, Usage())
        return [reply, Results((ToolResult(call.id, _text(self.workload.result_tokens, name)),))]


def _anthropic_call(call_id: str, text: str) -> Raw:
    return {"type": "tool_use", "id": call_id, "name": "read_file", "input": {"path": text}}


def _openai_call(call_id: str, text: str) -> Raw:
    arguments = json.dumps({"path": text})
    return {
        "type": "function_call",
        "call_id": call_id,
        "name": "read_file",
        "arguments": arguments,
    }


BODIES: dict[str, Callable[[ModelRequest, str], Raw]] = {
    "anthropic": lambda request, model: anthropic_layout.request_body(request, model, None),
    "openai": lambda request, model: openai_layout.request_body(request, model, None),
}
CALLS: dict[str, Callable[[str, str], Raw]] = {"anthropic": _anthropic_call, "openai": _openai_call}
SUMMARIES: dict[str, Callable[[str], Raw]] = {
    "anthropic": lambda text: {"type": "compaction", "content": text},
    "openai": lambda text: {"type": "compaction", "id": "cmp", "encrypted_content": text},
}


def _head(tokens: int) -> Head:
    """Return a head of about so many tokens, a third of it tools."""
    tool = ToolSpec("read_file", _text(tokens // 3, "tool"), {"type": "object"})
    return Head((tool,), _text(tokens // 3, "system"), _text(tokens // 3, "context"))


def _digest(number: int, tokens: int) -> str:
    """Return a digest as they are: a first line of some 25 tokens, which a fold keeps."""
    title = "let the parser take an empty list of words without an error"
    head = f"ISS-{number} planned as SOL-ISS-{number}-1: {title}"
    return f"{head}\n{_text(tokens - len(head) // BYTES_PER_TOKEN, head)}"


def _text(tokens: int, seed: str) -> str:
    """Return text of so many tokens that no other seed gives."""
    size = tokens * BYTES_PER_TOKEN
    block = hashlib.sha256(seed.encode()).hexdigest()
    return (seed + " " + block * (size // len(block) + 1))[:size]
