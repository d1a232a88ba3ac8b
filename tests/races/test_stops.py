"""A sample of `tests/races/stops.py`."""

import signal
from pathlib import Path

from tests.races.stops import MOMENTS, pause, stop_at


def test_a_run_that_waits_for_a_quota_ends_when_its_terminal_goes(tmp_path: Path) -> None:
    (quota,) = [one for one in MOMENTS if one.name == "a quota"]
    stop_at(quota, signal.SIGHUP, tmp_path)


def test_a_run_that_was_paused_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    pause(tmp_path)
