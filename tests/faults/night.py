"""A night in which every fifth request fails, with an outage of two hours in the middle of it."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from pipeline.app.project import open_project
from pipeline.app.working import work_through
from pipeline.domain.wanted import Wanted
from pipeline.events import Event, EventBus, OutagePaused, QuotaPaused
from pipeline.rehearsal.faults import Fault, rate_limited
from pipeline.rehearsal.scripting import any_issue
from pipeline.rehearsal.view import RequestView
from tests.e2e.night import Night
from tests.faults.clocks import VirtualTime

OUTAGE_S = 2 * 3600
SHARE = 0.2
TROUBLES = (
    Fault("status", status=500),
    Fault("status", status=529, headers={"retry-after": "20"}),
    Fault("reset"),
    Fault("reset", at="headers"),
    Fault("cut", at="first"),
    Fault("error", status=529, at="first", code="server_error"),
    rate_limited(30),
    rate_limited(600),
)


@dataclass
class Weather:
    """Decides what happens to each request: the same for the same seed and order."""

    time: VirtualTime
    outage_from: int
    """The number of the request with which the outage begins."""
    seed: int = 7
    requests: int = 0
    met: Counter[str] = field(default_factory=Counter)
    outage_until: float | None = None
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def __call__(self, view: RequestView) -> Fault | None:
        with self._lock:
            self.requests += 1
            now = self.time.seconds()
            if self.requests == self.outage_from:
                self.outage_until = now + OUTAGE_S
            if self.outage_until is not None and now < self.outage_until:
                self.met["outage"] += 1
                return Fault("reset")
            if self._random.random() >= SHARE:
                return None
            fault = self._random.choice(TROUBLES)
            self.met[f"{fault.kind} {fault.status}" if "s" in fault.kind else fault.kind] += 1
            return fault


def bad_night(folder: Path, issues: int) -> str:
    """Plan, approve and carry out `issues`; assert that all landed; say how it was."""
    began, clock = time.monotonic(), VirtualTime()
    weather = Weather(clock, outage_from=issues * 4)
    names = [f"ISS-{number}" for number in range(1, issues + 1)]
    events: list[Event] = []
    with Night(folder, any_issue(), faults=weather) as night:
        night.add(*names)
        assert _work(night, clock, events, planning=True, execution=False) == 3
        plans = [str(record["solution_id"]) for record in night.planned()]
        assert len(plans) == issues
        assert night.run("approve", *plans).code == 0
        assert _work(night, clock, events, planning=True, execution=True) == 0

        assert set(night.states().values()) == {"completed"}
        records = night.executed()
        assert sorted(str(record["issue_id"]) for record in records) == sorted(names)
        assert {record["status"] for record in records} == {"completed"}
        assert len(night.commits()) == issues
        assert len(night.planned()) == issues
    waits = Counter(type(event) for event in events)
    assert waits[OutagePaused] > 0
    assert clock.slept_s >= OUTAGE_S
    return (
        f"a night of {issues} issues: all landed, {weather.requests} requests,"
        f" {sum(weather.met.values())} of them failed ({weather.met['outage']} in the outage),"
        f" {waits[QuotaPaused]} quotas and {waits[OutagePaused]} times an outage waited out,"
        f" {clock.slept_s / 3600:.1f} h of waiting in {time.monotonic() - began:.0f} s"
    )


def _work(
    night: Night, clock: VirtualTime, events: list[Event], *, planning: bool, execution: bool
) -> int:
    project = open_project(night.root, {"run.wait_quota": "24h"})
    wanted = Wanted(planning=planning, execution=execution)
    bus = EventBus([events.append])
    return work_through(project, wanted, bus=bus, stop=lambda: False, timing=clock.timing)
