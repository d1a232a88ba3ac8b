"""What `plan`, `execute` and `run` do when there is nothing that they could work on."""

from pathlib import Path

import pytest

from pipeline.rehearsal.scripting import any_issue
from tests.builders import git
from tests.e2e.night import Night
from tests.e2e.test_own_plans import edit_title

COMMANDS = [("plan", "plan"), ("execute", "carry out"), ("run", "do")]
"""Command, and what it says there is nothing of."""

WAITS = "what is left waits for you: `pipeline review`"

RED = {
    "tests/test_app.py": "import unittest\n\nclass T(unittest.TestCase):\n    test_it = None()\n"
}
"""A base on which every test run ends badly: a command that runs one exits with 1."""


def red(night: Night) -> None:
    """Let the tests of the checkout's commit fail from now on."""
    (night.root / "tests/test_app.py").write_text(RED["tests/test_app.py"])
    git(night.root, "commit", "-qam", "break the tests")


def journal(night: Night) -> bytes:
    """Return the journal; nothing when there is none."""
    path = night.root / ".workflow/journal.jsonl"
    return path.read_bytes() if path.exists() else b""


def last(night: Night, *words: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it says at its end."""
    ended = night.run(*words)
    return ended.code, ended.err.splitlines()[-1].split("  ", 3)[-1].strip(" -")


@pytest.mark.parametrize(("command", "what"), COMMANDS)
def test_an_empty_backlog_opens_no_run_and_runs_no_test(
    tmp_path: Path, command: str, what: str
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        red(night)
        before = journal(night)

        said = last(night, command)

        empty = "the backlog is empty: `pipeline add` or `pipeline import`"
        assert said == (0, f"nothing to {what}; {empty}")
        assert (night.branch, journal(night)) == ("", before)
        assert night.run(command, "--dry-run").out.startswith("no new run: 0 done, 0 to go")
        assert "The backlog is empty" in night.run("report").out


def test_what_has_landed_and_what_was_taken_back_open_no_run_but_a_retry_does(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        assert night.run("run").code == 0
        branch, before = night.branch, journal(night)

        landed = "what was asked for has landed: `pipeline add` asks for more"
        for command, what in COMMANDS:
            assert last(night, command) == (0, f"nothing to {what}; {landed}")
        assert (night.branch, journal(night)) == (branch, before)

        assert night.run("rollback", "SOL-ISS-1-1", "--reason", "no").code == 0
        before = journal(night)
        red(night)
        failed = "what is left has failed: `pipeline retry ISSUE`"
        for command, what in COMMANDS:
            assert last(night, command) == (4, f"nothing to {what}; {failed}")
        assert (night.branch, journal(night)) == (branch, before)

        edit_title(night, "SOL-ISS-1-1", "in my own words")
        for command, what in COMMANDS:
            assert last(night, command) == (3, f"nothing to {what}; {WAITS}")
        assert night.branch == branch
        waited = night.run("run", "--wait-gate", "1s", "--allow-red-baseline")
        assert (waited.code, "nobody decided within 1 s" in waited.err) == (3, True)
        assert len(night.branch.splitlines()) == 2


def test_where_plans_only_wait_no_test_is_run_and_an_approval_makes_work(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        red(night)
        assert night.run("plan").code == 3

        for command, what in COMMANDS:
            assert last(night, command) == (3, f"nothing to {what}; {WAITS}")
        assert len(night.branch.splitlines()) == 1

        ruled = night.run("run", "--auto-approve", "low")  # a rule makes work, and work needs tests
        assert (ruled.code, "the tests fail before any change" in ruled.err) == (1, True)
        night.approve_all()
        assert last(night, "plan") == (0, "nothing to plan; `pipeline run` does the rest")
        assert night.run("run").code == 1


def test_a_run_asked_for_by_name_is_opened_all_the_same(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        night.run("run")

        assert night.run("run", "--new").code == 0

        assert len(night.branch.splitlines()) == 2
