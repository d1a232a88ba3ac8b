"""What agents and pipeline said to each other, for people who look into a turn afterwards.

One JSON object a line: `{"at", "kind", ...}`. Nothing is read back, so nothing waits for the disk.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import orjson
from pydantic import JsonValue

from pipeline.domain.base import iso, utc_now


class Transcript:
    """An append-only file of one agent or turn."""

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._path = path
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Append one line. Never give it a key or a header of a request."""
        line = orjson.dumps({"at": iso(self._clock()), "kind": kind, **fields}) + b"\n"
        with self._path.open("ab") as file:
            file.write(line)
