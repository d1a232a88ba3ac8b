"""Deciding without a terminal: several at once, deferring, and the notes beside a plan."""

import getpass
from pathlib import Path

import orjson
import pytest

from pipeline.app.deciding import desk
from pipeline.app.project import open_project
from pipeline.app.reviewing import Review, Verb
from pipeline.domain.plan import PlanState, RiskLevel
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.settings import AutoRule
from pipeline.store.entries import RunOpened
from tests.builders import commit_files, git
from tests.review.evening import Evening, usual


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    return usual(tmp_path / "repo")


def test_several_are_approved_together_or_not_at_all(evening: Evening) -> None:
    evening.run("reject", "SOL-ISS-5-1", "--reason", "no")

    code, _, err = evening.run("approve", "SOL-ISS-4-1", "SOL-ISS-5-1")

    assert (code, err.count("\n")) == (1, 1)
    assert "cannot approve SOL-ISS-5-1" in err
    assert evening.state("SOL-ISS-4-1").state is PlanState.PENDING
    code, out, _ = evening.run("approve", "SOL-ISS-4-1", "SOL-ISS-6-1")
    assert code == 0
    first, second, last = out.splitlines()
    assert first.startswith("approved SOL-ISS-4-1 until ")
    assert second.endswith(", after SOL-ISS-4-1")
    assert last == "next: pipeline run"


def test_a_plan_that_is_approved_already_is_told_with_who_and_until_when(
    evening: Evening,
) -> None:
    assert evening.run("approve", "SOL-ISS-4-1")[0] == 0
    rule = AutoRule(name="small", max_risk=RiskLevel.CRITICAL)
    here = desk(open_project(evening.root), EventBus())
    here.approve_by_rule(here.find("SOL-ISS-5-1"), rule)
    lines = evening.places.journal.read_bytes()

    code, out, _ = evening.run("approve", "SOL-ISS-4-1", "ISS-5", "--comment", "again")

    first, second, last = out.splitlines()
    assert (code, last) == (0, "next: pipeline run")
    assert first.startswith(f"SOL-ISS-4-1 is approved already, by {getpass.getuser()}, until 2")
    assert second.startswith("SOL-ISS-5-1 is approved already, by the rule 'small' for ")
    assert second.endswith("; nothing is recorded")
    shown = orjson.loads(evening.run("approve", "SOL-ISS-4-1", "--json")[1])
    assert [one["solution_id"] for one in shown] == ["SOL-ISS-4-1"]
    assert evening.places.journal.read_bytes() == lines
    both = evening.run("approve", "SOL-ISS-4-1", "SOL-ISS-6-1")[1].splitlines()
    assert both[0].startswith("SOL-ISS-4-1 is approved already")
    assert both[1].startswith("approved SOL-ISS-6-1 until ")


def test_a_plan_of_a_closed_issue_is_not_approved(evening: Evening) -> None:
    assert evening.run("approve", "SOL-ISS-5-1")[0] == 0
    assert evening.run("issues", "close", "ISS-4", "ISS-5", "--reason", "by hand")[0] == 0
    closed = "is closed, nothing of it is carried out; `pipeline issues reopen"

    for name in ("4", "5"):  # one that waits, one that was approved before
        code, out, err = evening.run("approve", f"SOL-ISS-{name}-1")

        assert (code, out) == (1, "")
        assert (
            err == f"pipeline: cannot approve SOL-ISS-{name}-1: ISS-{name} {closed} ISS-{name}`\n"
        )

    assert evening.run("issues", "reopen", "ISS-4")[0] == 0
    assert evening.run("approve", "SOL-ISS-4-1")[0] == 0


