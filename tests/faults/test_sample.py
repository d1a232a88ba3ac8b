"""A sample of the fault matrix; `make faults` runs the whole."""

from pathlib import Path

import pytest

from tests.faults.matrix import ANSWERED, CANNOT, OTHERS, PLACES, TROUBLES, VENDORS, Cell, cells
from tests.faults.night import bad_night
from tests.faults.trial import run_cell


def sample() -> list[Cell]:
    """Choose one cell of each trouble, moments and vendors in turn."""
    chosen = []
    for number, trouble in enumerate(TROUBLES):
        possible = [cell for cell in cells() if cell.trouble == trouble]
        chosen.append(possible[number * STRIDE % len(possible)])
    return chosen


STRIDE = 20
SAMPLE = sample()


@pytest.mark.parametrize("cell", SAMPLE, ids=lambda cell: cell.id)
def test_a_trouble_at_a_moment_loses_nothing(cell: Cell, scratch: Path) -> None:
    run_cell(cell, scratch)


@pytest.mark.sandbox
def test_a_night_with_errors_and_an_outage_ends_well_unattended(scratch: Path) -> None:
    assert "all landed" in bad_night(scratch / "repo", issues=3)


def test_the_sample_meets_every_trouble_moment_and_vendor() -> None:
    assert {cell.trouble for cell in SAMPLE} == set(TROUBLES)
    assert {cell.moment for cell in SAMPLE} == set(PLACES)
    assert {cell.vendor for cell in SAMPLE} == set(VENDORS)


def test_every_combination_is_tried_or_cannot_be_for_a_reason() -> None:
    assert set(CANNOT) <= set(TROUBLES)
    assert not set(ANSWERED) & set(OTHERS)
    assert all(reason for places in CANNOT.values() for reason in places.values())
    tried = {(cell.trouble, cell.moment) for cell in cells()}
    cannot = {(trouble, moment) for trouble, places in CANNOT.items() for moment in places}
    assert tried | cannot == {(trouble, moment) for trouble in TROUBLES for moment in PLACES}
    assert not tried & cannot
