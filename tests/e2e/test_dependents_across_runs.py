"""A dependent starts only where its dependency's commit is in the history it builds on."""

from pathlib import Path

from pipeline.rehearsal.scripting import any_issue
from tests.builders import git
from tests.e2e.night import Night


def landed_in_a_run_of_its_own(night: Night) -> str:
    """Land ISS-1, which closes the run, then add ISS-2, which depends on it; return the branch."""
    night.add("ISS-1")
    night.run("plan")
    night.approve_all()
    assert night.run("run").code == 0
    night.add("ISS-2", depends_on="ISS-1")
    return night.branch


def test_what_builds_on_an_unmerged_branch_is_blocked_with_the_reason(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        branch = landed_in_a_run_of_its_own(night)

        ended = night.run("run")

        assert ended.code == 4
        assert night.states() == {"ISS-1": "completed", "ISS-2": "blocked"}
        reason = f"waits for ISS-1, which landed on {branch}"
        assert reason in ended.err
        assert reason in night.run("report").out
        assert [one.request_id for one in night.requests("planner")] == ["ISS-1.1"]


def test_what_builds_on_a_merged_branch_is_carried_out_in_a_new_run(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        branch = landed_in_a_run_of_its_own(night)
        git(night.root, "merge", "-q", branch)

        assert night.run("run").code == 3
        night.approve_all()
        assert night.run("run").code == 0
        assert night.states() == {"ISS-1": "completed", "ISS-2": "completed"}


def test_what_builds_on_a_squashed_merge_finds_the_nonce_in_its_message(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        branch = landed_in_a_run_of_its_own(night)
        message = git(night.root, "log", "-1", "--format=%B", branch)
        git(night.root, "merge", "-q", "--squash", branch)
        git(night.root, "commit", "-qm", f"squashed\n\n{message}")

        assert night.run("run").code == 3


def test_a_dependency_that_was_closed_by_hand_keeps_nothing_from_starting(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        landed_in_a_run_of_its_own(night)
        backlog = night.root / ".workflow" / "issues" / "issues.jsonl"
        first, *rest = backlog.read_text().splitlines(keepends=True)
        closed = first.replace("{", '{"status": "completed", ', 1)
        backlog.write_text("".join([closed, *rest]))

        assert night.run("run").code == 3
