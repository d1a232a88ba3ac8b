"""The terminal as a page: one key at a time, a screen of its own, and everything put back.

    with Terminal() as terminal:
        terminal.paint(rows)
        key = terminal.key()      "a", "enter", "up", "resize", "paste:...", ...

Nothing but termios and a few sequences that every terminal of the last forty years knows.
"""

import codecs
import os
import select
import signal
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

ESCAPE_S = 0.05
"""How long the rest of an escape sequence may take; a lone Esc has none."""

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?2004h"
LEAVE = "\x1b[?2004l\x1b[?25h\x1b[?1049l"
"""Another screen, the cursor hidden, pasted text marked as such; and back."""

SEQUENCES: dict[str, str] = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "OA": "up",
    "OB": "down",
    "OC": "right",
    "OD": "left",
    "[5~": "pageup",
    "[6~": "pagedown",
    "[H": "home",
    "[F": "end",
    "OH": "home",
    "OF": "end",
    "[1~": "home",
    "[4~": "end",
    "[200~": "paste",
}
CONTROLS: dict[str, str] = {
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x15": "clear",
    "\x0c": "resize",
    "\x04": "eof",
    " ": "space",
}
Handler = Callable[[int, FrameType | None], object] | int | None
PASTE_END = "\x1b[201~"


class Terminal:
    """Standard input and output as a screen; use it as a context manager."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.coloured = "NO_COLOR" not in environ or not environ["NO_COLOR"]
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._text = ""
        self._before: list[object] | None = None
        self._wake, self._woken = os.pipe()
        self._handlers: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> "Terminal":
        self._before = termios.tcgetattr(self._in)
        self._handlers = {
            signal.SIGWINCH: signal.signal(signal.SIGWINCH, self._resized),
            signal.SIGTERM: signal.signal(signal.SIGTERM, signal.default_int_handler),
        }
        self.resume()
        return self

    def __exit__(self, *exception: object) -> None:
        self.suspend()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._wake)
        os.close(self._woken)

    def resume(self) -> None:
        """Take the terminal: keys come one by one and unechoed; Ctrl-C stays an interruption."""
        assert self._before is not None
        mode = list(self._before)
        controls = list(mode[6])  # type: ignore[call-overload]
        for number in (termios.VSUSP, termios.VQUIT, termios.VLNEXT):
            controls[number] = b"\0"
        controls[termios.VMIN], controls[termios.VTIME] = 1, 0
        mode[0] = mode[0] & ~(termios.ICRNL | termios.IXON)  # type: ignore[operator]
        mode[3] = mode[3] & ~(termios.ICANON | termios.ECHO)  # type: ignore[operator]
        mode[6] = controls
        termios.tcsetattr(self._in, termios.TCSADRAIN, mode)  # type: ignore[arg-type]
        self.write(ENTER)

    def suspend(self) -> None:
        """Give the terminal back as it was found."""
        self.write(LEAVE)
        assert self._before is not None
        termios.tcsetattr(self._in, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]

    @property
    def size(self) -> tuple[int, int]:
        """Return columns and lines, at least 20 by 6."""
        found = os.get_terminal_size(self._out)
        return max(found.columns, 20), max(found.lines, 6)

    def paint(self, rows: Sequence[str], *, cursor: tuple[int, int] | None = None) -> None:
        """Show `rows` from the top in one write; a cursor only at `cursor` (column, row)."""
        empty = [""] * (self.size[1] - len(rows))
        text = "\x1b[?25l\x1b[H" + "\r\n".join(f"\x1b[K{row}" for row in [*rows, *empty])
        if cursor is not None:
            text += f"\x1b[{cursor[1] + 1};{cursor[0] + 1}H\x1b[?25h"
        self.write(text)

    def write(self, text: str) -> None:
        """Write all of `text` now."""
        view = memoryview(text.encode("utf-8", "replace"))
        while view:
            view = view[os.write(self._out, view) :]

    def forget_input(self, *, keep: str) -> None:
        """Drop the keys pressed until now, all but those in `keep`: they were for another page."""
        while select.select([self._in], [], [], 0)[0]:
            if self._read(0) == "eof":
                break
        plain = "\x1b" not in self._text
        self._text = "".join(key for key in self._text if key in keep) if plain else ""

    def key(self) -> str:
        """Wait for a key and return its name; a printable one is its own name.

        `resize` when the window has another size, `paste:` and the text when something was pasted,
        `eof` when the terminal is gone, `other` for a key without a name here.
        """
        if not self._text:
            waited = self._read(None)
            if waited is not None:
                return waited
        char, self._text = self._text[0], self._text[1:]
        if char == "\x1b":
            return self._escape()
        if char in CONTROLS:
            return CONTROLS[char]
        return char if char.isprintable() else "other"

    def _escape(self) -> str:
        """Read the rest of a sequence that has begun."""
        if not self._text and self._read(ESCAPE_S) is not None:
            return "escape"
        if self._text[:1] not in ("[", "O"):
            return "escape"
        end = 1
        while True:
            if len(self._text) > end:
                char = self._text[end]
                end += 1
                if "@" <= char <= "~":
                    break
            elif self._read(ESCAPE_S) is not None:
                break
        sequence, self._text = self._text[:end], self._text[end:]
        name = SEQUENCES.get(sequence, "other")
        return self._paste() if name == "paste" else name

    def _paste(self) -> str:
        while PASTE_END not in self._text:
            if self._read(1.0) is not None:
                break
        text, _, self._text = self._text.partition(PASTE_END)
        return f"paste:{text}"

    def _read(self, timeout_s: float | None) -> str | None:
        """Take in what was typed; return instead what else has happened."""
        ready, _, _ = select.select([self._in, self._wake], [], [], timeout_s)
        if self._wake in ready:
            os.read(self._wake, 4096)
            return "resize"
        if not ready:
            return "timeout"
        typed = os.read(self._in, 4096)
        if not typed:
            return "eof"
        self._text += self._decoder.decode(typed)
        return None if self._text else "other"

    def _resized(self, _signal: int, _frame: FrameType | None) -> None:
        os.write(self._woken, b"r")
