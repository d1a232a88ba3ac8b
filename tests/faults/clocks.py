"""Clocks that tests move."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from pipeline.app.patience import Timing


@dataclass
class VirtualTime:
    """The system's clocks, on which a sleep takes no time and is over all the same."""

    slept_s: float = 0.0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    began_s: float = field(default_factory=monotonic)

    @property
    def timing(self) -> Timing:
        return Timing(self.now, self.seconds, self.seconds, self.sleep)

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds() - self.began_s)

    def seconds(self) -> float:
        return monotonic() + self.slept_s

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds


@dataclass
class Skipping:
    """The system's clock, which can be made to jump."""

    skipped_s: float = 0.0

    def __call__(self) -> float:
        return monotonic() + self.skipped_s

    def skip(self, seconds: float) -> None:
        self.skipped_s += seconds
