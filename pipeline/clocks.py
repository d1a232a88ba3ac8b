"""Which clock tells what.

time of day     what people and vendors say: expiry, resets, timestamps. It can be set, so nothing
                is measured with it
elapsed         how long something has taken for the world: waits for a person or a vendor. A
                machine that sleeps goes on waiting, and setting the clock changes nothing
Awake           how long we have worked: deadlines. It stands still while the machine sleeps and
                while our process is stopped (Ctrl-Z, SIGSTOP): nobody could work meanwhile
"""

import threading
import time
from collections.abc import Callable

LONGEST_STEP_S = 5.0
"""Whoever waits looks at the clock every quarter of a second; more than this between two looks is a
pause, which counts as so much."""

_COUNTS_SLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux: clock_gettime(2). The clock of macOS that is called monotonic counts sleep already."""


def elapsed() -> float:
    """Return seconds since some moment, those included in which the machine slept."""
    return time.clock_gettime(_COUNTS_SLEEP)


class Awake:
    """Seconds in which this process could work, for all threads; call it to look."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # protects the two below
        self._looked = clock()
        self._paused = 0.0

    def __call__(self) -> float:
        """Return the seconds; only differences mean something."""
        with self._lock:
            now = self._clock()
            self._paused += max(0.0, now - self._looked - LONGEST_STEP_S)
            self._looked = now
            return now - self._paused
