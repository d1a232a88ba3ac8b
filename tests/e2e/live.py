"""A run that is at work in a process of its own while a test decides: waits on what it says."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.e2e.night import Ended, Night
from tests.e2e.started import Started

PATIENCE_S = 60
WAITS = "waits for decisions until"


@dataclass
class Live:
    """The process, and the lines of events it has said so far."""

    process: Started
    said: list[str] = field(default_factory=list)

    def until(self, text: str) -> str:
        """Read on until a line holds `text`, and return that line."""
        assert self.process.stderr is not None
        for raw in self.process.stderr:
            self.said.append(raw.decode())
            if text in self.said[-1]:
                return self.said[-1]
        raise AssertionError(f"it ended and never said {text!r}: {self.said}")

    def stop(self, number: signal.Signals) -> Ended:
        """Send a signal and return how the process ended."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> Ended:
        """Wait for the end; everything that was said is in `err`."""
        out, rest = self.process.communicate(timeout=PATIENCE_S)
        return Ended(self.process.returncode, out.decode(), "".join(self.said) + rest.decode())


@contextlib.contextmanager
def live(night: Night, *words: str, stdin: int = subprocess.DEVNULL) -> Iterator[Live]:
    """Start a command and end it, whatever the test does."""
    with night.process(*words, stdin=stdin) as process:
        try:
            yield Live(process)
        finally:
            if process.poll() is None:
                process.kill()
