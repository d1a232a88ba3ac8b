"""Agents that do what they should not: fenced, not believed, ignored, and the report says so."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.rehearsal.script import CallSpec, ReplySpec, Script
from pipeline.rehearsal.scripting import (
    PASSES,
    Move,
    edit,
    finish_task,
    plan,
    privilege,
    run_command,
    submit_result,
    submit_solution,
    task,
    turn,
    write,
)
from tests.builders import git
from tests.e2e.night import PROJECT, TEST_COMMAND, Night, untouched

CODE = "app.py"
GOOD = edit(CODE, "return a + b", "return b + a")
BROKEN = edit(CODE, "return a + b", "return a - b")
CLAIMS = [submit_result()] * 5


def agent(*moves: Move, test: str = PASSES, number: int | None = None) -> Script:
    """Return a script whose plan names `app.py` and whose executor makes `moves`, in any shell."""
    planned = plan(files={CODE: "modify"}, tests=[test], privileges=[privilege("shell_exec")])
    return planned + turn("executor", "*", *moves, number=number)


def one_attempt(night: Night) -> dict[str, object]:
    """Plan, approve and run one issue; return the record of its one attempt."""
    night.add("ISS-1")
    assert night.run("plan").code == 3
    night.approve_all()
    night.run("run")
    (record,) = night.executed()
    return record


def report(night: Night) -> str:
    return night.run("report").out


def files_landed(night: Night) -> list[str]:
    names = git(night.root, "diff", "--name-only", "main", night.branch)
    return names.splitlines()


def test_a_change_outside_the_plan_is_set_aside_and_does_not_land(tmp_path: Path) -> None:
    script = agent(
        GOOD, write("README.md", "mine\n"), write("new.py", "x = 1\n"), finish_task("T1"), *CLAIMS
    )
    with Night(tmp_path / "repo", script) as night, untouched(night.root):
        record = one_attempt(night)

        assert record["status"] == "completed"
        assert record["files_modified"] == [CODE]
        assert files_landed(night) == [CODE]
        patch = (night.root / ".workflow" / str(record["quarantine"])).read_text()
        assert "+mine" in patch
        assert "+x = 1" in patch
        assert f"unplanned changes set aside in .workflow/{record['quarantine']}" in report(night)


def test_a_change_that_needs_what_was_set_aside_fails_with_its_names(tmp_path: Path) -> None:
    script = agent(
        edit(CODE, "def add(a, b):", "from helper import nothing\n\n\ndef add(a, b):"),
        write("helper.py", "nothing = None\n"),
        finish_task("T1"),
        *CLAIMS,
        test=TEST_COMMAND,
    )
    with Night(tmp_path / "repo", script) as night:
        record = one_attempt(night)

        assert (record["status"], record["failure_class"]) == ("failed", "tests")
        told = "Changes outside the plan were set aside and undone: helper.py"
        after_each_claim = [str(r.body) for r in night.requests("executor") if r.call > 3]
        assert len(after_each_claim) == 3
        assert [body.count(told) for body in after_each_claim] == [1, 2, 3]
        assert night.commits() == []


def test_a_claim_of_success_with_failing_tests_is_stored_and_not_believed(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", agent(BROKEN, finish_task("T1"), *CLAIMS)) as night:
        record = one_attempt(night)

        assert (record["status"], record["failure_class"]) == ("failed", "tests")
        claim, verification = record["claim"], record["verification"]
        assert isinstance(claim, dict)
        assert isinstance(verification, dict)
        assert (claim["status"], claim["tests_passed"]) == ("completed", True)
        assert verification["all_tests_passed"] is False
        assert verification["no_regressions"] is False
        assert "claimed completed; the pipeline saw: suite" in str(claim["contradicts"])
        assert f"the agent {claim['contradicts']}"[:60] in report(night)
        assert night.commits() == []
        kept = git(night.root, "for-each-ref", "--format=%(refname)", "refs/pipeline/failed")
        assert kept == "refs/pipeline/failed/EXR-ISS-1-1"


def test_a_task_that_fails_its_own_tests_three_times_fails_the_attempt(tmp_path: Path) -> None:
    script = agent(BROKEN, *[finish_task("T1")] * 4, test=TEST_COMMAND)
    with Night(tmp_path / "repo", script) as night:
        record = one_attempt(night)

        assert (record["failure_class"], record["failed_task_id"]) == ("tests", "T1")
        assert len([r for r in night.requests("executor") if r.call > 0]) == 3


def test_commits_and_branches_of_the_agents_shell_are_ignored_and_said(tmp_path: Path) -> None:
    shell = (
        "git add -A && git commit -q -m 'mine\n\nSolution-Id: SOL-ISS-9-1' "
        "&& git branch theirs && git tag v9"
    )
    push = run_command("git push origin HEAD:main")
    script = agent(GOOD, run_command(shell), push, finish_task("T1"), *CLAIMS)
    with Night(tmp_path / "repo", script) as night, untouched(night.root):
        record = one_attempt(night)

        assert record["status"] == "completed"
        assert night.commits() == ["do what ISS-1 asks for"]
        form = "%an|%(trailers:key=Solution-Id,valueonly,separator=%x2C)"
        last = git(night.root, "log", "-1", f"--format={form}", night.branch)
        assert last == "pipeline|SOL-ISS-1-1"
        assert git(night.root, "rev-parse", f"{night.branch}^") == git(
            night.root, "rev-parse", "main"
        )
        assert record["ignored_commits"] == 1
        assert "1 commit made in the workspace ignored" in report(night)


@pytest.mark.parametrize(
    "disguise",
    [
        pytest.param((), id="plain"),
        pytest.param((run_command("echo unittest.py >> .git/info/exclude"),), id="excluded"),
        pytest.param((run_command("echo unittest.py >> .gitignore"),), id="ignored"),
    ],
)
def test_a_planted_test_runner_that_always_succeeds_deceives_nobody(
    tmp_path: Path, disguise: Sequence[CallSpec]
) -> None:
    planted = write("unittest.py", "raise SystemExit(0)\n")
    script = agent(BROKEN, planted, *disguise, finish_task("T1"), *CLAIMS, test=TEST_COMMAND)
    with Night(tmp_path / "repo", script) as night:
        record = one_attempt(night)

        assert record["tasks_completed"] == 1, "the planted runner did not deceive the task's test"
        assert (record["status"], record["failure_class"]) == ("failed", "tests")
        assert night.commits() == []


def test_files_that_python_reads_at_its_start_do_not_survive_a_command(tmp_path: Path) -> None:
    fake = "import os; os._exit(0)"
    planted = run_command(
        "for place in $(python3 -c 'import site; print(site.getusersitepackages())') $HOME; do "
        f"mkdir -p $place; echo '{fake}' > $place/sitecustomize.py; "
        f"echo '{fake}' > $place/usercustomize.py; done; true"
    )
    script = agent(BROKEN, planted, *[finish_task("T1")] * 3, test=TEST_COMMAND)
    with Night(tmp_path / "repo", script) as night:
        record = one_attempt(night)

        assert (record["failure_class"], record["failed_task_id"]) == ("tests", "T1")


def test_an_agent_that_only_talks_is_reminded_once_and_then_has_failed(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", agent(GOOD, ReplySpec(text="All done!"))) as night:
        record = one_attempt(night)

        assert (record["status"], record["failure_class"]) == ("failed", "agent")
        assert record["error"] == "the agent stopped twice without an answer"
        assert len(night.requests("executor")) == 3
        assert night.commits() == []


def test_a_planner_that_only_talks_leaves_a_failed_issue_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    talk = turn("planner", "ISS-1", ReplySpec(text="I would do it like this."))
    with Night(tmp_path / "repo", talk + agent(GOOD)) as night:
        night.add("ISS-1", "ISS-2")

        assert night.run("plan").code == 3

        assert night.states() == {"ISS-1": "failed", "ISS-2": "planned"}
        assert night.run("plan").code == 3
        assert [r.request_id for r in night.requests("planner") if r.call == 0] == [
            "ISS-1.1",
            "ISS-2.1",
        ]


def test_an_answer_to_another_request_goes_back_and_is_not_booked(tmp_path: Path) -> None:
    script = agent(
        GOOD, finish_task("T1"), submit_result(request_id="ISS-9.1"), submit_result(summary="mine")
    )
    with Night(tmp_path / "repo", script) as night:
        record = one_attempt(night)

        assert record["status"] == "completed"
        assert isinstance(record["claim"], dict)
        assert record["claim"]["summary"] == "mine"


def test_an_agent_that_never_answers_its_own_request_has_failed(tmp_path: Path) -> None:
    wrong = [submit_result(request_id="ISS-9.1")] * 6
    with Night(tmp_path / "repo", agent(GOOD, finish_task("T1"), *wrong)) as night:
        record = one_attempt(night)

        assert (record["status"], record["failure_class"]) == ("failed", "agent")
        assert "ISS-1.1" in str(record["error"])
        assert len([r for r in night.requests("executor") if r.call >= 2]) == 4


def test_a_plan_that_is_too_narrow_is_planned_again_with_the_missing_paths(tmp_path: Path) -> None:
    narrow = submit_result(
        status="failed",
        reason="the sum is documented in two places",
        tests_passed=False,
        too_narrow_paths=["README.md", "docs/sum.md"],
    )
    wide = submit_solution(
        tasks=[task("T1", files={CODE: "modify", "README.md": "modify"}, tests=[PASSES])]
    )
    script = (
        agent(GOOD, narrow, number=1)
        + turn("planner", "ISS-1", wide, number=2)
        + turn(
            "executor",
            "ISS-1",
            GOOD,
            write("README.md", "sums\n"),
            finish_task("T1"),
            submit_result(),
            number=2,
        )
    )
    with Night(tmp_path / "repo", script, files=PROJECT) as night:
        record = one_attempt(night)

        assert record["failure_class"] == "plan_too_narrow"
        assert record["error"] == "the plan does not name: README.md, docs/sum.md"
        assert night.run("run").code == 4, "not again without new information"

        assert night.run("retry", "ISS-1").code == 0
        assert night.run("run").code == 3
        (asked,) = [r for r in night.requests("planner") if r.request_id == "ISS-1.2"]
        assert "the plan does not name: README.md, docs/sum.md" in str(asked.body)
        night.approve_all()
        assert night.run("run").code == 0
        assert files_landed(night) == ["README.md", CODE]
