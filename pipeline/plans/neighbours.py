"""Which other plans meet a plan on its files, and which of the two runs first."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pipeline.domain.plan import PlanState
from pipeline.domain.results import PlanningRecord
from pipeline.plans.ordering import LIVE, can_hit

NAMED = 3


@dataclass(frozen=True)
class Neighbour:
    """Another plan that may change a file of this one, or whose file this one may change."""

    key: str
    state: PlanState | None
    """None: it has landed."""
    runs_first: bool
    paths: tuple[str, ...]
    """Files of both; empty when only a glob of `may_touch` meets a file."""


def neighbours(
    record: PlanningRecord,
    others: Iterable[PlanningRecord],
    *,
    first: Collection[str],
    landed: Collection[str],
) -> list[Neighbour]:
    """Return those that meet `record`: the keys in `first`, and others that may still run."""
    found = []
    for other in others:
        plan = other.plan
        if other.key == record.key or plan is None:
            continue
        is_first = other.key in first
        waits = plan.state in LIVE and other.key not in landed
        if is_first or (waits and (can_hit(other, record) or can_hit(record, other))):
            state = None if other.key in landed else plan.state
            found.append(Neighbour(other.key, state, is_first, _shared(record, other)))
    return found


def in_words(found: Iterable[Neighbour], *, first: bool) -> str | None:
    """Return one line about those that run `first` (or those that do not); None without any."""
    mine = [one for one in found if one.runs_first is first]
    on_files = [one for one in mine if one.paths]
    said = [f"{one.key} ({_standing(one)}; {_named(one.paths)})" for one in on_files]
    rest = [one.key for one in mine if not one.paths]
    if rest:
        more = f" and {len(rest) - NAMED} more" if len(rest) > NAMED else ""
        said.append(f"{', '.join(rest[:NAMED])}{more} (may touch its files or tests)")
    return "; ".join(said) or None


def _standing(one: Neighbour) -> str:
    return "landed" if one.state is None else one.state


def _shared(one: PlanningRecord, other: PlanningRecord) -> tuple[str, ...]:
    if one.solution is None or other.solution is None:
        return ()
    return tuple(sorted(set(one.solution.paths) & set(other.solution.paths)))


def _named(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return ", ".join(paths[:NAMED]) + more
