"""What ends a run or an attempt, and what the next command makes of it."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import orjson

from pipeline.paths import Places, UserPlaces
from pipeline.rehearsal.faults import Fault, rate_limited
from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import any_issue, finish_task, plan, submit_result, turn, write
from pipeline.rehearsal.view import RequestView
from tests.builders import git
from tests.e2e.hands import commit_on_branch
from tests.e2e.night import Ended, Night

FAILING = plan(
    files={"work.txt": "create"}, tests=["echo it says $(cat work.txt); grep -q good work.txt"]
) + turn("executor", "*", write("work.txt", "bad\n"), *[finish_task("T1")] * 3, number=1)
MENDED = turn(
    "executor", "*", write("work.txt", "good\n"), finish_task("T1"), submit_result(), number=2
)


def states(night: Night) -> dict[str, str]:
    """Return solution id -> state of its plan."""
    return {
        str(record["solution_id"]): str(plan["state"])
        for record in night.planned()
        if isinstance(plan := record["plan"], dict)
    }


def outcomes(night: Night) -> list[tuple[object, ...]]:
    """Return (result id, attempt, status, failure class) of every attempt."""
    fields = ("execution_result_id", "attempt", "status", "failure_class")
    return [tuple(record[field] for field in fields) for record in night.executed()]


def turns(night: Night, agent: str) -> list[str]:
    """Return the request ids of an agent's turns, in their order."""
    return list(dict.fromkeys(one.request_id for one in night.requests(agent)))


def body_of(night: Night, agent: str, request_id: str) -> str:
    """Return what the first request of a turn said."""
    return str(next(r for r in night.requests(agent) if r.request_id == request_id).body)


def approved(night: Night, *issue_ids: str) -> None:
    """Add, plan and approve issues."""
    night.add(*issue_ids)
    assert night.run("plan").code == 3
    night.approve_all()


def acting(agent: str, call: int, act: Callable[[], None]) -> Script:
    """Return the script of `any_issue` that calls `act` once, when that call of a turn comes."""
    script = any_issue()
    done: list[bool] = []

    def reply(view: RequestView) -> ReplySpec:
        if (view.agent, view.call) == (agent, call) and not done:
            done.append(True)
            act()
        return script.reply(view)

    return Script.from_function(reply)


def last_line(ended: Ended) -> str:
    return ended.err.strip().splitlines()[-1]


# decisions


