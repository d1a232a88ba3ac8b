"""The Python interface to plans: what a person or a program writes, decides and takes away."""

import dataclasses
from pathlib import Path

import pytest

from pipeline.app import plans
from pipeline.app.plans import Desk, PlanRefused, open_desk
from pipeline.domain.plan import PlanState, RiskLevel
from pipeline.domain.results import PlanningRecord
from pipeline.domain.solution import Solution
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.paths import Places, UserPlaces
from pipeline.safety.gate import Returned
from pipeline.store.book import Book
from pipeline.store.entries import AttemptBegun, PlanningBegun, PlanRecorded, RunOpened
from pipeline.store.run_file import hold
from tests.builders import commit_files, git
from tests.review.evening import Evening
from tests.safety.world import not_mine

OWN = {
    "title": "Print dates as they are written in Japan",
    "tasks": [
        {
            "id": "T1",
            "title": "the year first",
            "files": [{"path": "src/dates.py", "action": "modify", "change": "year first"}],
            "tests": ["python3 -m pytest -q"],
        }
    ],
    "acceptance": {"criteria": ["years come first"], "commands": ["python3 -m pytest -q"]},
}


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    """Return two plans that wait (ISS-1, ISS-2) and an issue without one (ISS-3)."""
    evening = Evening(tmp_path / "repo")
    evening.plan("ISS-1", "Read dates with a time zone")
    evening.plan("ISS-2", "Quiet flag", files=("src/cli.py",))
    evening.issue("ISS-3", "Dates of Japan")
    return evening


@pytest.fixture
def desk(evening: Evening) -> Desk:
    return open_desk(evening.root)


def state(record: PlanningRecord) -> PlanState:
    assert record.plan is not None
    return record.plan.state


def test_a_plan_of_ones_own_waits_like_any_other(evening: Evening, desk: Desk) -> None:
    made = plans.create(desk, "ISS-3", OWN)

    assert (made.key, state(made), made.base_commit) == (
        "SOL-ISS-3-1",
        PlanState.PENDING,
        git(evening.root, "rev-parse", "HEAD"),
    )
    assert made.plan is not None
    assert made.plan.created_by.startswith("user:")
    assert made.plan.risk.reasons
    assert desk.book.state.run is None
    assert plans.approve(desk, made.key)[0].plan == plans.get(desk, "ISS-3").plan
    assert "Japan" in next((evening.root / ".workflow" / "plans").glob("*SOL-ISS-3-1*")).read_text()


def test_a_plan_of_ones_own_takes_the_place_of_the_planners(desk: Desk) -> None:
    plans.reject(desk, "SOL-ISS-1-1", "not like this")

    made = plans.create(desk, "ISS-1", OWN)

    assert (made.key, made.attempt) == ("SOL-ISS-1-2", 2)
    assert state(plans.get(desk, "SOL-ISS-1-1")) is PlanState.SUPERSEDED
    assert [one.key for one in plans.list_plans(desk, issue_id="ISS-1")] == [
        "SOL-ISS-1-1",
        "SOL-ISS-1-2",
    ]
    with pytest.raises(PipelineError, match="superseded: SOL-ISS-1-2 is the current plan"):
        plans.approve(desk, "SOL-ISS-1-1")


def test_an_edit_is_the_next_plan_and_voids_the_approval(desk: Desk) -> None:
    (approved,) = plans.approve(desk, "SOL-ISS-1-1")

    edited = plans.update(desk, "SOL-ISS-1-1", {"title": "Read dates and times"})

    assert (edited.key, state(edited)) == ("SOL-ISS-1-2", PlanState.PENDING)
    assert edited.solution is not None
    assert approved.solution is not None
    assert edited.solution.tasks == approved.solution.tasks
    verdict = desk.gate.check(approved, desk.book.state, approved.base_commit or "")
    assert verdict == Returned("its approval was taken back")


@pytest.mark.parametrize("decided", [True, False])
def test_an_edit_that_changes_nothing_makes_no_plan(desk: Desk, decided: bool) -> None:
    if decided:
        plans.approve(desk, "SOL-ISS-1-1")
    before = plans.get(desk, "SOL-ISS-1-1")
    assert before.solution is not None

    assert plans.update(desk, "ISS-1", {}) == before
    assert plans.update(desk, "ISS-1", before.solution) == before

    assert plans.get(desk, "ISS-1") == before


