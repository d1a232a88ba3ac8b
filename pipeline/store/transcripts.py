"""What agents and pipeline said to each other, for people who look into a turn afterwards.

One JSON object a line: `{"at", "kind", "role", "turn", "request_id", ...}`. The pipeline itself
never reads it back, so nothing waits for the disk; `pipeline logs` shows it.

    request    text                             what was asked
    reply      text, next_step, response_id,    what the agent said; a call is
               calls                            [id, name, arguments as JSON text]
    tool       call_id, tool, is_error, text    what a tool call came to
    reminder   text                             what the pipeline said inside the turn
    ended      status, reason                   how the turn ended
    spawned, settled, folded                    what the agent remembers: `remembered.py`
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import orjson
from pydantic import JsonValue

from pipeline.domain.base import iso, utc_now
from pipeline.store.redaction import Redaction


class Transcript:
    """An append-only file of one agent; secrets never get into it."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        redaction: Redaction | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._redaction = redaction or Redaction()
        path.parent.mkdir(parents=True, exist_ok=True)
        _end_last_line(path)

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Append one line."""
        shown = {name: self._redaction.deep(value) for name, value in fields.items()}
        line = orjson.dumps({"at": iso(self._clock()), "kind": kind, **shown}) + b"\n"
        with self._path.open("ab") as file:
            file.write(line)


def _end_last_line(path: Path) -> None:
    """End a line that a crash left unfinished, so that the next one stays whole."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    with path.open("rb+") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")
