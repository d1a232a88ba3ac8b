"""The groups in which issues are shown; they stand alone, so that `status` imports no models."""

from enum import StrEnum


class Group(StrEnum):
    """The groups of the report, in its order."""

    LANDED = "landed"
    NEEDS_YOU = "needs you"
    PARKED = "parked"
    TURNED_DOWN = "turned down"
    FAILED = "failed"
    NOT_STARTED = "not started"
    """Also what was interrupted: people read that it is left."""
