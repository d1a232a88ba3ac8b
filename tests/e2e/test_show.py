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


def test_a_digest_that_was_shown_approves_that_and_nothing_else(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue_adds("CHANGELOG.md")) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan", "ISS-2")
        offer = night.run("show", "SOL-ISS-2-1").out.splitlines()[-1]
        words = offer.removeprefix("to approve exactly this: pipeline ").split()
        assert words[:3] == ["approve", "SOL-ISS-2-1", "--digest"]
        night.run("plan", "ISS-1")  # it runs earlier, on the same file

        refused = night.run(*words)

        assert refused.code == 1
        assert "not what was shown any more: pipeline show SOL-ISS-2-1" in refused.err
        again = night.run("show", "SOL-ISS-2-1").out.splitlines()[-1]
        assert again != offer
        assert night.run(*again.split()[5:]).code == 0
        assert "to approve" not in night.run("show", "SOL-ISS-2-1").out
