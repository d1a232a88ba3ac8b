"""What each issue cost, as rows of a table with a bar: the numbers behind every picture of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.agents.roles import EXECUTOR, PLANNER
from pipeline.domain.counting import counted
from pipeline.domain.results import Usage
from pipeline.observe.report.facts import Report, ReportEntry

SHOWN = 25
"""So many issues get a row of their own, the dearest; the others share one."""


@dataclass(frozen=True)
class Bar:
    """One row; shares are parts of the longest row, 0 to 1."""

    label: str
    usd: float | None
    tokens: int
    planning: float
    execution: float
    issue_id: str | None = None
    linked: bool = False
    """The issue has a place of its own in the page."""

    @property
    def planning_share(self) -> float:
        """Return which part of it was planning, 0 to 1."""
        whole = self.planning + self.execution
        return self.planning / whole if whole else 0.0


def bars(report: Report) -> list[Bar]:
    """Return the rows, the dearest first: by money, or by tokens where a price is unknown."""
    entries = [one for group in report.groups.values() for one in group if one.tokens]
    priced = all(one.usd is not None for one in entries)
    ranked = sorted(entries, key=lambda one: -_weight(one.spent.values(), priced=priced))
    rows: list[tuple[str, Sequence[ReportEntry]]] = [(one.issue_id, [one]) for one in ranked]
    if len(rows) > SHOWN + 1:
        others = ranked[SHOWN:]
        rows = [*rows[:SHOWN], (counted(len(others), "other"), others)]
    longest = max((_sum(group, priced=priced) for _, group in rows), default=0.0) or 1.0
    return [_bar(label, group, longest, priced=priced) for label, group in rows]


def is_full(entry: ReportEntry) -> bool:
    """Tell whether an issue has something to tell: the others are listed in a line each."""
    return not entry.earlier and bool(entry.tokens or entry.commit or entry.reason)


def _bar(label: str, entries: Sequence[ReportEntry], longest: float, *, priced: bool) -> Bar:
    by_role = {
        role: _weight((one.spent[role] for one in entries if role in one.spent), priced=priced)
        for role in (PLANNER, EXECUTOR)
    }
    return Bar(
        label=label,
        usd=sum(one.usd or 0.0 for one in entries) if priced else None,
        tokens=sum(one.tokens for one in entries),
        planning=by_role[PLANNER] / longest,
        execution=by_role[EXECUTOR] / longest,
        issue_id=entries[0].issue_id if len(entries) == 1 else None,
        linked=len(entries) == 1 and is_full(entries[0]),
    )


def _sum(entries: Iterable[ReportEntry], *, priced: bool) -> float:
    return sum(_weight(one.spent.values(), priced=priced) for one in entries)


def _weight(usages: Iterable[Usage], *, priced: bool) -> float:
    """Return what is drawn: USD, or tokens where not every price is known."""
    return sum((one.usd or 0.0) if priced else one.metered_tokens for one in usages)
