"""What test runners print at their end: how many tests ran, and the names of those that failed.

One row a runner. The project's code printed it, so it names and counts, and decides nothing.
"""

import re
from collections.abc import Callable, Iterator
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
    """Its groups, the last one first and joined by a dot, are the name of what failed.

    What fails without a test (a file that does not load, a package that does not build) is named
    too: else it could hide behind a test that failed before.
    """


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
        re.compile(
            r"^(?:FAIL|ERROR): (\S{1,200}) \(([\w.]+?)(?:\.\1)?\)",  # the name twice since 3.11
            re.MULTILINE,
        ),
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
        re.compile(
            r"^(?:[ \t]+\u25cf[ \t]+(?=.+ [>\u203a] )| *FAIL +)"
            r"(.+?)(?: \([0-9.]+ m?s\))?$",
            re.MULTILINE,
        ),
    ),
    Runner(
        "cargo",
        _sum(r"^test result: .*? ([0-9]+) passed; ([0-9]+) failed;"),
        _sum(r"^test result: .*?; ([0-9]+) ignored;"),
        re.compile(
            r"^(?:test (?=.+ \.\.\. FAILED$)|error: test failed, to rerun pass [`'])"
            r"(.+?)(?:(?: - should panic)? \.\.\. FAILED|[`'])$",
            re.MULTILINE,
        ),
    ),
    Runner(
        "go",
        _unsaid,
        _unsaid,
        re.compile(r"^(?:[ \t]*--- FAIL: |FAIL[ \t]+)(\S+)", re.MULTILINE),
    ),
)
"""Asked in this order; the first that finds a count or a failure counts."""


def read_output(text: str) -> SuiteRun | None:
    """Return what the end of a test run says; None when no runner is known by it.

    A command may start several runners: the names are those of all of them.
    """
    text = text[-LAST_CHARACTERS:]
    failed = {runner.name: list(_failed(runner, text)) for runner in RUNNERS}
    for runner in RUNNERS:
        ran = runner.ran(text)
        if ran is not None or failed[runner.name]:
            names = dict.fromkeys(name for found in failed.values() for name in found)
            skipped = runner.skipped(text)
            return SuiteRun(
                ran=None if ran is None else max(0, ran - _counted(runner, skipped)),
                skipped=skipped,
                failed=tuple(names)[:MOST_NAMES],
                told_by="output",
            )
    return None


def _failed(runner: Runner, text: str) -> Iterator[str]:
    for found in runner.failed.finditer(text):
        yield name_of_test(".".join(reversed(found.groups())))


COUNTS_SKIPPED = frozenset({"unittest", "node", "jest and vitest"})
"""Runners whose number of tests holds the skipped ones."""


def _counted(runner: Runner, skipped: int | None) -> int:
    return skipped or 0 if runner.name in COUNTS_SKIPPED else 0
