"""What carrying a plan out is likely to cost: what it really cost in this repository, or no guess.

Only attempts that landed count, each with what its own execution used. They are few and no two
plans are alike: so the middle one and the span of all are said, and how many they are. Where cost
has gone with size here, a plan of another size is given its share; where it has not, size is not
used: it would only look exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from pipeline.domain.counting import counted
from pipeline.domain.plan import Budget
from pipeline.domain.results import ExecutionStatus
from pipeline.domain.solution import Solution
from pipeline.store.state import State

SECONDS = 60
NEWEST = 100
"""So many landed attempts at most are looked at: the newest."""
ENOUGH = 3
"""With fewer nothing can be said of size."""


@dataclass(frozen=True)
class Cost:
    """What one landed attempt has used, and how large its plan was."""

    tokens: float
    usd: float | None
    minutes: float
    size: int = 1

    def scaled(self, factor: float) -> "Cost":
        """Return what a plan would have used that is so many times as large."""
        usd = None if self.usd is None else self.usd * factor
        return Cost(self.tokens * factor, usd, self.minutes * factor, self.size)


def size(solution: Solution) -> int:
    """Return how large a plan is: its tasks and the files they touch, counted."""
    return max(1, len(solution.tasks) + sum(len(task.files) for task in solution.tasks))


def landed_costs(state: State, *, rehearsal: bool) -> list[Cost]:
    """Return what the newest landed attempts have used; rehearsals say nothing about real ones."""
    found: list[Cost] = []
    for key in reversed(list(state.execution)):
        one = state.execution[key]
        landed = one.status is ExecutionStatus.COMPLETED and one.usage.calls > 0
        if not landed or one.rehearsal is not rehearsal or one.solution_id not in state.planning:
            continue
        solution = state.planning.outline(one.solution_id).solution
        minutes, used = one.duration_s / SECONDS, one.usage
        found.append(
            Cost(used.metered_tokens, used.usd, minutes, size(solution) if solution else 1)
        )
        if len(found) == NEWEST:
            break
    return found


def planning_costs(state: State, *, rehearsal: bool) -> list[Cost]:
    """Return what the newest planning turns that made a plan have used; minutes are the median."""
    minutes = (median(state.pace.planning) if state.pace.planning else 0.0) / SECONDS
    found: list[Cost] = []
    for key in reversed(list(state.planning)[-NEWEST:]):
        one = state.planning.outline(key)
        if one.solution_id is None or one.rehearsal is not rehearsal or one.usage.calls == 0:
            continue
        found.append(Cost(one.usage.metered_tokens, one.usage.usd, minutes))
    return found


def predicted_cost(
    known: Sequence[Cost], plan_size: int, cap: Budget, most_usd: float | None = None
) -> str:
    """Return one line: what landed plans cost, and where this one is stopped.

    `most_usd`: what the capped tokens would cost if all of them were output.
    """
    most = f"stopped at {cap.tokens:,} tokens"
    most += f" (${most_usd:.2f} if all were output)" if most_usd is not None else ""
    most += f" or ${cap.usd:.2f}" if cap.usd is not None else ""
    most += f" or {counted(cap.minutes, 'minute')}"
    return f"{likely_cost(known, plan_size)}; {most}"


class Words(NamedTuple):
    """How it is said what was measured."""

    none: str
    one: str
    many: str


LANDED = Words("nothing has landed here", "as the one plan that landed here", "landed here")
PLANNED = Words("nothing was planned here", "as the one plan made here", "plans made here")


def likely_cost(known: Sequence[Cost], plan_size: int = 1, words: Words = LANDED) -> str:
    """Return in a few words what something alike has cost here."""
    if not known:
        return f"no history yet: {words.none}"
    by_size = _goes_with_size(known)
    alike = [one.scaled(plan_size / one.size) for one in known] if by_size else known
    middle = _middle(alike)
    if len(known) == 1:
        return f"{middle}, {words.one}"
    low, high = _span(alike, lambda one: one.tokens)
    span = f"{_rounded(low):,} to {_rounded(high):,}"
    how = " for its size" if by_size else ""
    return f"{middle}{how} ({len(known)} {words.many}, {span})"


def _goes_with_size(known: Sequence[Cost]) -> bool:
    """Tell whether landed plans differ less in what they cost by size than in what they cost."""
    if len(known) < ENOUGH or min(one.tokens for one in known) <= 0:
        return False
    low, high = _span(known, lambda one: one.tokens)
    low_by_size, high_by_size = _span(known, lambda one: one.tokens / one.size)
    return high_by_size / low_by_size < high / low


def _span(known: Sequence[Cost], value: Callable[[Cost], float]) -> tuple[float, float]:
    values = [value(one) for one in known]
    return min(values), max(values)


def _middle(known: Sequence[Cost]) -> str:
    said = f"about {_rounded(median(one.tokens for one in known)):,} tokens"
    money = [one.usd for one in known if one.usd is not None]
    if len(money) == len(known) and max(money) > 0:
        said += f", ${median(money):.2f}"
    return f"{said}, {_minutes(median(one.minutes for one in known))}"


def _rounded(tokens: float) -> int:
    """Return two significant digits: more would promise what nobody knows."""
    digits = max(len(str(int(tokens))) - 2, 0)
    return int(round(tokens, -digits))


def _minutes(minutes: float) -> str:
    return "under a minute" if minutes < 1 else f"{minutes:.0f} min"
