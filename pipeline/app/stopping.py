"""Signals: the first asks the work to stop cleanly, the second ends the process."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopFlag:
    """Set by SIGINT and SIGTERM; a second signal ends the process at once."""

    def __init__(self) -> None:
        self.is_set = False

    def __call__(self) -> bool:
        """Tell whether a signal has come."""
        return self.is_set

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self.is_set:
            os._exit(130)
        self.is_set = True

    @contextmanager
    def listening(self) -> Iterator["StopFlag"]:
        """Take SIGINT, SIGTERM and SIGHUP while inside."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._take) for number in numbers}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
