"""`run --overlap`: issues are planned while approved plans are executed, and everything holds."""

import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from pipeline.app.project import open_project
from pipeline.app.working import work_through
from pipeline.domain.plan import RiskLevel
from pipeline.domain.wanted import Wanted
from pipeline.events import Event, EventBus, Landed
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import any_issue, any_issue_adds, plan, read
from pipeline.rehearsal.view import RequestView
from tests.builders import git
from tests.e2e.night import Ended, Night
from tests.e2e.started import Started
from tests.faults.clocks import VirtualTime

ISSUES = tuple(f"ISS-{number}" for number in range(1, 4))
OVERLAP = ("run", "--overlap", "--auto-approve", "MEDIUM")
PATIENCE_S = 60
QUOTA = Fault("status", status=429, headers={"retry-after": "7200"})


class Meeting:
    """Weather that holds back one issue's execution and the next one's planning until both are on.

    `then` happens when they have met, and what `faults` has for an agent, to its call.
    """

    def __init__(
        self,
        *,
        call: int = 1,
        then: Callable[[], None] = lambda: None,
        faults: dict[str, Fault] | None = None,
    ) -> None:
        self._barrier = threading.Barrier(2, action=lambda: self._meet(then))
        self._wanted = {("executor", "ISS-1", call), ("planner", "ISS-2", 0)}
        self._faults = faults or {}
        self.met = False

    def __call__(self, view: RequestView) -> Fault | None:
        """Return what goes wrong with one call; nothing does before and after the meeting."""
        if self.met or (view.agent, view.issue_id, view.call) not in self._wanted:
            return None
        self._barrier.wait(PATIENCE_S)
        return self._faults.get(view.agent)

    def _meet(self, then: Callable[[], None]) -> None:
        self.met = True
        then()


def landed(night: Night) -> list[str]:
    """Return the issues of the run branch's commits, oldest first."""
    form = "--format=%(trailers:key=Issue-Id,valueonly,separator=%x2C)"
    return git(night.root, "log", "--reverse", form, f"main..{night.branch}").split()


def lanes_left() -> list[str]:
    """Return the threads that belong to no test."""
    return [one.name for one in threading.enumerate() if one.name == "lane"]


def journal(night: Night, kind: str) -> list[dict[str, dict[str, object]]]:
    """Return the journal's lines of one kind."""
    lines = (night.root / ".workflow" / "journal.jsonl").read_bytes().splitlines()
    return [line for line in map(orjson.loads, lines) if line["kind"] == kind]


def assert_whole(night: Night) -> None:
    """Prove that all issues landed once and in order, and that nothing was done twice."""
    assert landed(night) == list(ISSUES)
    assert [one["issue_id"] for one in night.planned()] == list(ISSUES)
    done = [one["issue_id"] for one in night.executed() if one["status"] == "completed"]
    assert done == list(ISSUES)
    assert night.run("audit", "verify").code == 0


@pytest.mark.parametrize("script", [any_issue(), any_issue_adds("CHANGELOG.md")])
def test_the_next_issue_is_planned_while_this_one_is_executed(
    tmp_path: Path, script: Script
) -> None:
    meeting = Meeting()
    with Night(tmp_path / "repo", script, faults=meeting) as night:
        night.add(*ISSUES)

        ended = night.run(*OVERLAP)

        assert ended.code == 0, ended.err
        assert meeting.met
        assert_whole(night)
        assert lanes_left() == []


