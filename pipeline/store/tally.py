"""How conversations fared in the open run: what was folded and summed up, and where caches fell."""

from collections import Counter
from dataclasses import dataclass, field

from pipeline.store.entries import CacheFell, LedgerFolded, TurnCompacted


@dataclass
class Tally:
    """Running counts; a new run begins with none."""

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
