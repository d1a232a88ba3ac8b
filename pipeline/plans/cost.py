"""What carrying a plan out is likely to cost: what it really cost in this repository, or no guess.

Only attempts that landed count, each with what its own execution used. They are few and no two
plans are alike: so the middle one and the span of all are said, and how many they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from pipeline.domain.plan import Budget
from pipeline.domain.results import ExecutionRecord, ExecutionStatus

SECONDS = 60


@dataclass(frozen=True)
class Cost:
    """What one landed attempt has used."""

    tokens: int
    usd: float | None
    minutes: float


def landed_costs(attempts: Iterable[ExecutionRecord], *, rehearsal: bool) -> list[Cost]:
    """Return what the landed attempts have used; rehearsals say nothing about real ones."""
    return [
        Cost(one.usage.metered_tokens, one.usage.usd, one.duration_s / SECONDS)
        for one in attempts
        if one.status is ExecutionStatus.COMPLETED
        and one.rehearsal is rehearsal
        and one.usage.calls
    ]


def predicted_cost(known: list[Cost], cap: Budget, most_usd: float | None = None) -> str:
    """Return one line: what landed plans cost, and where this one is stopped.

    `most_usd`: what the capped tokens would cost if all of them were output.
    """
    most = f"stopped at {cap.tokens:,} tokens"
    most += f" (${most_usd:.2f} if all were output)" if most_usd is not None else ""
    most += f" or ${cap.usd:.2f}" if cap.usd is not None else ""
    most += f" or {cap.minutes} minutes"
    if not known:
        return f"no history yet: nothing has landed here; {most}"
    tokens = [one.tokens for one in known]
    middle = f"about {_rounded(median(tokens)):,} tokens"
    money = [one.usd for one in known if one.usd is not None]
    if len(money) == len(known) and max(money) > 0:
        middle += f", ${median(money):.2f}"
    middle += f", {_minutes(median(one.minutes for one in known))}"
    if len(known) == 1:
        return f"{middle}, as the one plan that landed here; {most}"
    span = f"{_rounded(min(tokens)):,} to {_rounded(max(tokens)):,}"
    return f"{middle} ({len(known)} landed here, {span}); {most}"


def _rounded(tokens: float) -> int:
    """Return two significant digits: more would promise what nobody knows."""
    digits = max(len(str(int(tokens))) - 2, 0)
    return int(round(tokens, -digits))


def _minutes(minutes: float) -> str:
    return "under a minute" if minutes < 1 else f"{minutes:.0f} min"
