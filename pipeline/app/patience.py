"""Waits for a vendor within what the user consented to (D11), on a clock that is handed in."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline import events
from pipeline.agents.messages import StopSignal
from pipeline.clocks import Awake, elapsed
from pipeline.domain.base import iso, utc_now
from pipeline.errors import ProviderError, QuotaPause, QuotaReached, SpendLimit, Stopped
from pipeline.events import EventBus
from pipeline.proc import never
from pipeline.store import entries
from pipeline.store.book import Book

STEP_S = 0.25
"""Longest time between two looks at the stop flag, in seconds."""
LEAST_QUOTA_S = 60.0
SOON_S = 600.0
"""Seconds; a quota that is used up again so soon is left alone for at least `LEAST_QUOTA_S`."""
OUTAGE_WAIT_S = 300.0
"""How long to leave a vendor alone that did not answer after all retries, in seconds."""


@dataclass(frozen=True)
class Timing:
    """The clocks of a process (`pipeline/clocks.py`)."""

    now: Callable[[], datetime] = utc_now
    """The time of day, UTC."""
    monotonic: Callable[[], float] = field(default_factory=Awake)
    """Seconds of work: deadlines are told by it."""
    elapsed: Callable[[], float] = elapsed
    """Seconds for the world: waits are told by it."""
    sleep: Callable[[float], None] = time.sleep
    """Waits the given seconds."""


@dataclass
class Patience:
    """Waits out one vendor's quotas and outages; `allowed_s` bounds all waits together."""

    provider: str
    allowed_s: float
    book: Book
    bus: EventBus
    timing: Timing = field(default_factory=Timing)
    idle: Callable[[], AbstractContextManager[None]] = nullcontext
    """Surrounds each wait: the run's minutes do not count it."""
    ends: Callable[[], bool] = never
    """Tells whether a person asked for the end of the run: a wait is no step to finish."""
    waited_s: float = 0.0
    _over_s: float = -math.inf
    """When the last wait for a quota ended."""

    def __call__(self, error: ProviderError, stop: StopSignal) -> None:
        """Wait until it is worth asking again, or `stop` says so.

        Raises `QuotaPause` for a quota that outlasts the consent or has no reset time, `error`
        itself for an outage that does, and `Stopped`.
        """
        if isinstance(error, QuotaReached):
            self._quota(error, stop)
        else:
            self._outage(error, stop)

    def _quota(self, reached: QuotaReached, stop: StopSignal) -> None:
        reset, now = reached.reset_at, self.timing.now()
        if reset is not None and self.timing.elapsed() - self._over_s < SOON_S:
            reset = max(reset, now + timedelta(seconds=LEAST_QUOTA_S))
        until = iso(reset) if reset else None
        self.book.record(entries.QuotaPaused(provider=self.provider, until=until))
        self.bus.emit(events.QuotaPaused(self.provider, reset))
        left = (reset - now).total_seconds() if reset else None
        if left is None or left > self.allowed_s - self.waited_s:
            raise QuotaPause(self._why(reached)) from reached
        self._wait(left, stop, reset)
        self._over_s = self.timing.elapsed()
        self.book.record(entries.QuotaOver(provider=self.provider))
        self.bus.emit(events.QuotaOver(self.provider))

    def _why(self, reached: QuotaReached) -> str:
        if isinstance(reached, SpendLimit):
            return f"{reached}; `pipeline run` carries on then"
        reset = reached.reset_at
        when = f"resets {_local(reset)}" if reset else "the vendor names no reset time"
        return (
            f"the quota of {self.provider} is used up ({when}): `pipeline run` carries on "
            "then, or wait here with --wait-quota 6h"
        )

    def _outage(self, error: ProviderError, stop: StopSignal) -> None:
        wait_s = max(OUTAGE_WAIT_S, error.retry_after_s or 0.0)
        if wait_s > self.allowed_s - self.waited_s:
            raise error
        self.bus.emit(events.OutagePaused(self.provider, wait_s, str(error)))
        self._wait(wait_s, stop)

    def _wait(self, seconds: float, stop: StopSignal, until: datetime | None = None) -> None:
        """Wait so long, or until the time of day is there, whichever comes first.

        A virtual machine that was put aside knows only by the time of day that it was.
        """
        self.book.flush()
        started = self.timing.elapsed()
        with self.idle():
            while (rest := seconds - (self.timing.elapsed() - started)) > 0:
                if until is not None and self.timing.now() >= until:
                    break
                if stop() or self.ends():
                    raise Stopped(
                        "interrupted while waiting for a vendor; `pipeline run` carries on"
                    )
                self.timing.sleep(min(rest, STEP_S))
        self.waited_s += max(seconds, 0.0)


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