@pytest.mark.parametrize(
    "words", [("show",), ("approve",), ("reject", "--reason", "no"), ("execute",)]
)
def test_an_issue_without_a_plan_is_told_from_one_that_there_is_not(
    evening: Evening, words: tuple[str, ...]
) -> None:
    evening.issue("ISS-14", "Read years")
    evening.asks("ISS-15", "Read weeks", "Which weeks?")
    command, *rest = words

    assert evening.run(command, "ISS-14", *rest)[::2] == (
        1,
        "pipeline: ISS-14 has no plan yet: pipeline plan ISS-14\n",
    )
    assert evening.run(command, "ISS-15", *rest)[2] == (
        'pipeline: ISS-15 has no plan yet: pipeline retry ISS-15 --feedback "..."\n'
    )
    assert "there is no plan 'ISS-99'" in evening.run(command, "ISS-99", *rest)[2]


def test_a_deferred_plan_is_parked_and_can_be_approved_later(evening: Evening) -> None:
    assert evening.run("defer", "SOL-ISS-4-1")[1] == (
        "deferred SOL-ISS-4-1; later: pipeline approve SOL-ISS-4-1\n"
    )
    assert _status(evening, "ISS-4") == "parked"
    assert "is deferred" in evening.run("defer", "SOL-ISS-4-1")[2]

    assert evening.run("approve", "SOL-ISS-4-1")[0] == 0

    assert not evening.state("SOL-ISS-4-1").deferred
    assert _status(evening, "ISS-4") == "planned"


def test_an_approved_plan_can_be_deferred_and_taken_up_again(evening: Evening) -> None:
    evening.run("approve", "SOL-ISS-4-1")
    evening.run("defer", "SOL-ISS-4-1")
    assert _status(evening, "ISS-4") == "parked"

    code, out, _ = evening.run("defer", "--undo", "SOL-ISS-4-1")

    assert (code, out) == (0, "took up SOL-ISS-4-1 again: it is approved\n")
    assert evening.state("SOL-ISS-4-1").approval is not None
    assert _status(evening, "ISS-4") == "planned"


def test_show_tells_cost_and_order(evening: Evening) -> None:
    page = " ".join(evening.run("show", "SOL-ISS-5-1")[1].split())
    assert "about 15,000 tokens, $0.17, 6 min (3 landed here, 8,200 to 41,000)" in page
    assert "stopped at 100,000 tokens" in page
    assert "runs after SOL-ISS-4-1 (pending; src/dates.py)" in page
    first = " ".join(evening.run("show", "SOL-ISS-4-1")[1].split())
    assert "runs before SOL-ISS-5-1 (pending; src/dates.py)" in first


def _status(evening: Evening, issue_id: str) -> str:
    rows = orjson.loads(evening.run("issues", "--json")[1])
    return next(row["status"] for row in rows if row["id"] == issue_id)


def test_what_waits_is_listed_for_programs_without_a_terminal(evening: Evening) -> None:
    evening.run("defer", "SOL-ISS-5-1")
    code, out, _ = evening.run("review", "--json")
    assert code == 0
    assert [(one["kind"], one["key"]) for one in orjson.loads(out)] == [
        ("plan", "SOL-ISS-4-1"),
        ("plan", "SOL-ISS-6-1"),
        ("questions", "ISS-7#1"),
    ]


def test_a_plan_whose_ground_has_moved_says_so_and_cannot_be_approved(evening: Evening) -> None:
    base = git(evening.root, "rev-parse", "HEAD")
    opened = RunOpened(run_id="r1", branch="pipeline/r1", base_commit=base, sandbox="none")
    evening.book.record(opened)
    git(evening.root, "checkout", "-q", "-b", "pipeline/r1")
    commit_files(evening.root, {"src/dates.py": "moved = 1\n"})
    git(evening.root, "checkout", "-q", "main")
    project = open_project(evening.root)
    review = Review(desk(project, EventBus([]), patient=True))

    page = review.page()

    assert [note.label for note in page.shown.notes] == ["cost", "order", "drift"]
    with pytest.raises(PipelineError, match=r"changed since the plan was made: src/dates\.py"):
        review.decide(Verb.APPROVE, page)
    assert review.held is None
