"""One thing that `doctor` and `init` look at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """What one look found; `mend` is the command (or the words) that mends it."""

    name: str
    good: bool
    found: str
    mend: str | None = None
