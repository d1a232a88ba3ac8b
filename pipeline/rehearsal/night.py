"""What a night brings, and where it strikes: the faults of `pipeline rehearse`, each met once.

    evening  bad-json     the planner's answer is not JSON
             hang         the planner's model never answers
    between  drift        somebody commits on the run's branch, on a file of an approved plan
    night    disk-full    the disk is full while the executor works
             quota        the executor's vendor wants an hour's patience
             crash        the run's process is killed (SIGKILL) in the middle of an attempt
             flaky-tests  the project's tests fail once on a change that is fine

Faults of one agent strike in this order, each at an issue of its own where there are enough.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal, get_args

from pipeline.rehearsal.faults import Fault, rate_limited
from pipeline.rehearsal.view import AgentName, RequestView

NightFault = Literal["bad-json", "hang", "drift", "disk-full", "quota", "crash", "flaky-tests"]
NIGHT_FAULTS: tuple[NightFault, ...] = get_args(NightFault)
"""In the order in which they strike."""

QUOTA_S = 3600
"""How long the vendor asks to be left alone."""


@dataclass(frozen=True)
class Place:
    """A request of a turn at which a fault strikes."""

    agent: AgentName
    call: int
    answer: Fault | None = None
    """What the stand-in does instead of its answer; None: it answers, the trouble is elsewhere."""


PLACES: dict[NightFault, Place | None] = {
    "bad-json": Place("planner", 1, Fault("malformed")),
    "hang": Place("planner", 0, Fault("hang")),
    "drift": None,
    "disk-full": Place("executor", 2),
    "quota": Place("executor", 1, rate_limited(QUOTA_S)),
    "crash": Place("executor", 2),
    "flaky-tests": Place("executor", 3),
}
"""Fault -> the request at which it strikes; None: between two commands."""

CALLS: dict[AgentName, int] = {"planner": 2, "executor": 4}
"""How many calls a turn of `improvised.py` takes when nothing goes wrong."""

Deed = Callable[[], bool]
"""Does a fault's harm outside the stand-in; tells whether it could."""


@dataclass(frozen=True)
class Strike:
    """A fault that struck."""

    fault: NightFault
    agent: AgentName
    issue_id: str
    call: int
    """Which call of the turn it met; `CALLS` of the agent: the turn was over."""
    at: float
    """By the clock of the night (seconds)."""
    during: str
    """What was under way, in words."""


@dataclass
class Night:
    """The weather of a rehearsal: which faults are left, and which have struck where."""

    wanted: Sequence[NightFault]
    issues: int
    """How many issues there are to strike at."""
    deeds: Mapping[NightFault, Deed]
    clock: Callable[[], float]
    strikes: list[Strike] = field(default_factory=list)
    asked: list[tuple[float, RequestView]] = field(default_factory=list)
    """Every request, with its time."""
    _lock: Lock = field(default_factory=Lock)
    """Protects all of it: requests come in threads of the server."""

    def __call__(self, view: RequestView) -> Fault | None:
        """Be the weather of a stand-in."""
        with self._lock:
            self.asked.append((self.clock(), view))
            fault = self._next(view)
            place = PLACES[fault] if fault else None
            if fault is None or place is None:
                return None
            deed = self.deeds.get(fault)
            self.strikes.append(
                Strike(fault, view.agent, view.issue_id, view.call, self.clock(), during(view))
            )
            if deed is not None and not deed():
                self.strikes.pop()
                return None
            return place.answer

    def strike(self, fault: NightFault, issue_id: str, words: str) -> None:
        """Note a fault that struck after an issue was planned, between two commands."""
        with self._lock:
            over = CALLS["planner"]
            self.strikes.append(Strike(fault, "planner", issue_id, over, self.clock(), words))

    def left(self) -> list[NightFault]:
        """Return the faults that have not struck yet, in their order."""
        struck = {one.fault for one in self.strikes}
        return [name for name in NIGHT_FAULTS if name in self.wanted and name not in struck]

    def _next(self, view: RequestView) -> NightFault | None:
        """Return the fault that strikes at a request, if one does."""
        mine = [name for name in self.left() if (p := PLACES[name]) and p.agent == view.agent]
        if not mine:
            return None
        place = PLACES[mine[0]]
        seen = {one.issue_id for _, one in self.asked if one.agent == view.agent}
        hit = {one.issue_id for one in self.strikes if one.agent == view.agent}
        is_fresh = view.issue_id not in hit or len(seen) >= self.issues
        return mine[0] if place and place.call == view.call and is_fresh else None


def during(view: RequestView) -> str:
    """Say what a request belongs to."""
    work = "planning" if view.agent == "planner" else "executing"
    return f"{work} {view.issue_id}, call {view.call + 1}"
