"""What fails, runs too long or is cancelled lands nothing; its work is kept, and comes back."""

from pathlib import Path

import pytest

from pipeline.app.project import open_project
from pipeline.app.working import work_through
from pipeline.domain.wanted import Wanted
from pipeline.errors import Stopped
from pipeline.events import AttemptStarted, Event, EventBus
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import finish_task, plan, submit_result, task, turn, write
from tests.builders import git
from tests.e2e.night import Night, untouched

SETTINGS = {
    "PIPELINE_LIMITS_FAILING_FINISHES": "1",
    "PIPELINE_LIMITS_COMMAND_SECONDS": "1",
    "PIPELINE_LIMITS_REPAIR_ROUNDS": "0",
}

TRIGGERS: dict[str, tuple[str, list[str]]] = {
    "execution failure": ("agent", ["test -d ."]),
    "validation error": ("tests", ["test -e never.txt"]),
    "timeout": ("tests", ["sleep 60"]),
    "resource limit": ("tests", ["ulimit -f 1; head -c 1000000 /dev/zero > big.txt"]),
    "cancel": ("interrupted", ["test -d ."]),
}
"""The triggers of an automatic rollback, the class of failure, and the tests of the plan's T2."""


def script() -> Script:
    """Return what agents do: T1 passes each time, and then something goes wrong."""
    found = Script(())
    for number, (kind, tests) in enumerate(TRIGGERS.values(), 1):
        issue, path = f"ISS-{number}", f"{number}.txt"
        tasks = [
            task("T1", files={path: "create"}, tests=[f"test -e {path}"]),
            task("T2", files={path: "modify"}, tests=tests, depends_on=["T1"]),
        ]
        moves = [write(path, "one\n"), finish_task("T1"), write(path, "two\n")]
        end = [finish_task("T2")]
        if kind == "agent":
            end = [submit_result(status="failed", tests_passed=False, reason="no way to do it")]
        found += plan(issue, tasks=tasks) + turn("executor", issue, *moves, *end)
    return found


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


def test_nothing_lands_whatever_ends_an_attempt_and_its_work_can_be_restored(
    tmp_path: Path, settings: None
) -> None:
    with Night(tmp_path / "repo", script()) as night:
        night.add(*(f"ISS-{number}" for number in range(1, len(TRIGGERS) + 1)))
        assert night.run("plan").code == 3
        night.approve_all()
        with untouched(night.root):
            assert night.run("execute", *(f"SOL-ISS-{n}-1" for n in range(1, 5))).code == 4
            _cancel(night)
        _nothing_landed(night)
        git(night.root, "gc", "-q", "--prune=now")
        _everything_comes_back(night, tmp_path)


def _the_report_says_so(night: Night) -> None:
    report = night.run("report", "--json").json
    assert isinstance(report, dict)
    failed = {one["issue_id"]: one for one in report["groups"]["failed"]}
    text = night.run("report").out
    for number in range(1, 5):
        name, entry = f"EXR-ISS-{number}-1", failed[f"ISS-{number}"]
        assert [one["passed"] for one in entry["tests_before"]] == [True]
        assert (entry["kept"]["kind"], entry["kept"]["ref"]) == (
            "failed",
            f"refs/pipeline/failed/{name}",
        )
        assert f"Into a folder: `pipeline restore {name} --into ../{name}`" in text


def _cancel(night: Night) -> None:
    """Begin the last attempt, and stop once the agent is at work."""
    begun: list[Event] = []

    def listen(event: Event) -> None:
        if isinstance(event, AttemptStarted):
            begun.append(event)

    with pytest.raises(Stopped):
        work_through(
            open_project(night.root),
            Wanted(planning=False),
            bus=EventBus([listen]),
            stop=lambda: bool(begun),
        )


def _nothing_landed(night: Night) -> None:
    assert git(night.root, "rev-parse", night.branch) == git(night.root, "rev-parse", "main")
    seen = [(one["status"], one["failure_class"]) for one in night.executed()]
    assert seen == [("failed", kind) for kind, _ in TRIGGERS.values()]
    timed_out = night.executed()[2]["tasks"]
    assert isinstance(timed_out, list)
    assert timed_out[1]["commands"][0]["timed_out"] is True


def _everything_comes_back(night: Night, tmp_path: Path) -> None:
    rows = night.run("restore", "--json").json
    assert isinstance(rows, list)
    kept = {(one["execution_result_id"], one["kind"]) for one in rows}
    assert {(f"EXR-ISS-{n}-1", "checkpoint") for n in range(1, 5)} <= kept
    assert {(f"EXR-ISS-{n}-1", "failed") for n in range(1, 5)} <= kept
    with untouched(night.root):
        ended = night.run("restore", "EXR-ISS-3-1", "T1", "--into", str(tmp_path / "one"))
        assert ended.code == 0, ended.err
        assert (tmp_path / "one" / "3.txt").read_text() == "one\n"
        assert not (tmp_path / "one" / ".git").exists()
        assert night.run("restore", "SOL-ISS-3-1", "--into", str(tmp_path / "two")).code == 0
        assert (tmp_path / "two" / "3.txt").read_text() == "two\n"
    _the_report_says_so(night)
    named = night.run("restore", "SOL-ISS-3-1", "T1").out.split()[0]
    assert git(night.root, "show", f"{named}:3.txt") == "one"
    again = night.run("restore", "SOL-ISS-3-1", "--into", str(tmp_path / "two"))
    assert (again.code, again.err) == (
        1,
        f"pipeline: '{tmp_path / 'two'}' is not empty: name a folder that is new or empty\n",
    )
