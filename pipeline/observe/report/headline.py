"""The first sentence of the report: what came of it, said without colour.

landed tonight, of how many | nothing landed | nothing was carried out | nothing was asked for
"""

from collections.abc import Mapping, Sequence

from pipeline.domain.counting import counted
from pipeline.domain.group import Group
from pipeline.observe.report.facts import ReportEntry

SAYS: dict[Group, tuple[str, str]] = {
    Group.LANDED: ("1 landed", "{} landed"),
    Group.FAILED: ("1 failed", "{} failed"),
    Group.NEEDS_YOU: ("1 needs you", "{} need you"),
    Group.PARKED: ("1 is parked", "{} are parked"),
    Group.TURNED_DOWN: ("1 was turned down", "{} were turned down"),
    Group.NOT_STARTED: ("1 is left", "{} are left"),
}
"""Group -> what is said of one issue in it and of several, worst news first."""


def headline(groups: Mapping[str, Sequence[ReportEntry]]) -> str:
    """Return the first sentence."""
    landed = groups[Group.LANDED]
    tonight = sum(not one.earlier for one in landed)
    before = len(landed) - tonight
    left = [_said(group, len(groups[group])) for group in SAYS if group is not Group.LANDED]
    rest = ", ".join(said for said in left if said)
    number = sum(map(len, groups.values())) - before
    if not number:
        return _nothing_asked(before)
    if not tonight:
        said = _nothing_landed(groups, number, rest)
    elif rest:
        said = f"{tonight:,} of {counted(number, 'issue')} landed; {rest}."
    else:
        said = f"Everything landed: {counted(number, 'issue')}."
    return f"{said} {before:,} had landed before." if before else said


def outcome(groups: Mapping[str, Sequence[ReportEntry]]) -> str:
    """Return how many issues are where, in one line; what landed before the run apart, "" of none.

    >>> outcome({"landed": [ReportEntry(issue_id="A-1", title="", state="completed")]})
    '1 landed'
    """
    landed = groups.get(Group.LANDED, ())
    tonight = sum(not one.earlier for one in landed)
    numbers = {group: len(groups.get(group, ())) for group in SAYS} | {Group.LANDED: tonight}
    said = [_said(group, number) for group, number in numbers.items() if number]
    before = len(landed) - tonight
    return ", ".join([*said, f"{before:,} had landed before"] if before else said)


def _nothing_asked(before: int) -> str:
    if before:
        return f"Nothing was left to do: {_all(before)} had landed before."
    return "The backlog is empty: nothing was asked for, and nothing was done."


def _nothing_landed(groups: Mapping[str, Sequence[ReportEntry]], number: int, rest: str) -> str:
    if len(groups[Group.FAILED]) == number:
        return f"Nothing landed: {_all(number)} failed."
    tried = any(one.attempts for entries in groups.values() for one in entries)
    return f"Nothing landed: {rest}." if tried else f"Nothing was carried out: {rest}."


def _all(number: int) -> str:
    return "the only issue" if number == 1 else f"all {number:,} issues"


def _said(group: Group, number: int) -> str:
    one, several = SAYS[group]
    return "" if not number else one if number == 1 else several.format(f"{number:,}")
