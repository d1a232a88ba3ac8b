"""The one retry layer: SDK clients are told never to try again by themselves."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TypeVar

from tenacity import RetryCallState, Retrying, wait_random_exponential

from pipeline.agents.messages import CallLimits, Meter
from pipeline.agents.providers.watch import SLICE_S, check_limits
from pipeline.errors import (
    AuthProblem,
    BadRequest,
    ContextOverflow,
    NetworkProblem,
    Overloaded,
    ProviderError,
    QuotaReached,
    SpendLimit,
)

SHORT_QUOTA_S = 60.0
"""A quota that is over within this time is waited out here; a longer one is the caller's."""
T = TypeVar("T")


class Again(Enum):
    """Whether a call that failed is made again; `x-should-retry` overrides all but `NEVER`."""

    NEVER = "never"
    IF_ASKED = "only when the vendor says so"
    IF_SOON = "when it is over soon"
    YES = "unless the vendor says no"


AGAIN: dict[type[ProviderError], Again] = {
    AuthProblem: Again.NEVER,
    SpendLimit: Again.NEVER,
    ContextOverflow: Again.NEVER,
    BadRequest: Again.IF_ASKED,
    QuotaReached: Again.IF_SOON,
    Overloaded: Again.YES,
    NetworkProblem: Again.YES,
}
"""Every error of the provider seam."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently a call that failed for the moment is made again."""

    retries: int
    """Attempts after the first."""
    sleep: Callable[[float], None]
    """Waits the given seconds; called with at most `SLICE_S`."""
    now: Callable[[], datetime]
    """The time of day, UTC."""
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    """Ceiling of our own waits; what a vendor asks for counts even when it is longer."""
    jitter_s: float = 1.0
    """So much at most is added at random to what a vendor asks for: others wait for it too."""

    def call(self, attempt: Callable[[], T], limits: CallLimits) -> T:
        """Return what `attempt` returns, or raise its last error.

        `AGAIN` says what is tried again, and `limits.meter` is told. A wait that would end after
        the deadline is not begun.
        """
        tries = 0

        def once() -> T:
            nonlocal tries
            tries += 1
            if tries > 1:
                limits.meter.again()
            return attempt()

        backoff = wait_random_exponential(multiplier=self.first_wait_s, max=self.longest_wait_s)
        retrying = Retrying(
            retry=lambda state: self._passes(_failure(state)),
            wait=lambda state: max(backoff(state), self._asked_s(_failure(state))),
            stop=lambda state: self._enough(state, limits),
            sleep=lambda seconds: self._nap(seconds, limits),
            before_sleep=lambda state: _tell(limits.meter, _failure(state)),
            reraise=True,
        )
        return retrying(once)

    def _passes(self, error: BaseException | None) -> bool:
        again = AGAIN[type(error)] if isinstance(error, ProviderError) else Again.NEVER
        if again is Again.NEVER or not isinstance(error, ProviderError):
            return False
        if isinstance(error, QuotaReached) and self._left_s(error) > SHORT_QUOTA_S:
            return False
        if error.should_retry is not None:
            return error.should_retry
        soon = isinstance(error, QuotaReached) and error.reset_at is not None
        return again is Again.YES or (again is Again.IF_SOON and soon)

    def _asked_s(self, error: BaseException | None) -> float:
        """Return how long to wait because the vendor asks for it, in seconds."""
        least = self._left_s(error) if isinstance(error, ProviderError) else 0.0
        return least + random.uniform(0, self.jitter_s) if least else 0.0

    def _left_s(self, error: ProviderError) -> float:
        if isinstance(error, QuotaReached) and error.reset_at is not None:
            return max(0.0, (error.reset_at - self.now()).total_seconds())
        return error.retry_after_s or 0.0

    def _enough(self, state: RetryCallState, limits: CallLimits) -> bool:
        too_late = limits.clock() + state.upcoming_sleep >= limits.deadline
        return too_late or state.attempt_number > self.retries

    def _nap(self, seconds: float, limits: CallLimits) -> None:
        """Wait in slices, so that the stop flag and the deadline are honoured."""
        rest = seconds
        check_limits(limits)
        while rest > 0:
            self.sleep(min(SLICE_S, rest))
            rest -= SLICE_S
            check_limits(limits)


def _tell(meter: Meter, error: BaseException | None) -> None:
    if isinstance(error, ProviderError):
        meter.failed(error)


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
