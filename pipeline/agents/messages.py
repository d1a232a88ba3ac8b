"""What passes between an agent and a provider, free of any vendor's words.

    ModelRequest = Head (tools, system, context: frozen) + memory + ledger (digests) + open turn
    Reply        = the vendor's own blocks (re-sent unchanged) + text + tool calls + usage

A provider lays a request out for its vendor so that the head, memory and ledger stay a
byte-identical prefix of the next request.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Protocol

import orjson
from pydantic import JsonValue

from pipeline.domain.results import Usage
from pipeline.errors import ProviderError


@dataclass(frozen=True)
class ToolSpec:
    """A tool as the model sees it; `schema` is a strict JSON Schema (every field required)."""

    name: str
    description: str
    schema: dict[str, JsonValue]


@dataclass(frozen=True)
class ToolCall:
    """A model's wish to use a tool. `arguments` is JSON text, unchecked, possibly malformed."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ToolResult:
    """What a tool call came to, as text for the model."""

    call_id: str
    text: str
    is_error: bool = False


class NextStep(StrEnum):
    """What a vendor's stop reason means for the loop."""

    RUN_TOOLS = "run_tools"
    RESUME = "resume"
    """Send the same conversation again (Anthropic's `pause_turn`)."""
    STOP = "stop"
    TRUNCATED = "truncated"
    REFUSED = "refused"


@dataclass(frozen=True)
class Reply:
    """One answer of a model. `raw` holds the vendor's blocks or items, to be re-sent unchanged."""

    raw: tuple[dict[str, JsonValue], ...]
    text: str
    tool_calls: tuple[ToolCall, ...]
    next_step: NextStep
    usage: Usage
    """Of this one call (`calls=1`), `usd` None when the price is not known."""
    response_id: str = ""
    cache_miss: str = ""
    """Why the cache did not answer, in the vendor's word, where it was asked and says so."""

    @property
    def is_summary(self) -> bool:
        """Tell whether the vendor wrote it in place of all that was said before."""
        return any(part.get("type") == "compaction" for part in self.raw)

    def is_by(self, model: str) -> bool:
        """Tell whether `model` wrote it: its thinking is of use to no other."""
        return self.usage.model in ("", model)


@dataclass(frozen=True)
class Said:
    """Something the pipeline says inside the open turn: the request, or a reminder."""

    text: str


@dataclass(frozen=True)
class Results:
    """The results of all tool calls of the reply before, in their order."""

    results: tuple[ToolResult, ...]


TurnItem = Said | Reply | Results
"""An open turn is `Said, (Reply, Results | Said)*`, append-only."""


@dataclass(frozen=True)
class Head:
    """The frozen part of a conversation: identical bytes from the first request to the last."""

    tools: tuple[ToolSpec, ...]
    """Sorted by name."""
    system: str
    context: str

    @cached_property
    def tool_bytes(self) -> bytes:
        """The tools as canonical JSON."""
        return orjson.dumps(
            [[tool.name, tool.description, tool.schema] for tool in self.tools],
            option=orjson.OPT_SORT_KEYS,
        )


@dataclass(frozen=True)
class ModelRequest:
    """All that one model call sends."""

    head: Head
    memory: str
    ledger: tuple[str, ...]
    turn: tuple[TurnItem, ...]
    max_output_tokens: int
    cache_key: str
    """Stable per role and run."""
    model: str = ""
    """Who is asked; empty: the provider's own model."""
    may_call: bool = True
    """False: text alone is wanted. The tools stay where they are, since the cache begins there."""

    @property
    def is_compacted(self) -> bool:
        """Tell whether a vendor's summary stands for what was said before."""
        return any(isinstance(item, Reply) and item.is_summary for item in self.turn)


class StopSignal(Protocol):
    """Something that can be asked whether the work should stop."""

    def __call__(self) -> bool:
        """Return True when it should."""
        ...


class Meter(Protocol):
    """Counts the tries of one model call: each is paid for by itself."""

    def failed(self, error: ProviderError) -> None:
        """Take in that a try has failed and another one follows."""
        ...

    def again(self) -> None:
        """Pay for another try; raises what the purse raises."""
        ...


class NoMeter:
    """A `Meter` that counts nothing."""

    def failed(self, error: ProviderError) -> None:
        """Take it as it is."""

    def again(self) -> None:
        """Let it go on."""


@dataclass(frozen=True)
class CallLimits:
    """Until when one model call may take. Seconds on the clock that `clock` reads (monotonic)."""

    clock: Callable[[], float]
    deadline: float
    silence_s: float
    """Longest time without one byte from the vendor."""
    stop: StopSignal
    meter: Meter = field(default_factory=NoMeter)


@dataclass(frozen=True)
class Lifetimes:
    """How long a vendor keeps what it has cached, in seconds from the start of the last use."""

    prefix_s: float
    """Head, memory and ledger."""
    turn_s: float


class Provider(Protocol):
    """The adapter for one vendor's API."""

    @property
    def name(self) -> str:
        """Return what settings call the vendor."""
        ...

    model: str
    fallback: str | None
    """The model that may answer when the own one is overloaded; None: no other."""

    def complete(self, request: ModelRequest, limits: CallLimits) -> Reply:
        """Make one model call (streaming; partial answers are discarded) and return its answer.

        Transient failures are retried inside, within `limits`. Raises `AuthProblem`,
        `QuotaReached`, `SpendLimit`, `Overloaded`, `NetworkProblem`, `ContextOverflow`,
        `BadRequest`, `TurnTimedOut` and `Stopped`.
        """
        ...

    def compacts(self, model: str) -> bool:
        """Tell whether the vendor writes summaries of a conversation with `model`."""
        ...

    def compact(self, request: ModelRequest, limits: CallLimits) -> Reply:
        """Return the vendor's summary of all that `request` sends after its head.

        It goes first in the turn, and memory and ledger are not sent any more. Without `raw` the
        vendor has failed to make one. Raises what `complete` raises.
        """
        ...

    def lifetimes(self, model: str) -> Lifetimes:
        """Return how long the vendor keeps what `model` has cached."""
        ...

    def price(self, usage: Usage) -> float | None:
        """Return what `usage` costs in USD at most, at its model (none named: the provider's own).

        None when the model's price is not known.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
