"""The documents in a clone that does not have the commit a plan was made on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.rehearsal.scripting import any_issue_adds
from tests.builders import git
from tests.e2e.night import Night

REASON = "is not in this repository"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Night]:
    """Plan ISS-2 on top of landed ISS-1, then stand in a clone that holds neither commit."""
    with Night(tmp_path / "repo", any_issue_adds("CHANGELOG.md")) as night:
        night.add("ISS-1", "ISS-3")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")
        night.run("run")
        night.add("ISS-2")
        night.run("plan", "ISS-2")
        source, night.root = night.root, tmp_path / "clone"
        one_branch = ("--no-local", "--single-branch", "--branch", "main")
        git(source, "clone", "-q", *one_branch, f"file://{source}", str(night.root))
        (night.root / ".workflow").mkdir()
        for name in ("planning-results.json", "execution-results.json"):
            shutil.copy(source / ".workflow" / name, night.root / ".workflow" / name)
        assert night.run("init").code == 0
        yield night


def test_such_a_plan_is_shown_as_one_that_is_planned_again(elsewhere: Night) -> None:
    page = " ".join(elsewhere.run("show", "SOL-ISS-2-1").out.split())
    assert REASON in page


def test_such_a_plan_cannot_be_approved_and_is_planned_again(elsewhere: Night) -> None:
    ended = elsewhere.run("approve", "SOL-ISS-2-1")
    assert ended.code == 1
    assert "SOL-ISS-2-1 is stale" in ended.err
    assert REASON in ended.err

    assert elsewhere.run("plan", "ISS-2").code == 3

    states = [(r["solution_id"], r["status"]) for r in elsewhere.planned() if r["solution_id"]]
    assert states[-1] == ("SOL-ISS-2-2", "completed")
    assert all(status == "completed" for _, status in states), "no turn failed on the way"


def test_such_a_plan_keeps_no_other_from_being_approved(elsewhere: Night) -> None:
    assert elsewhere.run("approve", "SOL-ISS-3-1").code == 0
