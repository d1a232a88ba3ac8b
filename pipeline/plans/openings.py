"""What a plan may touch besides its own files, with a word on why: a reviewer agrees to it."""

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.settings import LOCK_FILES, TEST_FILES


class Opening(NamedTuple):
    """Globs that are open to a plan's work for one reason."""

    why: str
    globs: tuple[str, ...]


REASONS: dict[str, Sequence[str]] = {
    "tests": TEST_FILES,
    "lock files, which an install or a build writes anew": LOCK_FILES,
}
"""Why a glob is open -> those that the settings open for that unless you say otherwise."""
BY_SETTING = "by the setting plans.may_touch, or a decision"


def openings(globs: Sequence[str]) -> list[Opening]:
    """Return the globs by the reason for which they are open, all of them, in their order."""
    known = {glob: why for why, found in REASONS.items() for glob in found}
    reasons = dict.fromkeys(known.get(glob, BY_SETTING) for glob in globs)
    return [
        Opening(why, tuple(glob for glob in globs if known.get(glob, BY_SETTING) == why))
        for why in reasons
    ]
