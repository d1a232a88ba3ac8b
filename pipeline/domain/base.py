"""What all nouns share: frozen, closed to unknown fields where we write, one id form, UTC times."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
)

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""An identifier that is safe as a file name, a ref part and a trailer value."""

DerivedId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$")]
"""An identifier made from another one by a prefix and a number: `SOL-<issue id>-<n>`."""


def iso(moment: datetime) -> str:
    """Return ISO-8601 in UTC with milliseconds and `Z`: `2026-11-21T02:29:00.123Z`."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def here(moment: datetime) -> str:
    """Return a moment in the zone of who looks at a screen, not for files: `2026-11-21 03:29`."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def _to_milliseconds(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


Time = Annotated[
    AwareDatetime,
    AfterValidator(_to_milliseconds),
    PlainSerializer(iso, return_type=str, when_used="json"),
]
"""A moment in UTC with milliseconds; what is read back equals what was written."""


class Noun(BaseModel):
    """A frozen model; unknown fields are ignored, so that additions do not break readers."""

    # Validators are built on first use: building all of them would slow every command down.
    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True, defer_build=True)
