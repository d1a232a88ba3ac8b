"""Captures without what differs from night to night, so that taking them again changes nothing.

Times, ids, commits, processes and durations become those of one night that never was, as wide as
they are: rows keep their form. Tokens are rounded to hundreds; the words are the program's own.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

FIRST = datetime(2026, 11, 21, 2, 14)  # noqa: DTZ001 - a clock on a page, of no zone
STEP = timedelta(seconds=3)
"""From one event to the next."""
RUN_ID = "20261121-021400-3f2a"
COMMITS = ("4f2a91c07d", "63b905e623", "647e45a549", "b890643710")
PLANS_S = 6
"""How long a turn took, in seconds."""

LINE = re.compile(r"^\d\d:\d\d:\d\d(?=  (.*)$)", re.MULTILINE)
COMMIT = re.compile(r"\b[0-9a-f]{10}\b")
CHANGES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\d{8}-\d{6}-[0-9a-f]{4}", RUN_ID),
    (r"\(pid \d+(?=\))", "(pid 4711"),
    (r"\(pid \d+(?=…)", "(pid 47"),
    (r"(?<=decisions until )\d\d:\d\d", "03:14"),
    (r"(?<=used up until )\d\d:\d\d|(?<=openai until )\d\d:\d\d", "04:29"),
    (r"\(in \d h \d+ min\)", "(in 2 h 14 min)"),
    (r"(?<=\) for )\d+ s$", "14 s"),
    (r"\d+ s(?=\): )", "3 s"),
    (r"\d+ s(?= \(call )", "2 s"),
    (r"(?<=discover -q: passed \()\d+\.\d", "0.2"),
    (r"(?<=test -d \.: passed \()\d+\.\d", "0.0"),
    (
        r"left: (\d+) to (\w+): about \d+ s \(medians here: \d+ s",
        lambda found: (
            f"left: {found[1]} to {found[2]}: about {int(found[1]) * PLANS_S} s "
            f"(medians here: {PLANS_S} s"
        ),
    ),
    (r"\d+,\d{3}(?= tokens| reserved)", lambda found: f"{_hundreds(found[0]):,}"),
)
"""What differs -> what stands for it, or makes that of it."""


def settled(screens: dict[str, str]) -> dict[str, str]:
    """Return the captures of one night, in the order in which they were taken, so changed."""
    clock: dict[str, str] = {}
    commits: dict[str, str] = {}

    def moment(found: re.Match[str]) -> str:
        when = FIRST + STEP * len(clock)
        return clock.setdefault(found[1], f"{when:%H:%M:%S}")

    def commit(found: re.Match[str]) -> str:
        return commits.setdefault(found[0], COMMITS[len(commits)])

    def changed(text: str) -> str:
        for pattern, instead in CHANGES:
            text = re.sub(pattern, instead, text, flags=re.MULTILINE)
        return LINE.sub(moment, COMMIT.sub(commit, text))

    return {name: changed(text) for name, text in screens.items()}


def _hundreds(number: str) -> int:
    return round(int(number.replace(",", "")), -2)
