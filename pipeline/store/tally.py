"""How the open run fared: folds, summaries, falls of caches, and when and why it stood still."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipeline.store.entries import (
    CacheFell,
    LedgerFolded,
    QuotaOver,
    QuotaPaused,
    RunPaused,
    RunStopped,
    TurnCompacted,
)

PAUSE = "pause"
MOST_PAUSES = 200
"""So many pauses are kept, the newest: a vendor that refuses all night must not fill memory."""


@dataclass(frozen=True)
class Pause:
    """One wait for a vendor's quota."""

    provider: str
    at: datetime
    until: str | None
    """When the vendor says it is over (ISO-8601, UTC); None: it has not said."""
    over_at: datetime | None = None
    """When the work went on; None: it has not."""


@dataclass(frozen=True)
class Standstill:
    """A time in which nothing was done because somebody asked for that."""

    how: str
    """`pause`, or how the process was asked to end: `stop`, `stop now`, `signal`."""
    by: str
    """Who asked; empty: a signal does not say."""
    at: datetime
    over_at: datetime | None = None
    """When the work went on; None: it has not."""


@dataclass
class Tally:
    """Running counts; a new run begins with none."""

    opened_at: datetime | None = None
    """When the run was opened; None: none was."""
    pauses: list[Pause] = field(default_factory=list)
    """Oldest first."""
    standstills: list[Standstill] = field(default_factory=list)
    """Oldest first; at most as many as pauses."""
    folds: int = 0
    fold_usd: float | None = 0.0
    """What caching the new prefixes cost (USD); None: the price of one is not known."""
    summaries: int = 0
    """Turns that were summed up."""
    failed_summaries: int = 0
    falls: Counter[str] = field(default_factory=Counter)
    """Why the cache answered for less than it should have -> how often."""

    def fold(self, entry: LedgerFolded) -> None:
        """Count a fold."""
        self.folds += 1
        if self.fold_usd is not None:
            self.fold_usd = None if entry.usd is None else round(self.fold_usd + entry.usd, 9)

    def summary(self, entry: TurnCompacted) -> None:
        """Count a turn that was to be summed up."""
        if entry.how == "failed":
            self.failed_summaries += 1
        else:
            self.summaries += 1

    def fall(self, entry: CacheFell) -> None:
        """Count a fall of the cache."""
        self.falls[entry.cause] += 1

    def pause(self, entry: QuotaPaused, at: datetime) -> None:
        """Note that a quota is used up; the wait that is going on is told once."""
        going_on = self._going_on(entry.provider)
        if going_on is None:
            self.pauses.append(Pause(entry.provider, at, entry.until))
            del self.pauses[:-MOST_PAUSES]
        else:
            self.pauses[going_on] = replace(self.pauses[going_on], until=entry.until)

    def pause_over(self, entry: QuotaOver, at: datetime) -> None:
        """Note that the work goes on after a quota."""
        going_on = self._going_on(entry.provider)
        if going_on is not None:
            self.pauses[going_on] = replace(self.pauses[going_on], over_at=at)

    def stand_still(self, entry: RunPaused | RunStopped, at: datetime) -> None:
        """Note that somebody has the run wait, or end; a pause that is stopped is over."""
        self.go_on(at)
        how = entry.how if isinstance(entry, RunStopped) else PAUSE
        self.standstills.append(Standstill(how, entry.by, at))
        del self.standstills[:-MOST_PAUSES]

    def go_on(self, at: datetime) -> None:
        """Note that something is done again: a pause ends with its process at the latest."""
        if self.standstills and self.standstills[-1].over_at is None:
            self.standstills[-1] = replace(self.standstills[-1], over_at=at)

    def _going_on(self, provider: str) -> int | None:
        """Return the place of the provider's pause that is not over."""
        open_ones = (n for n, one in enumerate(self.pauses) if one.over_at is None)
        return next((n for n in open_ones if self.pauses[n].provider == provider), None)
