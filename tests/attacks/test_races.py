"""Links swapped in while a file tool works; all of it is `python -m tests.attacks.races`.

How often which of the two is first is up to the machine: a few times each is enough here.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks.races import Act, plain, race, step_by_step, tools


@pytest.mark.parametrize("acts", [tools, step_by_step])
def test_no_link_that_is_swapped_in_gets_through_the_file_tools(
    acts: Callable[[Path], list[Act]],
) -> None:
    tally = race(500, acts)
    assert tally.through == 0
    assert tally.done > 5, "nothing was tried"
    assert tally.refused > 5, "nothing was swapped"


def test_the_race_is_won_against_plain_paths() -> None:
    assert race(500, plain).through > 5
