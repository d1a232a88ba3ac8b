"""What a reviewer reads before a decision: earlier plans, drift, and the predicted cost."""

from pathlib import Path

from pipeline.rehearsal.scripting import any_issue_adds
from tests.e2e.hands import commit_on_branch
from tests.e2e.night import Night


def shown(night: Night, solution: str) -> str:
    """Return the page of a plan with its line ends taken out."""
    ended = night.run("show", solution)
    assert ended.code == 0, ended.err
    return " ".join(ended.out.split())


def test_a_plan_is_shown_with_the_plans_that_its_approval_names(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue_adds("CHANGELOG.md")) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")

        assert "runs after SOL-ISS-1-1 (pending; CHANGELOG.md)" in shown(night, "SOL-ISS-2-1")
        assert "runs after" not in shown(night, "SOL-ISS-1-1")
        night.approve_all()
        assert "after SOL-ISS-1-1" in shown(night, "SOL-ISS-2-1")


def test_a_plan_whose_ground_has_moved_is_shown_with_what_moved(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue_adds("CHANGELOG.md")) as night:
        night.add("ISS-1")
        night.run("plan")
        commit_on_branch(night.root, night.branch, {"CHANGELOG.md": "# Moved\n"})

        assert "changed since the plan was made: CHANGELOG.md" in shown(night, "SOL-ISS-1-1")


def test_a_plan_is_shown_with_its_predicted_cost(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue_adds("CHANGELOG.md")) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        assert "stopped at 100,000 tokens" in shown(night, "SOL-ISS-2-1")
        assert "no history yet" in shown(night, "SOL-ISS-2-1")
        night.run("approve", "SOL-ISS-1-1")
        night.run("run")

        assert "as the one plan that landed here" in shown(night, "SOL-ISS-2-1")
