"""A sample of `python -m tests.kill.turns`."""

from pathlib import Path

from tests.kill.turns import try_kills


def test_agents_remember_after_a_kill_what_was_journaled_before_it(scratch: Path) -> None:
    told = try_kills(scratch, kills=3, seed=5)
    assert told.inside_a_turn >= 1
    assert told.compared >= 4
