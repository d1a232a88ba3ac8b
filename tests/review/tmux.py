"""A real terminal for tests: `pipeline review` inside tmux, keys typed, screens read back."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

PATIENCE_S = 60.0
NUMBERS = itertools.count(1)
"""A server that was killed may hold its socket for a moment more."""


class Screen:
    """One tmux server with one window; it dies with the context."""

    def __init__(
        self,
        folder: Path,
        *words: str,
        size: tuple[int, int] = (80, 24),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._socket = folder / f"tmux-{next(NUMBERS)}.socket"
        self._size = size
        self._words = [sys.executable, "-m", "pipeline", *words]
        self._environ = dict(environ or {})
        self._ended = folder / "ended"

    def __enter__(self) -> "Screen":
        columns, lines = self._size
        exports = " ".join(
            f"{k}='{v}'"
            for k, v in {**os.environ, **self._environ}.items()
            if k.startswith(("XDG_", "GIT_")) or k in self._environ
        )
        command = " ".join(f"'{word}'" for word in self._words)
        script = f"trap : INT; env {exports} {command}; echo $? > '{self._ended}'; cat > /dev/null"
        self._ended.unlink(missing_ok=True)
        self._tmux("new-session", "-d", "-x", str(columns), "-y", str(lines), "sh", "-c", script)
        self._tmux("set-option", "-g", "escape-time", "0")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tmux("kill-server")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names for them (`a`, `Enter`, `Escape`, `C-c`)."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type text letter by letter."""
        self._tmux("send-keys", "-l", text)

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def text(self, *, escapes: bool = False) -> str:
        """Return what is on the screen."""
        return self._tmux("capture-pane", "-p", *(["-e"] if escapes else []))

    def wait(self, *wanted: str, gone: str | None = None) -> str:
        """Wait until all of `wanted` is on the screen and `gone` is not; return the screen."""

        def fits(text: str) -> bool:
            return all(one in text for one in wanted) and (gone is None or gone not in text)

        return self._until(fits, f"{wanted}" + (f" without {gone!r}" if gone else ""))

    def wait_for_count(self, wanted: str, count: int) -> str:
        """Wait until `wanted` is on the screen so many times, and return the screen."""
        return self._until(lambda text: text.count(wanted) >= count, f"{count} times {wanted!r}")

    def exit_code(self) -> int:
        """Wait until the command has ended; return its exit code."""
        self._until(lambda _text: self._ended.exists() and self._ended.read_text() != "", "the end")
        return int(self._ended.read_text())

    def _until(self, fits: Callable[[str], bool], what: str) -> str:
        end = time.monotonic() + PATIENCE_S
        while True:
            text = self.text()
            if fits(text):
                return text
            assert time.monotonic() < end, f"waited for {what}, but the screen is\n{text}"
            time.sleep(0.03)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", str(self._socket), *words],
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        return done.stdout
