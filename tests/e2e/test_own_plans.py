"""A plan in a person's own words, from the text to the commit."""

import json
from pathlib import Path

from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import any_issue
from pipeline.rehearsal.view import RequestView
from tests.e2e.night import Night, untouched

WRITTEN = {
    "title": "a note",
    "tasks": [
        {
            "id": "T1",
            "title": "write it",
            "files": [{"path": "note.txt", "action": "create"}],
            "tests": ["test -s note.txt"],
        }
    ],
    "acceptance": {"criteria": ["it is there"], "commands": ["test -s note.txt"]},
}


def edit_title(night: Night, key: str, title: str) -> str:
    """Edit a plan by a file, as a person would with their own tools; return the new plan's id."""
    text = night.root.parent / "plan.json"
    record = json.loads(night.run("show", key, "--format", "json").out)
    text.write_text(json.dumps(record["solution"] | {"title": title}))
    ended = night.run("edit", key, "--file", str(text), "--json")
    assert ended.code == 0, ended.err
    return str(json.loads(ended.out)["solution_id"])


def test_an_edited_plan_is_the_one_that_lands(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night, untouched(night.root):
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()

        assert edit_title(night, "SOL-ISS-1-1", "in my own words") == "SOL-ISS-1-2"

        assert night.run("run").code == 3
        assert night.commits() == []
        assert night.run("approve", "--all").code == 0
        assert night.run("run").code == 0
        assert night.commits() == ["in my own words"]
        (done,) = night.executed()
        assert (done["solution_id"], done["status"]) == ("SOL-ISS-1-2", "completed")
        first, second = night.planned()
        assert isinstance(first["plan"], dict)
        assert isinstance(second["plan"], dict)
        assert first["plan"]["state"] == "superseded"
        assert second["plan"]["created_by"].startswith("user:")


def test_a_written_plan_needs_no_planner(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan", "ISS-2")
        record = json.loads(night.run("show", "ISS-2", "--format", "json").out)
        written = json.dumps(record["solution"] | {"issue_id": "ISS-1"})
        (night.root.parent / "plan.json").write_text(written.replace("ISS-2", "ISS-1"))
        night.run("reject", "ISS-2", "--reason", "one is enough")

        assert night.run("edit", "ISS-1", "--file", str(night.root.parent / "plan.json")).code == 0
        asked = len(night.stand_in.requests)
        assert night.run("plan").code == 3
        assert len(night.stand_in.requests) == asked
        assert night.run("approve", "SOL-ISS-1-1").code == 0

        assert night.run("run").code == 0
        assert night.states()["ISS-1"] == "completed"


def test_a_plan_that_was_sent_back_three_times_is_written_by_hand(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        for number in range(1, 4):
            assert night.run("request-changes", f"SOL-ISS-1-{number}", "not yet").code == 0
            assert night.run("plan").code == 3

        refused = night.run("request-changes", "SOL-ISS-1-4", "not yet")

        assert (refused.code, refused.err.count("\n")) == (1, 1)
        assert "were requested 3 of 3 times: `pipeline edit SOL-ISS-1-4`" in refused.err
        key = edit_title(night, "SOL-ISS-1-4", "mine")
        assert night.run("approve", key).code == 0
        assert night.run("run").code == 0
        assert night.commits() == ["mine"]


def test_what_is_written_while_the_planner_works_is_kept(tmp_path: Path) -> None:
    """The issue that it works on is refused; the next one is planned by the person alone."""
    root, codes, errors = tmp_path / "repo", list[int](), list[str]()
    text = tmp_path / "plan.json"

    def meanwhile(view: RequestView) -> ReplySpec:
        for name in ("ISS-1", "ISS-2") if not codes else ():
            with night.process("edit", name, "--file", str(text)) as process:
                errors.append(process.communicate(timeout=60)[1].decode())
            codes.append(process.returncode)
        return any_issue().reply(view)

    with Night(root, Script.from_function(meanwhile)) as night:
        night.add("ISS-1", "ISS-2")
        text.write_text(json.dumps(WRITTEN))

        assert night.run("plan").code == 3

        assert codes == [1, 0], errors
        assert "the Planning agent works on it now" in errors[0]
        planned = {str(record["solution_id"]): record["plan"] for record in night.planned()}
        by = {key: plan["created_by"] for key, plan in planned.items() if isinstance(plan, dict)}
        assert sorted(by) == ["SOL-ISS-1-1", "SOL-ISS-2-1"]
        assert by["SOL-ISS-2-1"].startswith("user:")
        assert not by["SOL-ISS-1-1"].startswith("user:")