def test_a_plan_that_was_sent_back_can_be_kept_as_it_was(desk: Desk) -> None:
    sent = plans.request_changes(desk, "SOL-ISS-1-1", "shorter")
    assert state(sent) is PlanState.DRAFTING

    assert plans.update(desk, "ISS-1", {}).key == "SOL-ISS-1-2"


def test_with_a_run_the_base_is_its_tip(evening: Evening, desk: Desk) -> None:
    head = git(evening.root, "rev-parse", "HEAD")
    git(evening.root, "checkout", "-q", "-b", "pipeline/r1")
    tip = commit_files(evening.root, {"src/new.py": ""})
    git(evening.root, "checkout", "-q", "main")
    opened = RunOpened(run_id="r1", branch="pipeline/r1", base_commit=head, sandbox="none")
    desk.book.record(opened)

    assert plans.create(desk, "ISS-3", OWN).base_commit == tip

    git(evening.root, "branch", "-D", "pipeline/r1")
    with pytest.raises(PipelineError, match="the run's branch 'pipeline/r1' is gone"):
        plans.create(desk, "ISS-3", OWN)


REFUSED = [
    ({"tasks": [{"id": "T1"}]}, "tasks[0].title: is missing"),
    ({"tasks": [{"id": "1", "title": "t"}]}, "tasks[0].id: is '1': "),
    ({"score": 7}, "score: is 7: it must be less than or equal to 1"),
    ({"gaol": "x"}, "gaol: there is no such field; there are solution_id, issue_id, title, goal"),
    ({"issue_id": "ISS-2"}, "issue_id: is 'ISS-2': this is the text of another issue"),
    ({"tasks": []}, "tasks: is empty"),
    (
        {
            "tasks": [
                {"id": "T1", "title": "t", "files": [{"path": "gone.py", "action": "modify"}]},
            ]
        },
        "tasks[0].files[0].path: 'gone.py' is not there to modify",
    ),
]


@pytest.mark.parametrize(("wrong", "said"), REFUSED)
def test_what_cannot_be_a_plan_is_said_with_its_place(
    desk: Desk, wrong: dict[str, object], said: str
) -> None:
    seq = desk.book.state.seq

    with pytest.raises(PlanRefused) as refused:
        plans.create(desk, "ISS-3", OWN | wrong)

    assert any(said in problem for problem in refused.value.problems), refused.value.problems
    assert "\n" not in str(refused.value)
    assert desk.book.state.seq == seq


def test_a_typed_solution_is_taken_whatever_its_number(desk: Desk) -> None:
    typed = Solution.model_validate(OWN | {"solution_id": "SOL-ISS-3-99", "issue_id": "ISS-3"})

    assert plans.create(desk, "ISS-3", typed).key == "SOL-ISS-3-1"


def test_what_an_agent_works_on_is_left_to_it(evening: Evening, desk: Desk) -> None:
    base = git(evening.root, "rev-parse", "HEAD")
    other = Book(evening.places, EventBus())
    begun = PlanningBegun(issue_id="ISS-1", attempt=2, request_id="ISS-1.2", base_commit=base)
    other.record(begun)
    with hold(evening.places), pytest.raises(PipelineError, match="the Planning agent works on it"):
        plans.update(desk, "SOL-ISS-1-1", {"title": "x"})
    attempt = AttemptBegun(
        execution_result_id="EXR-ISS-2-1",
        issue_id="ISS-2",
        solution_id="SOL-ISS-2-1",
        run_id="r1",
        attempt=1,
        attempt_id="nonce",
        base_commit=base,
    )
    other.record(attempt)
    with pytest.raises(PipelineError, match="cannot edit SOL-ISS-2-1: it is being executed"):
        plans.update(desk, "SOL-ISS-2-1", {"title": "x"})
    with pytest.raises(PipelineError, match="SOL-ISS-2-1 is being executed"):
        plans.create(desk, "ISS-2", OWN)


def test_a_planning_turn_that_died_keeps_nobody_waiting(evening: Evening, desk: Desk) -> None:
    begun = PlanningBegun(issue_id="ISS-1", attempt=2, request_id="ISS-1.2", base_commit="0" * 40)
    desk.book.record(begun)

    assert plans.update(desk, "SOL-ISS-1-1", {"title": "x"}).key == "SOL-ISS-1-2"


def test_closed_issues_take_no_plan(evening: Evening, desk: Desk) -> None:
    assert evening.run("issues", "close", "ISS-3")[0] == 0

    with pytest.raises(PipelineError, match="it is closed; `pipeline issues reopen ISS-3`"):
        plans.create(desk, "ISS-3", OWN)


