"""Numbers and moments as people read them, the same in every form of the report."""

from datetime import UTC, datetime
from urllib.parse import quote

from pipeline.domain.group import Group
from pipeline.observe.report.facts import Standstill
from pipeline.plans.page import moment
from pipeline.plans.sanitize import clean

CENT = 0.01
MINUTE, HOUR = 60, 3600
SHORT = 10
"""So many digits of a commit are shown."""
MINUS = "\N{MINUS SIGN}"


def line(text: str) -> str:
    """Return text of others on one line, with nothing invisible in it."""
    return clean(text, one_line=True)


def money(usd: float | None) -> str:
    """Return USD with two digits; None is a price that nobody knows."""
    if usd is None:
        return "price unknown"
    return "under 0.01 USD" if 0 < usd < CENT else f"{usd:,.2f} USD"


def duration(seconds: float) -> str:
    """Return `0.4 s`, `45 s`, `12 min` or `1 h 12 min`."""
    if seconds < MINUTE:
        return f"{seconds:.1f} s" if seconds < SHORT else f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / MINUTE), MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def lines(added: int, deleted: int) -> str:
    """Return how many lines came and went: plus 12, minus 3, in signs."""
    return f"+{added:,} {MINUS}{deleted:,}"


def clock(when: datetime) -> str:
    """Return a moment in UTC: `2026-11-21 02:29Z`."""
    return moment(when)


def clock_of(text: str) -> str:
    """Return a moment that is written in ISO-8601 as a clock shows it; anything else as it is."""
    try:
        return clock(datetime.fromisoformat(text).astimezone(UTC))
    except ValueError:
        return line(text)


def commit(hash_: str) -> str:
    """Return a commit as people name it."""
    return hash_[:SHORT]


STOOD_STILL: dict[str, str] = {
    "pause": "paused by {by}",
    "stop": "stopped by {by}",
    "stop now": "stopped at once by {by}",
    "signal": "interrupted by a signal, such as Ctrl-C",
}
"""How the run came to stand still -> how that is said."""


def stood_still(one: Standstill) -> str:
    """Return when a run stood still, why, and how long."""
    said = f"{STOOD_STILL[one.how].format(by=one.by)} at {clock(one.at)}"
    said = f"{said[0].upper()}{said[1:]}"
    if one.over_at is None or one.seconds is None:
        return f"{said}; it has not gone on since"
    return f"{said}; it went on at {clock(one.over_at)}, {duration(one.seconds)} later"


def place(hash_: str | None, branch: str | None) -> str:
    """Return where a commit is, `0123456789 on pipeline/R`; "" of none."""
    if not hash_:
        return ""
    return commit(hash_) + (f" on {branch}" if branch else "")


def heading(group: str) -> str:
    """Return the heading of a group of issues; what was interrupted has been started, and is left.

    >>> heading("needs you"), heading("not started")
    ('Needs you', 'Left')
    """
    return "Left" if group == Group.NOT_STARTED else group.capitalize()


def capital(text: str) -> str:
    """Return a sentence with its first letter large and a full stop."""
    said = f"{text[:1].upper()}{text[1:]}"
    return said if said.endswith((".", "!", "?")) or not said else f"{said}."


def beside(path: str, where: str = "") -> str:
    """Return what links to a file below the folder `where`, itself relative to the text.

    It begins with a dot, so that no name can be read as a scheme or a host.
    """
    return quote(f"./{where}{path}", errors="replace")
