"""A sample of `tests/races/double_start.py`."""

from pathlib import Path

from tests.races.double_start import APART_S, COMMANDS, stage, warm_pair


def test_of_two_runs_at_once_one_is_admitted_and_the_other_names_it(tmp_path: Path) -> None:
    with stage(tmp_path) as night:
        for late_s in ([0, 0], [APART_S, 0]):
            pair = warm_pair(night, tmp_path, COMMANDS[0], late_s)
            assert pair.problem is None
