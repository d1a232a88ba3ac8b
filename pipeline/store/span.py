"""Bytes that stay in their file until somebody looks: what keeps large journals out of memory."""

import os
from pathlib import Path
from typing import NamedTuple

LARGE = 1 << 15
"""Lines and records from this size (bytes) on are left in the journal."""


class Span(NamedTuple):
    """`length` bytes at `offset` of a file whose beginning never changes."""

    path: Path
    offset: int
    length: int

    def read(self) -> bytes:
        """Read the bytes now."""
        handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(handle, self.length, self.offset)
        finally:
            os.close(handle)
