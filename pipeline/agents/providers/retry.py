"""The one retry layer: SDK clients are told never to try again by themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, wait_random_exponential

from pipeline.agents.messages import CallLimits
from pipeline.agents.providers.watch import SLICE_S, check_limits
from pipeline.errors import NetworkProblem, Overloaded, QuotaReached

SHORT_QUOTA_S = 60.0
"""A quota that is over within this time is waited out here; a longer one is the caller's."""
T = TypeVar("T")


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

    def call(self, attempt: Callable[[], T], limits: CallLimits) -> T:
        """Return what `attempt` returns, or raise its last error.

        Tried again: `Overloaded`, `NetworkProblem` and a `QuotaReached` that is over within
        `SHORT_QUOTA_S`. A wait that would end after the deadline is not begun.
        """
        backoff = wait_random_exponential(multiplier=self.first_wait_s, max=self.longest_wait_s)
        retrying = Retrying(
            retry=lambda state: self._passes(_failure(state)),
            wait=lambda state: max(backoff(state), self._asked_s(_failure(state))),
            stop=lambda state: self._enough(state, limits),
            sleep=lambda seconds: self._nap(seconds, limits),
            reraise=True,
        )
        return retrying(attempt)

    def _passes(self, error: BaseException | None) -> bool:
        if isinstance(error, QuotaReached):
            return error.reset_at is not None and self._asked_s(error) <= SHORT_QUOTA_S
        return isinstance(error, Overloaded | NetworkProblem)

    def _asked_s(self, error: BaseException | None) -> float:
        """Return how long the vendor asks us to wait, in seconds."""
        if isinstance(error, QuotaReached) and error.reset_at is not None:
            return max(0.0, (error.reset_at - self.now()).total_seconds())
        if isinstance(error, Overloaded | NetworkProblem):
            return error.retry_after_s or 0.0
        return 0.0

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


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
