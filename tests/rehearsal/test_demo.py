"""The demo's plans are good plans, and its work really works."""

import json
from pathlib import Path

import pytest

from pipeline.agents.tools.answers import to_solution
from pipeline.agents.tools.wire import SubmitSolution
from pipeline.domain.plan import RiskLevel
from pipeline.domain.solution import FileAction
from pipeline.errors import PipelineError
from pipeline.git import Trees, open_repository
from pipeline.plans.risk import assess
from pipeline.plans.validation import Surroundings, check_solution
from pipeline.rehearsal.demo import (
    TEST_COMMAND,
    TURNED_DOWN,
    demo_issues,
    demo_script,
    make_demo_repository,
)
from tests.builders import git
from tests.rehearsal.hands import Hands, play, shell

ORDER = ("DEMO-1", "DEMO-2", "DEMO-3")


def plan_of(claude, folder: Path, issue: str) -> dict:
    return play(claude, "planner", f"request_id: {issue}.1\nPlan it.", Hands(folder, {}))


def test_the_repository_is_the_same_every_time(tmp_path: Path) -> None:
    one, two = (make_demo_repository(tmp_path / name) for name in ("one", "two"))
    assert git(one, "rev-parse", "HEAD") == git(two, "rev-parse", "HEAD")
    assert git(one, "rev-list", "--count", "HEAD") == "2"
    assert git(one, "status", "--porcelain") == ""


def test_each_commit_of_the_repository_passes_its_tests(tmp_path: Path) -> None:
    folder = make_demo_repository(tmp_path / "demo")
    for commit in git(folder, "rev-list", "--reverse", "HEAD").split():
        git(folder, "checkout", "-q", commit)
        code, output = shell(folder, TEST_COMMAND)
        assert code == 0, output


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(PipelineError, match="is not empty"):
        make_demo_repository(tmp_path)


def test_the_backlog_has_a_bug_a_feature_a_dependent_and_one_to_turn_down() -> None:
    issues = {issue.id: issue for issue in demo_issues()}
    assert set(issues) == {*ORDER, *TURNED_DOWN}
    assert issues["DEMO-3"].depends_on == ("DEMO-2",)
    assert issues["DEMO-1"].labels == ("bug",)


def test_the_plan_to_turn_down_deletes_the_tests(start, tmp_path: Path) -> None:
    folder = make_demo_repository(tmp_path / "demo")
    _, claude, _ = start(demo_script())
    plan = plan_of(claude, folder, "DEMO-4")
    deleted = [f["path"] for t in plan["tasks"] for f in t["files"] if f["action"] == "delete"]
    assert "tests/test_words.py" in deleted


def test_every_change_passes_its_tests_stays_in_its_plan_and_adds_tests(
    start, tmp_path: Path
) -> None:
    folder = make_demo_repository(tmp_path / "demo")
    _, claude, _ = start(demo_script())
    plans = {issue: plan_of(claude, folder, issue) for issue in ORDER}
    finishes: dict[str, list[tuple[str, bool]]] = {}
    for issue in ORDER:
        plan = plans[issue]
        hands = Hands(folder, {task["id"]: task["tests"] for task in plan["tasks"]})
        text = f"request_id: {issue}.1\nCarry out SOL-{issue}-1."
        result = play(claude, "executor", text, hands)
        assert result["request_id"] == f"{issue}.1"
        assert result["status"] == "completed"
        finishes[issue] = hands.finishes
        for command in [TEST_COMMAND, *plan["acceptance_commands"]]:
            code, output = shell(folder, command)
            assert code == 0, output
        git(folder, "add", "-A")
        changed = set(git(folder, "diff", "--cached", "--name-only").split())
        assert changed == {f["path"] for task in plan["tasks"] for f in task["files"]}
        assert any(path.startswith("tests/") for path in changed)
        git(folder, "commit", "-q", "-m", issue)
    assert finishes["DEMO-1"] == [("T1", False), ("T1", True)]
    assert finishes["DEMO-2"] == [("T1", True), ("T2", True)]
    assert finishes["DEMO-3"] == [("T1", True)]


@pytest.mark.parametrize("issue", ORDER)
def test_every_plan_names_its_own_request_and_has_tests(start, tmp_path: Path, issue) -> None:
    folder = make_demo_repository(tmp_path / "demo")
    _, claude, _ = start(demo_script())
    plan = plan_of(claude, folder, issue)
    assert plan["request_id"] == f"{issue}.1"
    assert all(task["tests"] and task["steps"] for task in plan["tasks"])
    for task in plan["tasks"]:
        targets = {step["target"] for step in task["steps"]}
        assert targets == {file["path"] for file in task["files"]}


def test_the_pipeline_accepts_every_plan_and_sees_which_one_is_risky(start, tmp_path: Path) -> None:
    folder = make_demo_repository(tmp_path / "demo")
    _, claude, _ = start(demo_script())
    trees = Trees(open_repository(folder))
    head = git(folder, "rev-parse", "HEAD")
    created: frozenset[str] = frozenset()
    risks = {}
    for issue in demo_issues():
        sent = SubmitSolution.model_validate_json(json.dumps(plan_of(claude, folder, issue.id)))
        solution = to_solution(sent, solution_id=f"SOL-{issue.id}-1", issue_id=issue.id)
        checked = check_solution(
            solution,
            issue=issue,
            around=Surroundings(
                lambda paths: trees.modes_at(head, paths),
                created if issue.depends_on else frozenset(),
            ),
        )
        assert checked.errors == ()
        assert bool(checked.warnings) is (issue.id in TURNED_DOWN)
        created |= {p for p in solution.paths if FileAction.CREATE in solution.actions(p)}
        risks[issue.id] = assess(solution).level
    assert [risks[issue] for issue in ORDER] == [RiskLevel.MEDIUM] * 3
    assert risks["DEMO-4"] is RiskLevel.HIGH
