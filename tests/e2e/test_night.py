"""The pipeline from a backlog to landed commits, as a person types it."""

import json
from pathlib import Path

from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import any_issue, edit, execute, plan
from pipeline.rehearsal.view import RequestView
from tests.e2e.night import PROJECT, Night, untouched


def test_a_backlog_becomes_plans_then_commits(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night, untouched(night.root):
        night.add("ISS-1", "ISS-2")

        assert night.run("plan").code == 3
        assert night.commits() == []
        assert night.approve_all() == ["SOL-ISS-1-1", "SOL-ISS-2-1"]
        assert night.run("run").code == 0

        assert [record["status"] for record in night.executed()] == ["completed", "completed"]
        assert len(night.commits()) == 2
        assert night.states() == {"ISS-1": "completed", "ISS-2": "completed"}


def test_a_change_that_breaks_the_suite_fails_by_its_tests_whatever_the_agent_says(
    tmp_path: Path,
) -> None:
    breaks = plan("ISS-1", files={"app.py": "modify"}) + execute(
        "ISS-1", edits=[edit("app.py", "return a + b", "return a - b")]
    )
    with Night(tmp_path / "repo", breaks) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()

        assert night.run("run").code == 4

        (record,) = night.executed()
        assert (record["status"], record["failure_class"]) == ("failed", "tests")
        assert record["error"] == "suite: python3 -m unittest discover -q exits 1"
        assert night.commits() == []


def test_the_tests_of_a_landed_tree_are_the_next_attempts_baseline(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.approve_all()

        ended = night.run("run")

        assert ended.code == 0
        assert ended.err.count("baseline") == 1


def test_while_it_works_anybody_can_read_who_works_on_which_run(tmp_path: Path) -> None:
    seen: list[dict[str, object]] = []

    def looking(view: RequestView) -> ReplySpec:
        seen.append(json.loads((tmp_path / "repo/.workflow/run.json").read_text()))
        return any_issue().reply(view)

    with Night(tmp_path / "repo", Script.from_function(looking)) as night:
        night.add("ISS-1")
        night.run("plan")

        assert f"pipeline/{seen[0]['run_id']}" == night.branch
        assert not (night.root / ".workflow/run.json").exists()


def test_an_approval_that_was_cut_off_can_be_typed_again(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        assert night.run("approve", "SOL-ISS-1-1").code == 0
        first = night.planned()[0]

        assert night.run("approve", "SOL-ISS-1-1", "SOL-ISS-2-1").code == 0

        assert night.planned()[0] == first
        assert night.run("run").code == 0


def test_a_part_that_was_asked_for_is_not_called_everything(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan", "ISS-1")
        night.approve_all()

        ended = night.run("execute", "ISS-1")

        assert ended.code == 0
        assert ended.out.splitlines()[1] == "1 landed, 1 is left"
        assert ended.err.strip().endswith("what was asked is done; `pipeline run` does the rest")


def test_what_lands_on_a_red_base_is_counted_apart(tmp_path: Path) -> None:
    files = {**PROJECT, "app.py": "def add(a, b):\n    return 0\n"}
    with Night(tmp_path / "repo", any_issue(), files=files) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        assert night.run("run", "--allow-red-baseline").code == 0
        told = json.loads(night.run("report", "--json").out)
        assert (told["totals"]["commits"], told["totals"]["unproven"]) == (1, 1)
        assert told["next"][0]["why"] == "look at 1 commit that no test speaks for"


def test_the_report_holds_what_ended_the_run(tmp_path: Path) -> None:
    files = {**PROJECT, "app.py": "def add(a, b):\n    return 0\n"}
    with Night(tmp_path / "repo", any_issue(), files=files) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        ended = night.run("run")
        assert ended.code == 1
        told = json.loads(night.run("report", "--json").out)
        said = ended.err.splitlines()[-1].removeprefix("pipeline: ")
        assert told["ending"]["said"] == said
        assert "--allow-red-baseline" in said
