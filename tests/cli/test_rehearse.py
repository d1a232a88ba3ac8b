"""How a rehearsal is told: faults by their names, a table that fits, and nothing lost unsaid."""

from pathlib import Path

import pytest

from pipeline.cli.rehearse import chosen_faults
from pipeline.cli.rehearse_facts import DID, MATTERS
from pipeline.cli.rehearse_night import Rehearsed
from pipeline.cli.rehearse_outcome import FaultRow, losses
from pipeline.cli.rehearse_stage import Stage
from pipeline.cli.rehearse_told import SHARES, cost, table
from pipeline.domain.group import Group
from pipeline.domain.issue import Issue, IssueState
from pipeline.plans.standing import Standing
from pipeline.rehearsal.night import NIGHT_FAULTS, Night
from pipeline.settings import Settings
from pipeline.store.state import State


def test_every_fault_has_words_and_settings() -> None:
    assert set(DID) == set(MATTERS) == set(NIGHT_FAULTS)
    assert all(said(Settings()) for said in MATTERS.values())


def test_faults_are_chosen_by_name_in_the_order_of_the_night() -> None:
    assert chosen_faults("all") == NIGHT_FAULTS
    assert chosen_faults("crash, quota") == ("quota", "crash")
    assert chosen_faults("none") == ()


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_table_fits_and_keeps_every_word(width: int) -> None:
    rows = [("FAULT", "STRUCK", "DID", "COST", "OUTCOME"), ("drift", *("some words " * 9,) * 4)]
    lines = list(table(rows, SHARES, width))
    assert max(map(len, lines)) <= width
    assert " ".join(lines).split().count("words") == 36


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (FaultRow(fault="hang", settings="", seconds=2, calls=1), "2.0 s, 1 call"),
        (
            FaultRow(fault="crash", settings="", seconds=0.5, calls=3, processes=2),
            "0.5 s, 3 calls, 2 new processes",
        ),
    ],
)
def test_a_cost_is_time_calls_and_processes(row: FaultRow, words: str) -> None:
    assert cost(row) == words


def test_what_is_lost_is_named(tmp_path: Path) -> None:
    stage = Stage(tmp_path, tmp_path, (), None, 0)
    night = Night((), 1, {}, clock=lambda: 0.0)
    done = Rehearsed(night, State(), {}, seen={"SOL-ISS-1-1"}, chain="line 3 was changed")
    rows = [
        Standing(Issue(id="ISS-1", title="one"), IssueState.FAILED, Group.FAILED, "its tests"),
        Standing(Issue(id="ISS-2", title="two"), IssueState.REGISTERED, Group.NOT_STARTED),
        Standing(Issue(id="ISS-3", title="three"), IssueState.BLOCKED, Group.PARKED, "ISS-1"),
    ]
    assert list(losses(stage, done, rows)) == [
        "ISS-1 failed: its tests",
        "ISS-2 was not carried out",
        "the record SOL-ISS-1-1 is gone",
        "the journal: line 3 was changed",
    ]
