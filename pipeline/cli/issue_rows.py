"""Which issues `pipeline issues` shows, and in which order."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pipeline.domain.issue import IssueState
from pipeline.plans.standing import Standing


class Order(StrEnum):
    """What rows are sorted by."""

    BACKLOG = "backlog"
    ID = "id"
    PRIORITY = "priority"
    AGE = "age"
    STATE = "state"


@dataclass(frozen=True)
class Wanted:
    """What a row has to be; nothing asked for lets every row through."""

    states: Collection[IssueState] = ()
    """One of them."""
    labels: Collection[str] = ()
    """All of them; upper and lower case are the same."""
    priorities: Collection[int] = ()
    """One of them."""
    search: str = ""
    """Words that are all in its id, title or description; case does not matter."""
    order: Order = Order.BACKLOG
    limit: int | None = None


def chosen(rows: Sequence[Standing], wanted: Wanted) -> list[Standing]:
    """Return the rows that fit, in the order that is wanted; equal ones stay as they were."""
    found = [row for row in rows if _fits(row, wanted)]
    if key := KEYS[wanted.order]:
        found.sort(key=key)
    return found[: wanted.limit]


def _fits(row: Standing, wanted: Wanted) -> bool:
    issue = row.issue
    labels = {label.casefold() for label in issue.labels}
    text = f"{issue.id}\n{issue.title}\n{issue.description}".casefold()
    return (
        (not wanted.states or row.state in wanted.states)
        and (not wanted.priorities or issue.priority in wanted.priorities)
        and all(label.casefold() in labels for label in wanted.labels)
        and all(word in text for word in wanted.search.casefold().split())
    )


def _by_id(row: Standing) -> tuple[tuple[int, str], ...]:
    """Sort ISS-2 before ISS-10."""
    parts = re.split(r"([0-9]+)", row.issue.id)
    return tuple((int(one), "") if one.isdecimal() else (-1, one.casefold()) for one in parts)


def _by_priority(row: Standing) -> int:
    return row.issue.priority


def _by_age(row: Standing) -> datetime:
    """Sort the oldest first, and what has no date last."""
    return row.issue.created_at or datetime.max.replace(tzinfo=UTC)


def _by_state(row: Standing) -> int:
    return list(IssueState).index(row.state)


KEYS: dict[Order, Callable[[Standing], Any] | None] = {
    Order.BACKLOG: None,
    Order.ID: _by_id,
    Order.PRIORITY: _by_priority,
    Order.AGE: _by_age,
    Order.STATE: _by_state,
}
