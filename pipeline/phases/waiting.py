"""Waiting: a run with nothing else to do stays alive for what people decide elsewhere.

    a round found nothing to do --> look at four files, ten times a second
                                     |-- one has changed: another round
                                     |-- a signal: stop
                                     `-- the deadline: the plans that wait are parked, a last round

The time begins when a run first has nothing else to do, and decisions do not start it anew: what
was said to wait until six waits until six. Nothing is read until a file has changed.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pipeline.clocks import elapsed
from pipeline.domain.base import iso
from pipeline.domain.group import Group
from pipeline.domain.results import PlanningRecord
from pipeline.domain.wanted import Wanted
from pipeline.events import WaitBegan, WaitEnded
from pipeline.phases.returns import keep
from pipeline.phases.work import Work
from pipeline.plans.holds import awaits_confirmation
from pipeline.plans.lifecycle import PlanEvent, advance
from pipeline.plans.standing import Standing
from pipeline.store.entries import PlanChanged

STEP_S = 0.1

Look = tuple[tuple[int, int, int], ...]
"""Node, size and time of change (ns) of each file that is looked at; zeros where there is none."""


@dataclass
class Wait:
    """The waiting of one run."""

    work: Work
    planning: bool
    """Whether the run plans too: then answers to questions are waited for as well."""
    solutions: Collection[str] = ()
    """Only decisions on these plans are waited for; none: on all."""
    clock: Callable[[], float] = elapsed
    """Seconds; a machine that sleeps goes on waiting."""
    _ends: float | None = field(default=None, init=False)
    """The deadline on that clock, once the waiting has begun."""
    _is_over: bool = field(default=False, init=False)

    @classmethod
    def of(cls, work: Work, wanted: Wanted) -> "Wait":
        """Return the waiting that a command wants."""
        return cls(work, planning=wanted.planning, solutions=wanted.solutions)

    def is_worth_it(self) -> bool:
        """Tell whether the run is to wait, and a person could give it something to do."""
        return bool(self.work.settings.gate.wait_s) and self._is_anything_awaited()

    def look(self) -> Look:
        """Return how the files stand now in which other processes leave what they decide.

        Taken before a round, it tells `for_news` what that round may not have seen.
        """
        return tuple(_signature(path) for path in self._files())

    def for_news(self, seen: Look) -> bool:
        """Wait for what `seen` does not hold yet; tell whether there is anything to do again.

        Returns False at once where the run is not to wait, or nothing waits for a person. Raises
        `Stopped` on a signal.
        """
        work = self.work
        if self._is_over or not self.is_worth_it():
            return False
        work.book.flush()
        if self.look() != seen:
            return True
        ends = self._begin()
        try:
            with work.purse.idle():
                while self.look() == seen:
                    work.check_stop()
                    rest = ends - self.clock()
                    if rest <= 0:
                        self._park()
                        return True
                    time.sleep(min(rest, STEP_S))
                self._let_editors_finish(seen)
            return True
        finally:
            work.held.wait_until(None)

    def _begin(self) -> float:
        """Say until when the run waits; return the deadline (seconds, on the clock)."""
        work, now = self.work, self.clock()
        is_new = self._ends is None
        if self._ends is None:
            self._ends = now + work.settings.gate.wait_s
        until = work.now() + timedelta(seconds=self._ends - now)
        work.held.wait_until(iso(until))
        if is_new:
            work.bus.emit(WaitBegan(until))
        return self._ends

    def _is_anything_awaited(self) -> bool:
        rows = self.work.standings()
        if awaits_confirmation(rows, self.work.book.state) or self._undecided(rows):
            return True
        return self.planning and any(row.group is Group.NEEDS_YOU for row in rows)

    def _undecided(self, rows: Sequence[Standing]) -> list[PlanningRecord]:
        """Return the plans on which a decision is waited for."""
        plans = [row.record for row in rows if row.awaits_decision and row.record is not None]
        return [plan for plan in plans if not self.solutions or plan.key in self.solutions]

    def _park(self) -> None:
        """Record for each plan that still waits that nobody decided in time; ends all waiting."""
        work = self.work
        self._is_over = True
        reason = f"nobody decided within {in_words(work.settings.gate.wait_s)} (--wait-gate)"
        with work.book.alone():
            parked = self._undecided(work.standings())
            for record in parked:
                self._record_parked(record, reason)
        for record in parked:
            keep(work, record.key)
        work.bus.emit(WaitEnded(tuple(record.key for record in parked), reason))

    def _record_parked(self, record: PlanningRecord, reason: str) -> None:
        work, event = self.work, PlanEvent.PARK
        assert record.plan is not None
        plan = advance(record.plan, event, now=work.now(), reason=reason)
        work.book.record(PlanChanged(solution_id=record.key, event=event, plan=plan, by="gate"))

    def _let_editors_finish(self, seen: Look) -> None:
        """Wait until the backlog is whole: an editor empties a file before it writes it."""
        backlog = self._files().index(self.work.places.issues_file)
        now = self.look()
        while now[backlog] != seen[backlog]:
            time.sleep(STEP_S)
            seen, now = now, self.look()

    def _files(self) -> tuple[Path, ...]:
        places = self.work.places
        documents = (places.planning_results, places.execution_results)
        return (places.journal, places.issues_file, *documents)


def in_words(seconds: int) -> str:
    """Return a duration as a person says it: `60 s`, `90 min`, `8 h`."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds > size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _signature(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)
