"""What an Execution agent's shell can do to the change: what the plan lists, or was granted."""

import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import (
    PASSES,
    execute,
    finish_task,
    plan,
    privilege,
    run_command,
    submit_result,
    task,
    turn,
)
from tests.builders import git
from tests.e2e.night import Night, untouched

FILES = {"made.txt": "create", "app.py": "modify"}
COMMAND = "echo made > made.txt && echo '# seen' >> app.py"


def worked_on(night: Night, code: int) -> dict[str, object]:
    """Plan, approve and run one issue; return the record of its attempt."""
    night.add("ISS-1")
    assert night.run("plan").code == 3
    night.approve_all()
    ended = night.run("run")
    assert ended.code == code, ended.err
    (record,) = night.executed()
    return record


def heard(night: Night) -> str:
    """Return all that the executor was sent."""
    return "\n".join(json.dumps(one.body) for one in night.requests("executor"))


def landed(night: Night) -> list[str]:
    return git(night.root, "diff", "--name-only", "main", night.branch).splitlines()


def test_a_command_that_is_not_in_the_plan_changes_nothing(tmp_path: Path) -> None:
    moves = (run_command(COMMAND), finish_task("T1"), *[submit_result()] * 5)
    script = plan(files=FILES, tests=[PASSES]) + turn("executor", "*", *moves)
    with Night(tmp_path / "repo", script) as night, untouched(night.root):
        record = worked_on(night, 4)

        assert record["status"] == "failed"
        assert "nothing has changed" in str(record["error"])
        assert "read-only: it is not one of the plan's commands" in heard(night)
        assert "needs the privilege `shell_exec`" in heard(night)
        assert night.commits() == []


def listed() -> Script:
    """Return a plan that lists the command as a step."""
    step: dict[str, JsonValue] = {
        "type": "execute_command",
        "target": "echo",
        "action": "make it",
        "command": COMMAND,
        "timeout_s": 300,
    }
    work = task("T1", files=FILES, tests=[PASSES])
    assert isinstance(work["steps"], list)
    work["steps"].append(step)
    return plan(tasks=[work])


@pytest.mark.parametrize(
    "planned",
    [
        pytest.param(listed(), id="listed"),
        pytest.param(
            plan(files=FILES, tests=[PASSES], privileges=[privilege("shell_exec")]), id="granted"
        ),
    ],
)
def test_the_same_command_writes_where_the_plan_lists_it_or_was_granted_it(
    tmp_path: Path, planned: Script
) -> None:
    with Night(tmp_path / "repo", planned + execute(edits=[run_command(COMMAND)])) as night:
        record = worked_on(night, 0)

        assert record["status"] == "completed"
        assert landed(night) == ["app.py", "made.txt"]
        assert "read-only: it is not" not in heard(night)


def test_a_privileged_command_is_refused_and_the_refusal_is_on_record(tmp_path: Path) -> None:
    script = plan(files=FILES, tests=[PASSES], privileges=[privilege("shell_exec")]) + execute(
        edits=[run_command("git reset --hard"), run_command("curl x.org"), run_command(COMMAND)]
    )
    with Night(tmp_path / "repo", script) as night:
        worked_on(night, 0)

        assert "privilege `git_destructive`, which this plan was not granted" in heard(night)
        assert "`network` cannot be granted" in heard(night)
        logs = night.run("logs").out
        assert "error" in logs
        assert "run_command: not run: it throws away changes" in logs
        journal = (night.root / ".workflow" / "journal.jsonl").read_text()
        assert journal.count('"is_error":true') == 2


def test_a_granted_place_is_written_and_a_closed_one_cannot_be_asked_for(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    privileges = [privilege("file_write_external", str(given)), privilege("shell_exec")]
    copy = run_command(f"cp app.py {given}/app.py; {COMMAND}")
    script = plan("ISS-1", files=FILES, tests=[PASSES], privileges=privileges) + execute(
        edits=[copy]
    )
    closed = [privilege("file_write_external", str(tmp_path / "repo" / ".git"))]
    script += plan("ISS-2", files=FILES, tests=[PASSES], privileges=closed)
    with Night(tmp_path / "repo", script) as night:
        worked_on(night, 0)
        assert (given / "app.py").read_text().startswith("def add")

        night.add("ISS-2")
        night.run("plan")
        record = night.planned()[-1]
        assert (record["issue_id"], record["status"]) == ("ISS-2", "failed")
        assert "is closed to every plan" in str([one.body for one in night.requests("planner")])
