"""The report of an earlier run is made from the journal as it was when that run ended."""

import shutil
from pathlib import Path

import pytest

from pipeline.app.books import open_book, read_state
from pipeline.app.project import Project, open_project, set_up
from pipeline.app.reporting import LONG_LINES, make_project_report, state_of_run
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.rehearsal.scripting import any_issue, finish_task, plan, submit_result, turn, write
from pipeline.store.entries import QuotaPaused, RunClosed, RunOpened
from tests.builders import make_repository
from tests.e2e.night import Night


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two runs: the first waited for a quota, the second has just begun."""
    found = open_project(make_repository(tmp_path / "repo", {"a": "a"}), initialized=False)
    set_up(found)
    book = open_book(found, EventBus())
    for number in (1, 2):
        run_id = f"20261121-22000{number}-aaaa"
        branch, base = f"pipeline/{run_id}", "b" * 40
        book.record(RunOpened(run_id=run_id, branch=branch, base_commit=base, sandbox="bwrap"))
        if number == 1:
            book.record(QuotaPaused(provider="openai", until=None))
            book.record(RunClosed(run_id=run_id, reason="nothing is left to do"))
    return found


def test_an_earlier_run_is_told_as_it_ended(project: Project) -> None:
    now = read_state(project)
    first, second = (run.run_id for run in now.runs)

    state, ended = state_of_run(project, now, first)
    then = make_project_report(project, state, ended=ended)
    assert (then.run_id, len(then.quota_pauses)) == (first, 1)
    assert (then.ending.how, then.ending.said) == ("closed", "nothing is left to do")
    state, ended = state_of_run(project, now, second)
    newest = make_project_report(project, state, ended=ended)
    assert (newest.run_id, newest.quota_pauses, newest.ending.how) == (second, (), "unknown")


def test_an_earlier_run_is_told_with_the_issues_and_titles_that_there_were(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2", "ISS-3")
        assert night.run("plan", "ISS-1", "ISS-2").code == 3
        assert night.run("reject", "ISS-2", "--reason", "no").code == 0
        first = read_state(open_project(night.root)).runs[-1].run_id
        assert night.run("plan", "--new", "ISS-3").code == 3
        for name in ("ISS-1", "ISS-3"):
            assert night.run("issues", "edit", name, "--title", f"another {name}").code == 0
        night.add("ISS-4")
        backlog = night.root / ".workflow" / "issues" / "issues.jsonl"
        lines = backlog.read_text().splitlines(keepends=True)
        backlog.write_text("".join(line for line in lines if '"ISS-2"' not in line))

        found = night.run("report", first, "--json").json

    assert isinstance(found, dict)
    told = {
        one["issue_id"]: (group, one["title"], one["next"])
        for group, entries in found["groups"].items()
        for one in entries
    }
    assert told == {
        "ISS-1": ("needs you", "do ISS-1", None),
        "ISS-2": ("turned down", "do ISS-2", None),
        "ISS-3": ("not started", "another ISS-3", None),
    }
    assert found["ending"]["how"] == "closed"
    assert found["remarks"][0].startswith("An earlier run, as it was when it ended")
    assert found["next"] == []


def test_a_run_that_never_was_is_answered_with_the_near_one(project: Project) -> None:
    with pytest.raises(PipelineError, match="did you mean '20261121-220001-aaaa'"):
        state_of_run(project, read_state(project), "20261121-220001-aaab")


def test_a_change_of_one_endless_line_is_not_shown(tmp_path: Path) -> None:
    endless = write("data.json", "x" * (LONG_LINES + 1) + "\n")
    script = plan(
        files={"data.json": "create"}, tests=["true"], acceptance_commands=["test -e data.json"]
    )
    script += turn("executor", "*", endless, finish_task("T1"), submit_result())
    with Night(tmp_path / "repo", script) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        assert night.run("run").code == 0

        found = night.run("report", "--json").json

        assert isinstance(found, dict)
        (entry,) = found["groups"]["landed"]
        assert (entry["diff"]["added"], entry["diff"]["text"]) == (1, None)


def test_an_output_that_was_cleaned_away_is_not_linked(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        assert night.run("run").code == 0
        outputs = []
        for _ in range(2):
            found = night.run("report", "--json").json
            assert isinstance(found, dict)
            (entry,) = found["groups"]["landed"]
            outputs.append(
                {one["output"] for one in (*entry["tests_before"], *entry["tests_after"])}
            )
            shutil.rmtree(night.root / ".workflow/outputs", ignore_errors=True)
        assert None not in outputs[0]
        assert outputs[1] == {None}
