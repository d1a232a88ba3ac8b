"""The ground under a plan moves: elsewhere, on its files, by a plan that its approval names."""

from pathlib import Path

import orjson

from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import any_issue_adds, edit, execute, plan
from tests.builders import git
from tests.e2e.hands import commit_on_branch
from tests.e2e.night import Night

ADDS = any_issue_adds("CHANGELOG.md")


def states(night: Night) -> dict[str, str]:
    return {
        str(one["solution_id"]): str(found["state"])
        for one in night.planned()
        if isinstance(found := one["plan"], dict)
    }


def request(night: Night, agent: str, request_id: str) -> str:
    """Return what an agent was sent in the first call of one request."""
    sent = [one for one in night.requests(agent) if one.request_id == request_id]
    return orjson.dumps(sent[0].body).decode()


def test_drift_on_a_file_that_the_plan_does_not_touch_stops_nothing(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", ADDS) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        commit_on_branch(night.root, night.branch, {"README.md": "# Mine\n"})

        assert night.run("run").code == 0
        assert git(night.root, "show", f"{night.branch}:CHANGELOG.md").split()[-1] == "ISS-1"


def test_drift_on_its_file_has_it_planned_again_with_the_diff_in_the_same_run(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", ADDS) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        commit_on_branch(night.root, night.branch, {"CHANGELOG.md": "# Changes\nby hand\n"})

        ended = night.run("run")

        assert ended.code == 3, ended.err
        assert "stale: changed since the plan was made: CHANGELOG.md" in ended.err
        assert states(night) == {"SOL-ISS-1-1": "superseded", "SOL-ISS-1-2": "pending"}
        asked = request(night, "planner", "ISS-1.2")
        assert "+by hand" in asked
        assert "changed since the plan was made: CHANGELOG.md" in asked
        assert night.requests("executor") == []
        assert night.run("run").code == 3  # the old approval is worth nothing

        night.approve_all()
        assert night.run("run").code == 0


def test_what_an_earlier_plan_of_the_approval_left_is_shown_to_the_executor(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", ADDS) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.approve_all()

        assert night.run("run").code == 0

        assert "+ISS-1" in request(night, "executor", "ISS-2.1")
        assert "+ISS-1" not in request(night, "executor", "ISS-1.1")


def touching(issue: str, *paths: str) -> Script:
    return plan(issue, files=dict.fromkeys(paths, "modify"))


def test_a_landing_has_the_plans_on_its_paths_looked_at_again_and_no_others(
    tmp_path: Path,
) -> None:
    script = (
        touching("ISS-1", "CHANGELOG.md")
        + touching("ISS-2", "CHANGELOG.md", "README.md")
        + touching("ISS-3", "CHANGELOG.md", "README.md")
        + touching("ISS-4", "README.md")
        + touching("ISS-5", "CHANGELOG.md")
        + execute(edits=[edit("CHANGELOG.md", "# Changes\n", "# Changes\n{issue_id}\n")])
    )
    with Night(tmp_path / "repo", script) as night:
        night.add("ISS-1", "ISS-2", "ISS-3", "ISS-4", "ISS-5")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1", "SOL-ISS-2-1")
        commit_on_branch(night.root, night.branch, {"README.md": "# Mine\n"})

        ended = night.run("run")

        assert ended.code == 3, ended.err
        assert states(night) == {
            "SOL-ISS-1-1": "approved",
            "SOL-ISS-2-1": "superseded",
            "SOL-ISS-3-1": "superseded",  # nobody had decided on it yet
            "SOL-ISS-4-1": "pending",  # drifted too, but what landed is not its business
            "SOL-ISS-5-1": "pending",  # its approval will simply name what landed
            "SOL-ISS-2-2": "pending",
            "SOL-ISS-3-2": "pending",
        }
        assert len(night.commits()) == 2  # the first solution, and the one by hand
        kinds = [
            (line["data"]["solution_id"], line["data"]["event"])
            for raw in (night.root / ".workflow/journal.jsonl").read_bytes().splitlines()
            if (line := orjson.loads(raw))["kind"] == "plan_changed"
        ]
        assert kinds[-2:] == [("SOL-ISS-2-1", "drift"), ("SOL-ISS-3-1", "drift")]
        night.run("approve", "SOL-ISS-5-1")
        assert night.run("execute", "SOL-ISS-5-1").code == 3
        assert len(night.commits()) == 3


def test_plans_asked_for_by_name_that_may_not_run_are_told_and_journaled(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", ADDS) as night:
        night.add("ISS-1", "ISS-2", "ISS-3", "ISS-4")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")
        night.run("defer", "SOL-ISS-3-1")
        night.run("reject", "SOL-ISS-4-1", "--reason", "no")

        refused = night.run("execute", "SOL-ISS-1-1", "SOL-ISS-4-1")

        assert refused.code == 1
        assert refused.err.splitlines()[-1] == (
            "pipeline: cannot execute SOL-ISS-4-1: it was rejected: "
            "`pipeline retry ISS-4` has it planned again"
        )
        assert night.requests("executor") == []

        ended = night.run("execute", "SOL-ISS-1-1", "SOL-ISS-2-1", "SOL-ISS-3-1")

        assert ended.code == 3
        said = " ".join(ended.err.split())
        assert "SOL-ISS-2-1 not executed: nobody has approved it: `pipeline approve" in said
        assert "SOL-ISS-3-1 not executed: it is deferred: `pipeline defer --undo" in said
        assert "SOL-ISS-1-1 not executed" not in said
        assert night.states()["ISS-1"] == "completed"
        journal = (night.root / ".workflow/journal.jsonl").read_text()
        assert journal.count('"kind":"execution_refused"') == 3
        again = night.run("execute", "SOL-ISS-1-1")
        assert "not executed" not in again.err
