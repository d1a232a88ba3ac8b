"""Looking at a repository from outside: who works, what is being done, where everything stands.

Reads files and takes no lock. What was read once is only brought up to date by what is new.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.group import Group
from pipeline.paths import Places
from pipeline.store.asked import Asked, asked_of
from pipeline.store.balance import Balance, Caps, balance
from pipeline.store.bill import Bill
from pipeline.store.now import Now, load_now
from pipeline.store.run_info import RunInfo, alive
from pipeline.store.summary import Summary, load, refreshed

IDLE = "idle"
"""The phase when nobody works, nobody has to decide, and not everything is done."""

PAUSED = "paused"
"""The phase while who works waits because a person asked it to."""


@dataclass(frozen=True)
class View:
    """All that is shown of one moment."""

    at: datetime
    """UTC."""
    summary: Summary
    worker: RunInfo | None
    now: Now | None
    asked: Asked | None = None
    """What a person asks of the process that works."""

    @property
    def phase(self) -> str:
        """Return what is going on: init, planning, gate, executing, paused, complete or idle."""
        if self.worker is not None and self.worker.waits_until:
            return "gate"
        if self.worker is not None and self.worker.paused_since:
            return PAUSED
        if self.worker is not None:
            planning = "planning" if self.summary.planning else "init"
            return "executing" if self.summary.executing else planning
        groups = {row.group for row in self.summary.rows}
        if Group.NEEDS_YOU in groups or self.summary.holds:
            return "gate"
        return "complete" if groups and groups <= {Group.LANDED, Group.TURNED_DOWN} else IDLE

    @property
    def counts(self) -> Counter[str]:
        """Return how many issues are in each group."""
        return Counter(row.group for row in self.summary.rows)

    @property
    def balance(self) -> Balance:
        """Return what is spent, reserved and left, by the caps of whoever works."""
        worker, summary = self.worker, self.summary
        caps = worker.caps if worker is not None and worker.caps else summary.caps
        return balance(Bill.of_json(summary.bill), Caps(**caps), f"{self.at:%Y-%m-%d}")


class Watcher:
    """Looks at one repository again and again."""

    def __init__(
        self, places: Places, clock: Callable[[], datetime], read: Callable[[], Summary | None]
    ) -> None:
        """Begin without having looked; `read` makes a summary from the whole journal, if it may."""
        self._places = places
        self._clock = clock
        self._read = read
        self._summary: Summary | None = None

    def look(self) -> View | None:
        """Return what there is to see; None before anything could be read."""
        self._summary = self._renewed() or self._read() or self._summary
        if self._summary is None:
            return None
        worker = alive(self._places)
        now = load_now(self._places, worker.pid) if worker else None
        return View(self._clock(), self._summary, worker, now, asked_of(self._places, worker))

    def _renewed(self) -> Summary | None:
        """Return the summary that is known, brought up to date; None where that takes reading."""
        known = refreshed(self._places, self._summary) if self._summary else None
        return known or load(self._places)