def test_plans_are_listed_by_state(desk: Desk) -> None:
    plans.approve(desk, "SOL-ISS-2-1")

    assert [one.key for one in plans.list_plans(desk)] == ["SOL-ISS-1-1", "SOL-ISS-2-1"]
    assert [one.key for one in plans.list_plans(desk, state=PlanState.APPROVED)] == ["SOL-ISS-2-1"]
    with pytest.raises(PipelineError, match="there is no issue 'ISS-9'"):
        plans.list_plans(desk, issue_id="ISS-9")


def test_only_the_current_plan_takes_the_place_of_an_earlier_one(desk: Desk) -> None:
    made = plans.create(desk, "ISS-1", OWN)

    assert state(plans.supersede(desk, "SOL-ISS-1-1", made.key)) is PlanState.SUPERSEDED
    with pytest.raises(PipelineError, match="only the issue's current plan, SOL-ISS-1-2"):
        plans.supersede(desk, made.key, "SOL-ISS-1-1")
    with pytest.raises(PipelineError, match="that is a plan of ISS-2"):
        plans.supersede(desk, "SOL-ISS-1-1", "SOL-ISS-2-1")


def test_an_export_is_the_same_text_in_a_file(desk: Desk, tmp_path: Path) -> None:
    for form in ("text", "md", "json"):
        path = tmp_path / f"plan.{form}"
        assert plans.export(desk, "ISS-1", form, path) == path.read_text()
    record = PlanningRecord.model_validate_json((tmp_path / "plan.json").read_text())
    assert record == plans.get(desk, "ISS-1")


def test_another_process_sees_what_was_written(evening: Evening, desk: Desk) -> None:
    other = open_desk(evening.root)

    made = plans.create(desk, "ISS-3", OWN)

    assert plans.get(other, made.key) == made
    assert plans.approve_matching(other, max_risk=RiskLevel.CRITICAL).records[-1].key == made.key


def test_the_rounds_of_changes_are_bounded_over_all_plans(desk: Desk) -> None:
    base = plans.get(desk, "ISS-1").solution
    assert base is not None
    for number in range(1, 4):
        plans.request_changes(desk, "ISS-1", f"change {number}")
        _planned_again(desk, number + 1)

    with pytest.raises(PipelineError, match="requested 3 of 3 times: `pipeline edit SOL-ISS-1-4`"):
        plans.request_changes(desk, "ISS-1", "once more")

    assert state(plans.get(desk, "ISS-1")) is PlanState.PENDING
    desk.request_changes(plans.get(desk, "ISS-1"), what="UTC", kind="clarification")
    assert plans.update(desk, "ISS-1", {"title": "as I want it"}).key == "SOL-ISS-1-5"
    assert state(plans.request_changes(desk, "ISS-1", "a new count")) is PlanState.DRAFTING


def test_a_rejection_starts_the_rounds_over(desk: Desk) -> None:
    for number in range(1, 4):
        plans.request_changes(desk, "ISS-1", f"change {number}")
        _planned_again(desk, number + 1)
    plans.reject(desk, "ISS-1", "no")
    plans.retry(desk, "ISS-1", feedback="otherwise")
    _planned_again(desk, 5)

    assert state(plans.request_changes(desk, "ISS-1", "a new count")) is PlanState.DRAFTING


def _planned_again(desk: Desk, number: int) -> None:
    """Record another plan of ISS-1 as the Planning agent would."""
    before = plans.get(desk, "ISS-1")
    assert before.solution is not None
    assert before.plan is not None
    key = f"SOL-ISS-1-{number}"
    fresh = before.plan.model_copy(update={"state": PlanState.PENDING, "created_by": "planner"})
    record = before.model_copy(
        update={
            "solution_id": key,
            "attempt": number,
            "solution": before.solution.model_copy(update={"solution_id": key}),
            "plan": fresh,
        }
    )
    desk.book.record(PlanRecorded(record=record, supersedes=before.key))


def test_only_who_decides_here_writes_plans(evening: Evening, desk: Desk) -> None:
    state = not_mine(evening.root.parent / "theirs")
    places = Places(evening.root, UserPlaces(state, state, state), desk.repo.git_dir)
    theirs = dataclasses.replace(desk, places=places)

    with pytest.raises(PipelineError, match="only they decide there"):
        plans.create(theirs, "ISS-3", OWN)
    with pytest.raises(PipelineError, match="only they decide there"):
        plans.update(theirs, "ISS-1", {"title": "x"})