def test_plans_that_need_a_person_wait_at_the_gate(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add(*ISSUES)
        assert night.run("run", "--overlap").code == 3
        assert night.states() == dict.fromkeys(ISSUES, "planned")
        night.approve_all()

        assert night.run("run", "--overlap").code == 0
        assert_whole(night)


def with_a_process(tmp_path: Path, call: int, number: signal.Signals) -> tuple[Night, Ended]:
    """Return a night whose process gets a signal when both agents are at work, and how it ended."""
    running: list[Started] = []
    meeting = Meeting(call=call, then=lambda: running[0].send_signal(number))
    night = Night(tmp_path / "repo", any_issue(), faults=meeting)
    with night:
        night.add(*ISSUES)
        with night.process(*OVERLAP) as process:
            running.append(process)
            out, err = process.communicate(timeout=PATIENCE_S)
        ended = Ended(process.returncode, out.decode(), err.decode())
        again = night.run(*OVERLAP)
        assert again.code == 0, again.err
        assert_whole(night)
    return night, ended


@pytest.mark.parametrize("call", [0, 2])
def test_killed_with_both_agents_at_work_it_goes_on_where_it_was(tmp_path: Path, call: int) -> None:
    night, ended = with_a_process(tmp_path, call, signal.SIGKILL)
    assert ended.code == -signal.SIGKILL
    attempts = [one["failure_class"] for one in night.executed() if one["issue_id"] == "ISS-1"]
    assert attempts == ["interrupted", None]


def test_a_stop_signal_ends_both_turns(tmp_path: Path) -> None:
    night, ended = with_a_process(tmp_path, 1, signal.SIGTERM)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    attempts = [one["failure_class"] for one in night.executed() if one["issue_id"] == "ISS-1"]
    assert attempts == ["interrupted", None]


def test_what_ends_the_run_for_one_agent_interrupts_the_other(tmp_path: Path) -> None:
    meeting = Meeting(faults={"planner": QUOTA, "executor": Fault("hang")})
    with Night(tmp_path / "repo", any_issue(), faults=meeting) as night:
        night.add(*ISSUES)

        ended = night.run(*OVERLAP)

        assert ended.code == 75, ended.err
        (attempt,) = night.executed()
        assert attempt["failure_class"] == "interrupted"
        assert lanes_left() == []
        assert night.run(*OVERLAP).code == 0
        assert_whole(night)


def test_a_quota_of_one_vendor_is_waited_out_while_the_other_agent_works(tmp_path: Path) -> None:
    meeting, time = Meeting(faults={"planner": QUOTA}), VirtualTime()
    has_landed = threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, Landed):
            has_landed.set()

    def sleep(seconds: float) -> None:
        assert has_landed.wait(PATIENCE_S), "the executor does not wait with the planner"
        time.sleep(seconds)

    with Night(tmp_path / "repo", any_issue(), faults=meeting) as night:
        night.add(*ISSUES)
        project = open_project(night.root, {"run.wait_quota": "24h", "run.overlap": True})
        code = work_through(
            project,
            Wanted(auto_approve=RiskLevel.MEDIUM),
            bus=EventBus([listen]),
            stop=lambda: False,
            timing=replace(time.timing, sleep=sleep),
        )
        assert code == 0
        assert time.slept_s > 7000
        assert_whole(night)


def spent(night: Night) -> float:
    """Return what the journal says was spent (USD)."""
    usages = [one["data"]["usage"] for one in journal(night, "call_settled")]
    return sum(float(one["usd"]) for one in usages if isinstance(one, dict))


def test_a_cap_that_one_call_may_reserve_whole_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_BUDGET_USD", "1.00")
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add(*ISSUES)

        ended = night.run(*OVERLAP)

        assert ended.code == 0, ended.err
        assert spent(night) <= 1.00
        assert_whole(night)


def test_a_cap_is_not_passed_by_both_agents_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_BUDGET_USD", "1.00")
    aloud = ReplySpec(text="so many words " * 6000, tool_calls=(read("README.md"),))
    path = "work/{issue_id}.txt"
    dear = plan(files={path: "create"}, tests=[f"test -f '{path}'"], before=[aloud])
    with Night(tmp_path / "repo", dear + any_issue()) as night:
        night.add(*ISSUES)

        ended = night.run(*OVERLAP)

        assert ended.code == 5, ended.err
        assert 0.5 < spent(night) <= 1.00
        assert lanes_left() == []
        assert night.run(*OVERLAP, "--max-usd", "20").code == 0
        assert spent(night) > 1.00
        assert_whole(night)
