"""A campaign can fail: it does not end well when nothing was tried, came or was looked at."""

from collections.abc import Callable

import pytest

from tests.crash.campaign import row
from tests.crash.trials import Place, Result, Trial
from tests.faults.campaign import main as faults
from tests.injection.campaign import main as injections
from tests.mutations.__main__ import main as mutations
from tests.races.double_start import End, Pair

TRIAL = Trial("kill", Place(0, 1, "write"))


@pytest.mark.parametrize("campaign", [faults, injections, mutations])
def test_a_word_that_chooses_nothing_is_no_success(campaign: Callable[[list[str]], int]) -> None:
    with pytest.raises(SystemExit, match="nothing was tried") as ended:
        campaign(["there-is-no-such-word"])
    assert ended.value.code not in (0, None)


@pytest.mark.parametrize(
    ("results", "is_wrong"),
    [
        ([Result(TRIAL, reads=3)], False),
        ([Result(TRIAL, reads=3), Result(TRIAL, "lost a line")], True),
        ([Result(TRIAL, reads=3), *[Result(TRIAL, was_late=True)] * 2], True),
        ([Result(TRIAL)], True),
        ([Result(TRIAL, reads=3, first_work_s=9.0)], True),
    ],
)
def test_a_crash_that_never_came_or_nobody_looked_at_is_wrong(
    results: list[Result], is_wrong: bool
) -> None:
    assert row("kill", 9, results)[1] is is_wrong


def test_two_runs_that_are_both_admitted_are_a_problem() -> None:
    both = Pair(End(1, 130, 9.0, ""), End(2, 130, 9.0, ""))
    assert both.problem == "exit codes 130 and 130: ''"
