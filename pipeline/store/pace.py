"""How long the newest turns of a repository took: what an estimate of the rest is made from.

Plain values only, so that `status` can keep a pace and bring it up to date by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

NEWEST = 50
"""So many turns of each kind are remembered."""

COUNTED = frozenset({None, "tests", "agent", "plan_too_narrow"})
"""Failure classes of turns that went to their end; what broke off says nothing of the next one."""


@dataclass
class Pace:
    """Durations in seconds, the newest last, of planning turns and of attempts."""

    planning: list[float] = field(default_factory=list)
    execution: list[float] = field(default_factory=list)
    begun: dict[str, str] = field(default_factory=dict)
    """`planning` or `execution` -> when the turn under way began (ISO-8601)."""

    def begin(self, what: str, at: datetime) -> None:
        """Note that a turn began."""
        self.begun[what] = at.isoformat()

    def end(self, what: str, at: datetime, failure: str | None) -> None:
        """Note that it ended; `failure` is the record's failure class."""
        began = self.begun.pop(what, None)
        if began is None or failure not in COUNTED:
            return
        took = (at - datetime.fromisoformat(began)).total_seconds()
        if took >= 0:
            times: list[float] = getattr(self, what)
            times.append(round(took, 3))
            del times[:-NEWEST]

    def drop(self) -> None:
        """Forget the turns under way: they wait, and how long says nothing of the next ones."""
        self.begun.clear()

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> "Pace":
        """Return the pace whose fields are given; raises TypeError for anything else."""
        return cls(
            planning=list(found.get("planning", ())),
            execution=list(found.get("execution", ())),
            begun=dict(found.get("begun", {})),
        )


def median(times: list[float]) -> float | None:
    """Return the middle one, None where there is none."""
    return sorted(times)[len(times) // 2] if times else None
