"""A plan in a person's own words, from the text to the commit."""

import json
from pathlib import Path

from pipeline.rehearsal.scripting import any_issue
from tests.e2e.night import Night, untouched


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
