"""What a campaign was asked for: it does not end well when it has tried nothing."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def something(chosen: Sequence[T], what: str) -> Sequence[T]:
    """Return what was chosen; ends the campaign with exit code 1 where that is nothing."""
    if not chosen:
        raise SystemExit(f"nothing was tried: there is no {what} of that name")
    return chosen
