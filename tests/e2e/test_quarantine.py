"""What becomes of changes outside the plan: `fence.quarantine` is `fail`, `aside` or `ask`."""

import os
from pathlib import Path

import pytest

from pipeline.app.project import open_project
from pipeline.app.working import work_through
from pipeline.domain.wanted import Wanted
from pipeline.events import EventBus
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import edit, finish_task, plan, submit_result, turn, write
from tests.builders import git
from tests.e2e.night import Night

NEEDED = edit("app.py", "def add(a, b):", "from helper import nothing\n\n\ndef add(a, b):")


def beyond() -> Script:
    """Return an agent whose change needs a file that its plan does not name."""
    return plan(
        files={"app.py": "modify"}, tests=["true"], acceptance_commands=["test -e app.py"]
    ) + turn(
        "executor",
        "*",
        NEEDED,
        write("helper.py", "nothing = None\n"),
        finish_task("T1"),
        *[submit_result()] * 4,
    )


@pytest.fixture
def setting(request: pytest.FixtureRequest) -> str:
    """Choose the setting for one test; the environment is given back after each."""
    os.environ["PIPELINE_FENCE_QUARANTINE"] = request.param
    return str(request.param)


def one_attempt(night: Night) -> dict[str, object]:
    night.add("ISS-1")
    assert night.run("plan").code == 3
    night.approve_all()
    night.run("run")
    return night.executed()[-1]


@pytest.mark.parametrize("setting", ["fail"], indirect=True)
def test_fail_ends_the_attempt_and_names_the_paths(setting: str, tmp_path: Path) -> None:
    with Night(tmp_path / "repo", beyond()) as night:
        record = one_attempt(night)

        assert (record["status"], record["failure_class"]) == ("failed", "plan_too_narrow")
        assert record["error"] == "the plan does not allow: helper.py"
        assert record["too_narrow"] == ["helper.py"]
        patch = night.root / ".workflow" / str(record["quarantine"])
        assert "+nothing = None" in patch.read_text()
        assert night.commits() == []


@pytest.mark.parametrize("setting", ["ask"], indirect=True)
def test_ask_parks_the_tested_change_and_an_approval_lands_it(setting: str, tmp_path: Path) -> None:
    with Night(tmp_path / "repo", beyond()) as night:
        record = one_attempt(night)

        assert (record["status"], record["failure_class"]) == ("failed", "plan_too_narrow")
        held = record["held"]
        assert isinstance(held, dict)
        assert held["paths"] == ["helper.py"]
        assert night.commits() == []
        again = night.run("run", "--auto-approve", "CRITICAL")
        assert again.code == 3, "no rule answers for a person"
        page = " ".join(night.run("show", "SOL-ISS-1-1").out.split())
        assert "what the plan does not allow: helper.py" in page
        assert "`pipeline approve SOL-ISS-1-1` lands all of it" in page
        patch = night.root / ".workflow" / str(record["quarantine"])
        assert "+nothing = None" in patch.read_text()

        asked = len(night.requests("executor"))
        assert night.run("approve", "SOL-ISS-1-1").code == 0
        assert night.run("run").code == 0

        assert len(night.requests("executor")) == asked, "no agent was asked again"
        landed = night.executed()[-1]
        assert landed["status"] == "completed"
        assert landed["files_modified"] == ["app.py", "helper.py"]
        assert landed["tasks_completed"] == 1
        assert git(night.root, "show", f"{night.branch}:helper.py") == "nothing = None"
        signed = night.planned()[-1]["plan"]
        assert isinstance(signed, dict)
        assert "/helper.py" in signed["may_touch"], "this file, and none of its name elsewhere"


class Killed(BaseException):
    """Ends a process as a kill does: nothing catches it."""


@pytest.mark.parametrize("setting", ["ask"], indirect=True)
@pytest.mark.parametrize(
    "moment", ["journal:before:attempt_recorded", "journal:after:attempt_recorded"]
)
def test_ask_never_asks_without_what_it_would_land(
    setting: str, moment: str, tmp_path: Path
) -> None:
    with Night(tmp_path / "repo", beyond()) as night:
        night.add("ISS-1")
        assert night.run("plan").code == 3
        night.approve_all()

        def probe(point: str) -> None:
            if point == moment:
                raise Killed

        with pytest.raises(Killed):
            work_through(
                open_project(night.root, {}),
                Wanted(),
                bus=EventBus(),
                stop=lambda: False,
                probe=probe,
            )
        assert night.run("run").code == 3
        (question,) = [one["held"] for one in night.executed() if one["held"]]
        assert isinstance(question, dict)
        assert night.run("clean", "--all").code == 0
        asked = len(night.requests("executor"))
        assert night.run("approve", "SOL-ISS-1-1").code == 0
        assert night.run("run").code == 0
        assert len(night.requests("executor")) == asked, "what was shown has landed"
        landed = str(night.executed()[-1]["commit_hash"])
        trees = [
            git(night.root, "rev-parse", f"{one}^{{tree}}") for one in (landed, question["commit"])
        ]
        assert trees[0] == trees[1]


@pytest.mark.parametrize("setting", ["ask"], indirect=True)
def test_ask_and_a_rejection_drop_all_of_it(setting: str, tmp_path: Path) -> None:
    with Night(tmp_path / "repo", beyond()) as night:
        one_attempt(night)
        assert night.run("reject", "SOL-ISS-1-1", "--reason", "no helpers").code == 0
        assert night.run("run").code == 0
        assert night.commits() == []
        assert len(night.executed()) == 1


def weakening() -> Script:
    """Return an agent that makes a test say less, beside a change that passes."""
    changed = edit("tests/test_app.py", "self.assertEqual(add(1, 2), 3)", "add(1, 2)")
    return plan(
        files={"app.py": "modify"}, tests=["true"], acceptance_commands=["test -e app.py"]
    ) + turn(
        "executor",
        "*",
        edit("app.py", "return a + b", "return b + a"),
        changed,
        finish_task("T1"),
        *[submit_result()] * 4,
    )


def test_weaker_tests_are_shown_and_the_next_run_begins_with_the_suite_of_what_landed(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", weakening()) as night:
        record = one_attempt(night)

        said = "fewer assertions: tests/test_app.py: test_adds has 0 assertions, had 1"
        assert record["status"] == "completed"
        verification = record["verification"]
        assert isinstance(verification, dict)
        (found,) = verification["weaker_tests"]
        assert f"{found['kind']}: {found['path']}: {found['detail']}" == said
        for words in (("report",), ("show", "SOL-ISS-1-1"), ("show", "ISS-1", "--format", "md")):
            assert said in " ".join(night.run(*words).out.split()), words
        stages = [one["stage"] for one in verification["commands"]]
        assert stages.count("suite") == 1
        baselines = sorted((night.root / ".workflow/outputs").glob("baseline-*"))
        assert len(baselines) == 1

        assert night.run("run", "--new", "--base", night.branch).code == 0
        assert sorted((night.root / ".workflow/outputs").glob("baseline-*")) == baselines
