"""Long tool output: head and tail go to the model, the whole is kept as `output:N`."""

import re
from pathlib import Path

CAP_CHARS = 20_000
NAME = re.compile(r"^output:(\d{1,6})$")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class Outputs:
    """The kept outputs of one turn, as numbered files in `folder`."""

    def __init__(self, folder: Path, cap_chars: int = CAP_CHARS) -> None:
        self._folder = folder
        self._cap = cap_chars

    def cap(self, text: str) -> str:
        """Return `text`, or its head and tail around a note that names the kept whole."""
        if len(text) <= self._cap:
            return text
        name = self._keep(text)
        half = self._cap // 2
        head, tail = text[:half], text[-half:]
        left_out = len(text) - len(head) - len(tail)
        note = (
            f"\n\n[... {left_out} characters left out; the whole is kept: "
            f"read_file with path {name!r} and a line range ...]\n\n"
        )
        return head + note + tail

    def read(self, name: str) -> str | None:
        """Return the kept text `output:N`, or None when there is no such output."""
        match = NAME.match(name)
        if match is None:
            return None
        path = self._path(int(match.group(1)))
        return path.read_text("utf-8") if path.is_file() else None

    def _keep(self, text: str) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        number = 1 + max(
            (int(p.stem) for p in self._folder.glob("*.txt") if p.stem.isdigit()), default=0
        )
        self._path(number).write_text(text, "utf-8", errors="replace")
        return f"output:{number}"

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.txt"


def readable(output: bytes) -> str:
    """Return a command's output as text: UTF-8 with replacements, without terminal escapes."""
    text = _ESCAPES.sub("", output.decode("utf-8", "replace"))
    return text.replace("\r\n", "\n")
