"""The nouns of a turn: what is asked, what is open, how it ended."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pipeline.agents.cache_alarm import Fall
from pipeline.agents.fence import nonce_for
from pipeline.agents.messages import StopSignal, TurnItem
from pipeline.agents.stuck import WINDOW, Step
from pipeline.agents.toolbox import CountsAs, Toolbox
from pipeline.domain.counting import counted
from pipeline.domain.results import Usage
from pipeline.errors import Stopped, TurnTimedOut

OutcomeStatus = Literal["answered", "failed", "stuck", "timed_out", "interrupted"]


@dataclass(frozen=True)
class TurnRequest:
    """What is asked of an agent in one turn."""

    request_id: str
    """`<issue id>.<turn number>`, echoed by the final tool."""
    issue_id: str
    text: str
    toolbox: Toolbox
    minutes: float


@dataclass(frozen=True)
class Ending:
    """How a turn ends."""

    status: OutcomeStatus
    answer: object | None = None
    reason: str | None = None


@dataclass(frozen=True)
class TurnOutcome:
    """What came of a turn. `answer` is what the final tool's handler accepted."""

    turn_id: str
    status: OutcomeStatus
    answer: object | None = None
    reason: str | None = None
    """Why there is no answer, in one line."""
    usage: Usage = field(default_factory=Usage)


@dataclass
class Turn:
    """A turn under way; replies and tool calls belong to this object and to no other."""

    id: str
    request: TurnRequest
    items: list[TurnItem]
    deadline: float = float("inf")
    """On the agent's monotonic clock, in seconds."""
    calls: int = 0
    model: str = ""
    """Who is asked; empty: the provider's own model. Once it has fallen back it stays there."""
    reminded: bool = False
    truncated: bool = False
    refusals: dict[CountsAs, int] = field(default_factory=lambda: {"answer": 0, "repair": 0})
    usage: Usage = field(default_factory=Usage)
    counted: int = 0
    """Tokens of the newest request and what stays of its reply, by the vendor; 0: none yet."""
    falls: list[Fall] = field(default_factory=list)
    """Where the cache answered for less than it should have, and nobody has noted it yet."""
    overflowed: bool = False
    """Whether it was summed up because it did not fit the model's window."""
    unshortened: bool = False
    """Whether it could not be summed up; it is not tried again."""
    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=WINDOW))
    """What it did last, since it was last told that it goes in circles."""
    nudged: bool = False
    """Whether it was told so."""
    interrupted: threading.Event = field(default_factory=threading.Event)
    """Set from any thread; it belongs to this turn, so it can end no other one."""

    @cached_property
    def nonce(self) -> str:
        """Return the nonce of what its tools return: the same after a resume."""
        return nonce_for(self.request.request_id, self.request.text)

    def check(self, clock: Callable[[], float], stop: StopSignal) -> None:
        """Raise `Stopped` or `TurnTimedOut` when the turn may not go on."""
        if stop():
            raise Stopped("interrupted; `pipeline run` carries on where it stopped")
        if clock() >= self.deadline:
            raise TurnTimedOut(f"no answer within {counted(self.request.minutes, 'minute')}")
