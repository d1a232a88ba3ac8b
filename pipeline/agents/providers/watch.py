"""Says, while a call runs, whether it may go on waiting."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.agents.messages import CallLimits
from pipeline.errors import NetworkProblem, Stopped, TurnTimedOut

SLICE_S = 0.25
"""Longest time that anything waits before it looks at the limits again, in seconds."""


def check_limits(limits: CallLimits) -> None:
    """Raise `Stopped` or `TurnTimedOut` when the stop flag is up or the deadline has passed."""
    if limits.stop():
        raise Stopped("interrupted while waiting for the model; `pipeline run` carries on")
    if limits.clock() >= limits.deadline:
        raise TurnTimedOut("the turn's time is over; the model had not finished its answer")


class Watch(threading.local):
    """The limits of the call that this thread makes, and when its vendor was last heard.

    One object serves all threads of a provider: each sees its own call only.
    """

    def __init__(self) -> None:
        self._limits: CallLimits | None = None
        self._heard_at = 0.0

    @contextmanager
    def over(self, limits: CallLimits) -> Iterator[None]:
        """Watch everything this thread sends and receives in the block."""
        self._limits = limits
        self.heard()
        try:
            yield
        finally:
            self._limits = None

    def heard(self) -> None:
        """Note that bytes have moved."""
        if self._limits is not None:
            self._heard_at = self._limits.clock()

    def check(self) -> None:
        """Raise `Stopped`, `TurnTimedOut` or, after too long a silence, `NetworkProblem`."""
        if self._limits is None:
            return
        check_limits(self._limits)
        silent_s = self._limits.clock() - self._heard_at
        if silent_s >= self._limits.silence_s:
            raise NetworkProblem(f"the model's vendor has sent nothing for {silent_s:.0f} s")