def test_changes_that_were_asked_for_make_a_second_plan_that_replaces_the_first(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        approved(night, "ISS-1", "ISS-2")

        assert night.run("request-changes", "SOL-ISS-1-1", "keep the old flag").code == 0
        ended = night.run("run")

        assert ended.code == 3
        assert states(night) == {
            "SOL-ISS-1-1": "superseded",
            "SOL-ISS-2-1": "approved",
            "SOL-ISS-1-2": "pending",
        }
        assert "keep the old flag" in body_of(night, "planner", "ISS-1.2")
        assert night.run("approve", "SOL-ISS-1-1").code == 1
        assert night.run("approve", "SOL-ISS-1-2").code == 0
        assert night.run("run").code == 0


def test_a_rejected_plan_is_not_planned_again_by_itself(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        assert night.run("reject", "SOL-ISS-1-1", "--reason", "not now").code == 0

        assert night.run("run").code == 0
        assert turns(night, "planner") == ["ISS-1.1"]
        assert night.executed() == []

        assert night.run("retry", "ISS-1", "--feedback", "now is the time").code == 0
        assert night.run("run").code == 3
        assert states(night) == {"SOL-ISS-1-1": "superseded", "SOL-ISS-1-2": "pending"}
        asked = body_of(night, "planner", "ISS-1.2")
        assert "not now" in asked
        assert "now is the time" in asked


def test_failed_tests_are_not_tried_again_without_being_asked(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", FAILING + MENDED) as night:
        approved(night, "ISS-1")
        assert night.run("run").code == 4
        assert night.run("run").code == 4
        assert outcomes(night) == [("EXR-ISS-1-1", 1, "failed", "tests")]

        assert night.run("retry", "ISS-1").code == 0
        assert night.run("run").code == 0

        assert outcomes(night)[1:] == [("EXR-ISS-1-2", 2, "completed", None)]
        assert turns(night, "planner") == ["ISS-1.1"]


def test_failed_tests_are_planned_again_with_feedback(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", FAILING + MENDED) as night:
        approved(night, "ISS-1")
        assert night.run("run").code == 4

        assert night.run("retry", "ISS-1", "--feedback", "write good instead").code == 0
        assert night.run("run").code == 3

        assert states(night) == {"SOL-ISS-1-1": "superseded", "SOL-ISS-1-2": "pending"}
        asked = body_of(night, "planner", "ISS-1.2")
        assert "write good instead" in asked
        assert "T1 failed its tests 3 times" in asked
        assert "it says bad" in asked
        night.approve_all()
        assert night.run("run").code == 0
        assert outcomes(night)[1:] == [("EXR-ISS-1-2", 1, "completed", None)]


# quotas, infrastructure, budgets


def test_a_quota_pauses_the_run_and_the_next_one_carries_on(tmp_path: Path) -> None:
    faults = (rate_limited(3600, agent="executor", call=1),)
    with Night(tmp_path / "repo", any_issue(), faults=faults) as night:
        approved(night, "ISS-1")

        ended = night.run("run")

        assert ended.code == 75
        assert "used up" in last_line(ended)
        assert "--wait-quota" in last_line(ended)
        assert "parked" in night.run("report").out
        assert "The quota of openai is used up" in night.run("report").out
        assert night.run("run").code == 0
        assert "The quota of" not in night.run("report").out
        assert outcomes(night) == [
            ("EXR-ISS-1-1", 1, "failed", "quota"),
            ("EXR-ISS-1-2", 1, "completed", None),
        ]
        assert states(night) == {"SOL-ISS-1-1": "approved"}
        assert turns(night, "planner") == ["ISS-1.1"]


def test_a_quota_while_planning_loses_nothing(tmp_path: Path) -> None:
    faults = (rate_limited(3600, agent="planner", issue="ISS-2"),)
    with Night(tmp_path / "repo", any_issue(), faults=faults) as night:
        night.add("ISS-1", "ISS-2")

        assert night.run("plan").code == 75
        assert states(night) == {"SOL-ISS-1-1": "pending"}
        assert night.run("plan").code == 3
        assert states(night) == {"SOL-ISS-1-1": "pending", "SOL-ISS-2-1": "pending"}


def test_a_quota_within_the_consented_wait_is_waited_out(tmp_path: Path) -> None:
    faults = (rate_limited(0.3, agent="executor", call=1),)
    with Night(tmp_path / "repo", any_issue(), faults=faults) as night:
        os.environ["PIPELINE_LIMITS_PROVIDER_RETRIES"] = "0"
        approved(night, "ISS-1")

        ended = night.run("run", "--wait-quota", "1m")

        assert ended.code == 0, ended.err
        assert "quota" in ended.err
        assert "goes on" in ended.err
        assert outcomes(night) == [("EXR-ISS-1-1", 1, "completed", None)]


def test_three_infrastructure_failures_in_a_row_stop_the_run_in_one_line(tmp_path: Path) -> None:
    faults = (Fault("status", agent="executor", status=500, times=3),)
    with Night(tmp_path / "repo", any_issue(), faults=faults) as night:
        os.environ["PIPELINE_LIMITS_PROVIDER_RETRIES"] = "0"
        approved(night, "ISS-1", "ISS-2", "ISS-3", "ISS-4")

        ended = night.run("run")

        assert ended.code == 1
        assert "stopped after 3 infrastructure failures in a row" in last_line(ended)
        assert "Traceback" not in ended.err
        assert [outcome[0] for outcome in outcomes(night)] == [
            "EXR-ISS-1-1",
            "EXR-ISS-2-1",
            "EXR-ISS-3-1",
        ]
        assert night.run("run").code == 0
        assert [o[1:3] for o in outcomes(night)[3:]] == [(1, "completed")] * 4


def test_three_infrastructure_failures_of_one_issue_park_it(tmp_path: Path) -> None:
    faults = (Fault("status", agent="executor", status=500, times=3),)
    with Night(tmp_path / "repo", any_issue(), faults=faults) as night:
        os.environ["PIPELINE_LIMITS_PROVIDER_RETRIES"] = "0"
        approved(night, "ISS-1")
        assert night.run("run").code == 1

        assert night.run("run").code == 4
        assert night.states() == {"ISS-1": "blocked"}
        assert len(night.executed()) == 3
        assert "3 times in a row" in night.run("report").out

        assert night.run("retry", "ISS-1").code == 0
        assert night.run("run").code == 0


def test_a_spent_budget_ends_with_5_and_a_larger_one_carries_on(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        approved(night, "ISS-1")

        ended = night.run("run", "--max-tokens", "100")

        assert ended.code == 5
        assert "the run's budget is spent" in last_line(ended)
        assert "raise budget.tokens" in last_line(ended)
        assert "(exit code 5): the run's budget is spent: " in night.run("report").out
        assert night.requests("executor") == []
        assert night.run("run").code == 0
        assert night.states() == {"ISS-1": "completed"}


# signals


def test_a_run_that_is_asked_to_stop_ends_with_130_and_the_next_one_carries_on(
    tmp_path: Path,
) -> None:
    started: list[int] = []
    script = acting("executor", 1, lambda: os.kill(started[0], signal.SIGTERM))
    with Night(tmp_path / "repo", script) as night:
        approved(night, "ISS-1", "ISS-2")

        process = night.process("run")
        started.append(process.pid)
        _, err = process.communicate(timeout=60)

        assert process.returncode == 130, err
        assert "interrupted" in err.decode().splitlines()[-1]
        assert outcomes(night) == [("EXR-ISS-1-1", 1, "failed", "interrupted")]
        said_as_left(night, err.decode())
        assert night.run("run").code == 0
        assert [o[1:3] for o in outcomes(night)[1:]] == [(1, "completed"), (1, "completed")]
        assert "+ISS-1" in body_of(night, "executor", "ISS-1.2"), "it is told what was there"
        assert len(night.commits()) == 2


def said_as_left(night: Night, err: str) -> None:
    """Hold every word on what was interrupted to one thing: it is left, and goes on."""
    shown, report = night.run("status").out, night.run("report").out
    assert "2 left" in shown
    assert "left: 2 to execute" in shown
    assert re.search(r"^ISS-1 +left +SOL-ISS-1-1 +interrupted", shown, re.MULTILINE)
    assert "Nothing landed: 2 are left." in report
    assert "carry on with 2 issues: `pipeline run`" in report.lower()
    for said in (shown, report, err):
        assert "parked" not in said
        assert "interrupted: interrupted" not in said
    assert night.states() == {"ISS-1": "planned", "ISS-2": "planned"}
    found = night.run("status", "--json").json
    Places(night.root, UserPlaces.from_environment(), night.root / ".git").summary_file.unlink()
    assert night.run("status", "--json").json == found, "kept or made anew, it is the same"
    retried = night.run("retry", "--class", "interrupted", "--dry-run").out
    assert "ISS-1" in retried
    assert "ISS-2" not in retried


# dependencies and branches


def test_what_depends_on_a_rejected_plan_is_blocked_with_the_reason(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.add("ISS-2", depends_on="ISS-1")
        night.add("ISS-3")
        night.run("plan")
        night.run("reject", "SOL-ISS-1-1", "--reason", "no")
        night.run("approve", "SOL-ISS-2-1", "SOL-ISS-3-1")

        ended = night.run("run")

        assert ended.code == 4
        assert night.states() == {"ISS-1": "parked", "ISS-2": "blocked", "ISS-3": "completed"}
        assert "depends on ISS-1, which is rejected" in night.run("report").out
        assert [record["issue_id"] for record in night.executed()] == ["ISS-3"]


def test_a_branch_that_somebody_has_checked_out_parks_the_run_with_the_reason(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        approved(night, "ISS-1")
        git(night.root, "switch", "-q", night.branch)

        ended = night.run("run")

        assert ended.code == 4
        assert "is checked out in" in ended.err
        report = night.run("report").out
        assert "## Parked" in report
        assert "is checked out in" in report
        assert night.executed() == []
        git(night.root, "switch", "-q", "main")
        assert night.run("run").code == 0


def test_a_branch_that_is_checked_out_while_the_agent_works_parks_the_attempt(
    tmp_path: Path,
) -> None:
    root = tmp_path / "repo"

    def check_out() -> None:
        branch = git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads/pipeline/")
        git(root, "switch", "-q", branch)

    with Night(root, acting("executor", 0, check_out)) as night:
        approved(night, "ISS-1")

        assert night.run("run").code == 4
        assert "is checked out in" in str(night.executed()[0]["error"])
        assert night.commits() == []
        git(root, "switch", "-q", "main")
        assert night.run("run").code == 0
        assert night.commits() == ["do what ISS-1 asks for"]


def test_a_foreign_commit_on_other_files_is_built_upon_and_everything_verified_again(
    tmp_path: Path,
) -> None:
    root = tmp_path / "repo"
    foreign: list[str] = []

    def act() -> None:
        branch = git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads/pipeline/")
        foreign.append(commit_on_branch(root, branch, {"README.md": "# Mine\n"}))

    with Night(root, acting("executor", 0, act)) as night:
        approved(night, "ISS-1")

        ended = night.run("run")

        assert ended.code == 0, ended.err
        assert night.commits() == ["by hand", "do what ISS-1 asks for"]
        assert git(root, "rev-parse", f"{night.branch}^") == foreign[0]
        (record,) = night.executed()
        assert record["base_commit"] == foreign[0]
        assert record["files_modified"] == ["work/ISS-1.txt"]
        verification = record["verification"]
        assert isinstance(verification, dict)
        assert verification["tree"] == git(root, "rev-parse", f"{night.branch}^{{tree}}")
        assert verification["all_tests_passed"] is True
        assert ended.err.count("suite ") == 2
        said = f"1 commit on the run's branch not by the pipeline: {foreign[0][:10]} (by hand)."
        told = orjson.loads(night.run("report", "--json").out)
        assert said in told["remarks"]
        assert told["next"][0]["why"] == "look at 1 tested commit, and 1 not by the pipeline"


def test_a_foreign_commit_that_breaks_the_moved_change_keeps_it_from_landing(
    tmp_path: Path,
) -> None:
    root = tmp_path / "repo"

    def act() -> None:
        branch = git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads/pipeline/")
        commit_on_branch(root, branch, {"app.py": "def add(a, b):\n    return 0\n"})

    with Night(root, acting("executor", 0, act)) as night:
        approved(night, "ISS-1")

        assert night.run("run").code == 4
        assert outcomes(night) == [("EXR-ISS-1-1", 1, "failed", "tests")]
        assert night.commits() == ["by hand"]
