"""What test runners print at their end: how many tests ran, and the names of those that failed.

One row a runner. The project's code printed it, so it names and counts, and decides nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.domain.results import SuiteRun
from pipeline.execution.junit import MOST_NAMES, name_of_test

LAST_CHARACTERS = 2**20
"""So much of an output's end is read."""

Numbers = Callable[[str], int | None]


@dataclass(frozen=True)
class Runner:
    """How one runner's output is read."""

    name: str
    ran: Numbers
    skipped: Numbers
    failed: "re.Pattern[str]"
    """Its groups, joined by a dot, are the test's name."""


def _sum(pattern: str) -> Numbers:
    """Return what adds up all numbers that a pattern finds; None when it finds nothing."""
    compiled = re.compile(pattern, re.MULTILINE)

    def numbers(text: str) -> int | None:
        found = [sum(int(n) for n in one.groups() if n) for one in compiled.finditer(text)]
        return sum(found) if found else None

    return numbers


def _unsaid(_: str) -> int | None:
    return None


_PYTEST_END = r"^(?:=+ )?(?=.* in [0-9.]+s)(?:[0-9]+ \w+, )*?"

RUNNERS: tuple[Runner, ...] = (
    Runner(
        "unittest",
        _sum(r"^Ran ([0-9]+) tests? in "),
        _sum(r"^(?:OK|FAILED) \(.*?\bskipped=([0-9]+)"),
        re.compile(r"^(?:FAIL|ERROR): \S+ \(([\w.]+)\)", re.MULTILINE),
    ),
    Runner(
        "pytest",
        _sum(rf"{_PYTEST_END}([0-9]+) (?:passed|failed)(?:, ([0-9]+) (?:passed|errors?))?"),
        _sum(r"^(?:=+ )?(?=.* in [0-9.]+s).*?\b([0-9]+) skipped"),
        re.compile(r"^(?:FAILED|ERROR) (\S+::\S+|\S+\.py)(?: - .*)?$", re.MULTILINE),
    ),
    Runner(
        "node",
        _sum(r"^(?:#|\u2139) tests ([0-9]+)$"),
        _sum(r"^(?:#|\u2139) skipped ([0-9]+)$"),
        re.compile(
            r"^[ \t]*(?:not ok [0-9]+ - (?!.*# (?:TODO|SKIP))|\u2716 (?!failing tests))"
            r"(.+?)(?: \([0-9.]+ms\))?$",
            re.MULTILINE,
        ),
    ),
    Runner(
        "jest and vitest",
        _sum(r"^[ \t]*Tests:?[ \t].*?\b([0-9]+)(?: total|\)$)"),
        _sum(r"^[ \t]*Tests:?[ \t].*?\b([0-9]+) skipped"),
        re.compile(r"^[ \t]+(?:\u25cf|FAIL)[ \t]+(.+ [>\u203a] .+)$", re.MULTILINE),
    ),
    Runner(
        "cargo",
        _sum(r"^test result: .*? ([0-9]+) passed; ([0-9]+) failed;"),
        _sum(r"^test result: .*?; ([0-9]+) ignored;"),
        re.compile(r"^test (.+?)(?: - should panic)? \.\.\. FAILED$", re.MULTILINE),
    ),
    Runner(
        "go",
        _unsaid,
        _unsaid,
        re.compile(r"^[ \t]*--- FAIL: (\S+)", re.MULTILINE),
    ),
)
"""Asked in this order; the first that finds a count or a failed test is believed."""


def read_output(text: str) -> SuiteRun | None:
    """Return what the end of a test run says; None when no runner is known by it."""
    text = text[-LAST_CHARACTERS:]
    for runner in RUNNERS:
        ran, failed = runner.ran(text), runner.failed.findall(text)
        if ran is not None or failed:
            names = dict.fromkeys(name_of_test(name) for name in failed)
            skipped = runner.skipped(text)
            return SuiteRun(
                ran=None if ran is None else max(0, ran - _counted(runner, skipped)),
                skipped=skipped,
                failed=tuple(names)[:MOST_NAMES],
                told_by="output",
            )
    return None


COUNTS_SKIPPED = frozenset({"unittest", "node", "jest and vitest"})
"""Runners whose number of tests holds the skipped ones."""


def _counted(runner: Runner, skipped: int | None) -> int:
    return skipped or 0 if runner.name in COUNTS_SKIPPED else 0
