"""What the process that works still has to do, and how long that takes by what was done here.

The estimate is a sum of medians of this repository's own turns, and says so; without any there is
none. A plan that waits for a decision counts for nothing: nobody knows what comes of it.
"""

from dataclasses import dataclass

from pipeline.domain.group import Group
from pipeline.observe.look import View
from pipeline.store.pace import Pace, median


@dataclass(frozen=True)
class Part:
    """One kind of work that is left."""

    verb: str
    """plan, execute"""
    count: int
    median_s: float | None
    """None: none was measured here yet."""
    measured: int
    """Of how many turns."""


@dataclass(frozen=True)
class Estimate:
    """What is left to do without a person."""

    parts: tuple[Part, ...]

    @property
    def seconds(self) -> float | None:
        """Return how long it takes; None when that cannot be told."""
        times = [part.count * part.median_s for part in self.parts if part.median_s is not None]
        return sum(times) if len(times) == len(self.parts) else None


def estimate(view: View) -> Estimate:
    """Return what is left of the issues that the pipeline takes up by itself."""
    waiting = [row for row in view.summary.rows if row.group == Group.NOT_STARTED]
    to_plan = sum(row.state in ("registered", "planning") for row in waiting)
    now, pace = view.now, Pace.of_json(view.summary.pace)
    work = [
        ("plan", to_plan, pace.planning, now is None or now.plans),
        ("execute", len(waiting) - to_plan, pace.execution, now is None or now.executes),
    ]
    return Estimate(
        tuple(
            Part(verb, count, median(times), len(times))
            for verb, count, times, is_done in work
            if count and is_done
        )
    )
