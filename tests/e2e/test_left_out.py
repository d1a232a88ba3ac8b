"""A new run starts from HEAD: it says which landed commits of earlier runs are not in it."""

from pathlib import Path

from pipeline.rehearsal.scripting import any_issue
from tests.builders import git
from tests.e2e.night import Night


def landed(night: Night, issue_id: str) -> str:
    """Land one issue; return what its run said on opening."""
    night.add(issue_id)
    said = night.run("plan").err
    night.approve_all()
    assert night.run("run").code == 0
    return said


def test_what_is_not_merged_is_told_until_it_is_in_any_form(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        assert "git merge" not in landed(night, "ISS-1")
        first, head = night.branch, git(night.root, "rev-parse", "HEAD")
        line = f"1 landed commit on {first} is not in {head[:10]}: `git merge {first}`"
        assert f"main at {head[:10]}; {line}" in night.run("doctor").out
        night.add("ISS-2")
        assert line in night.run("plan", "--dry-run").out

        opened = night.run("plan").err
        assert f"{line}, then `pipeline run --new` works with them" in opened
        assert line not in night.run("plan").err  # said once: the run goes on

        git(night.root, "merge", "-q", "--squash", first)  # one commit, the nonce in its message
        git(night.root, "commit", "-qm", git(night.root, "log", "-1", "--format=%B", first))
        assert "git merge" not in night.run("plan", "--new").err

        night.approve_all()
        night.run("run")
        second = next(name for name in night.branch.splitlines() if "ISS-2" in commits(night, name))
        git(night.root, "reset", "-q", "--hard", head)
        both = f"1 landed commit on {second} is not in {head[:10]} (1 more on other branches"
        assert both in night.run("run", "--new", "--dry-run").out
        git(night.root, "branch", "-qD", first)  # thrown away: nobody is asked for it
        alone = f"on {second} is not in {head[:10]}: `git merge"
        assert alone in night.run("run", "--new", "--dry-run").out


def commits(night: Night, branch: str) -> str:
    """Return the messages of a branch's commits."""
    return git(night.root, "log", "--format=%B", branch)
