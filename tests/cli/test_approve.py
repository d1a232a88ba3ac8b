"""Approving what was not named: by risk, by label, or all that waits."""

from pathlib import Path

import pytest

from pipeline.domain.plan import PlanState
from pipeline.domain.solution import Task
from pipeline.store.entries import RunOpened
from tests.builders import commit_files, git
from tests.review.evening import Evening, change


def low(number: int) -> Task:
    """Return a task that only creates a file: LOW."""
    files = (change(f"notes/{number}.md", "create", "new"),)
    return Task(id="T1", title="note it", files=files, tests=("python3 -m pytest -q",))


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    evening = Evening(tmp_path / "repo")
    evening.plan("ISS-1", "Note dates", low(1))
    evening.plan("ISS-2", "Read dates with a time zone")
    evening.plan("ISS-3", "Note old dates", low(3))
    evening.plan("ISS-4", "Note new dates", low(4))
    evening.run("issues", "edit", "ISS-3", "--label", "docs", "--label", "easy")
    evening.run("issues", "edit", "ISS-2", "--label", "docs")
    evening.run("defer", "SOL-ISS-4-1")
    return evening


def approved(evening: Evening) -> list[str]:
    keys = [f"SOL-ISS-{number}-1" for number in range(1, 5)]
    return [key for key in keys if evening.state(key).state is PlanState.APPROVED]


@pytest.mark.parametrize(
    ("chosen", "taken", "left"),
    [
        (
            ["--max-risk", "LOW"],
            ["SOL-ISS-1-1", "SOL-ISS-3-1"],
            "left: SOL-ISS-2-1: above LOW; SOL-ISS-4-1: deferred",
        ),
        (
            ["--label", "docs"],
            ["SOL-ISS-2-1", "SOL-ISS-3-1"],
            "left: SOL-ISS-4-1: deferred; SOL-ISS-1-1: not labelled docs",
        ),
        (
            ["--label", "docs", "--label", "easy", "--max-risk", "low"],
            ["SOL-ISS-3-1"],
            "left: SOL-ISS-2-1: above LOW; SOL-ISS-4-1: deferred; "
            "SOL-ISS-1-1: not labelled docs, easy",
        ),
        (
            ["--all"],
            ["SOL-ISS-1-1", "SOL-ISS-2-1", "SOL-ISS-3-1"],
            "left: SOL-ISS-4-1: deferred",
        ),
    ],
)
def test_what_fits_is_approved_and_the_rest_is_named(
    evening: Evening, chosen: list[str], taken: list[str], left: str
) -> None:
    code, dry, _ = evening.run("approve", *chosen, "--dry-run")
    assert (code, approved(evening)) == (0, [])

    code, out, err = evening.run("approve", *chosen, "--comment", "by rule of thumb")

    assert (code, err) == (0, "")
    assert approved(evening) == taken
    assert [line.split()[1] for line in out.splitlines() if line.startswith("approved")] == taken
    assert [line.split()[1] for line in dry.splitlines() if line.startswith("  approved")] == taken
    assert out.splitlines()[-2:] == [left, "next: pipeline run"]
    assert f"  {left}" in dry.splitlines()


def test_nothing_that_fits_is_no_error(evening: Evening) -> None:
    code, out, _ = evening.run("approve", "--label", "nobody")

    assert (code, out.splitlines()[-1]) == (0, "nothing to approve")
    assert evening.run("approve", "--label", "nobody", "--json")[1] == "[]\n"
    assert approved(evening) == []


def test_a_stale_one_keeps_no_other_from_being_approved(evening: Evening) -> None:
    base = git(evening.root, "rev-parse", "HEAD")
    git(evening.root, "checkout", "-q", "-b", "pipeline/r1")
    evening.book.record(
        RunOpened(run_id="r1", branch="pipeline/r1", base_commit=base, sandbox="none")
    )
    commit_files(evening.root, {"src/dates.py": "other = 1\n"})

    dry = evening.run("approve", "--all", "--dry-run")[1]
    code, out, _ = evening.run("approve", "--all")

    assert code == 0
    assert approved(evening) == ["SOL-ISS-1-1", "SOL-ISS-3-1"]
    assert "SOL-ISS-2-1: is stale (changed since the plan was made" in dry
    assert "would change journal: plan_changed SOL-ISS-2-1 (drift)" in dry
    assert "SOL-ISS-2-1: is stale (changed since the plan was made" in out
    assert evening.state("SOL-ISS-2-1").state is PlanState.STALE


def test_what_the_role_does_not_reach_is_left(evening: Evening) -> None:
    evening.places.user_config.parent.mkdir(parents=True, exist_ok=True)
    evening.places.user_config.write_text('[roles]\nsomebody = "admin"\n')

    dry = evening.run("approve", "--all", "--dry-run")[1]
    code, out, _ = evening.run("approve", "--all")

    assert (code, approved(evening)) == (0, ["SOL-ISS-1-1", "SOL-ISS-3-1"])
    assert "a reviewer has to approve it" in dry
    assert "a reviewer has to approve it" in out


def test_a_dry_run_refuses_a_plan_that_is_named_as_an_approval_does(evening: Evening) -> None:
    evening.run("reject", "SOL-ISS-2-1", "--reason", "no")
    before = evening.places.journal.read_bytes()

    dry = evening.run("approve", "SOL-ISS-2-1", "SOL-ISS-4-1", "--dry-run")

    assert evening.places.journal.read_bytes() == before
    assert dry == evening.run("approve", "SOL-ISS-2-1", "SOL-ISS-4-1")
    assert dry[2] == (
        "pipeline: cannot approve SOL-ISS-2-1: it is rejected; "
        "`pipeline retry ISS-2` has it planned again\n"
    )
