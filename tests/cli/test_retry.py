"""Taking up all issues that ended one way."""

import json
from pathlib import Path

import pytest

from tests.review.evening import Evening


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    evening = Evening(tmp_path / "repo")
    for number in (1, 2, 3):
        evening.plan(f"ISS-{number}", f"Note dates {number}")
    evening.asks("ISS-4", "Make it faster", "Which command?")
    for number in (1, 3):
        evening.run("reject", f"SOL-ISS-{number}-1", "--reason", "no")
    return evening


def test_all_of_a_class_are_taken_up_and_the_others_are_left_alone(evening: Evening) -> None:
    words = ("retry", "--class", "rejected", "--feedback", "smaller", "--json")
    code, out, err = evening.run(*words)

    assert (code, err) == (0, "")
    again = {"ISS-1": "plan", "ISS-3": "plan"}
    assert json.loads(out) == {"class": "rejected", "again": again, "left": {}}
    assert evening.feedback("ISS-1")[-1] == "smaller"
    assert evening.feedback("ISS-4") == []
    assert json.loads(evening.run(*words)[1])["again"] == {}


def test_an_issue_or_a_class_has_to_be_named(evening: Evening) -> None:
    assert evening.run("retry")[0] == 2
    assert evening.run("retry", "ISS-1", "--class", "rejected")[0] == 2
    code, _, err = evening.run("retry", "--class", "rejcted")
    assert (code, err.count("\n")) == (2, 1)
    assert evening.run("retry", "--class", "budget")[1] == (
        "no issue ended with budget: nothing to retry\n"
    )
