"""`pause`, `stop` and `resume`: a run that is at work, asked from another process."""

import getpass
import re
import signal
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from pipeline.app.project import open_project
from pipeline.app.steering import Steered, steer
from pipeline.app.working import work_through
from pipeline.domain.wanted import Wanted
from pipeline.errors import StopAsked
from pipeline.events import Event, EventBus, Paused
from pipeline.rehearsal.scripting import any_issue
from pipeline.store.asked import What
from tests.e2e.live import live
from tests.e2e.night import Night
from tests.e2e.test_overlap import Meeting
from tests.e2e.test_resume_classes import acting, last_line
from tests.observe.watched import Call, Held

WHO = getpass.getuser()
FIRST: Call = ("planner", "ISS-1", 0)
SECOND: Call = ("planner", "ISS-2", 0)
PAUSED = f"pause    {WHO}"


def test_a_pause_waits_after_the_turn_and_ends_with_resume_or_with_the_process(
    tmp_path: Path,
) -> None:
    held = Held(FIRST, SECOND)
    with Night(tmp_path / "repo", any_issue(), faults=held) as night:
        night.add("ISS-1", "ISS-2", "ISS-3")
        with live(night, "plan") as run:
            run.until("planning: do ISS-1")
            would, asked = night.run("pause", "--dry-run"), night.run("pause")
            before = night.run("status").out
            held.let_go(FIRST)
            run.until(PAUSED)
            paused, shown = night.run("status").out, night.run("status", "--json").json
            dry = night.run("resume", "--dry-run")
            still = night.run("status", "--json").json
            again = night.run("resume")
            run.until("the run goes on")
            assert night.run("pause", "--json").code == 0
            held.let_go(SECOND)
            run.until(PAUSED)
            states = night.states()
            run.stop(signal.SIGKILL)

        assert would.out.startswith(f"process {run.process.pid} would be asked: it pauses")
        assert asked.out.startswith(f"process {run.process.pid} was asked: it pauses after")
        assert f"{WHO} asked at " in before
        assert "to pause: after what is under way" in before
        assert f"paused by {WHO} since " in paused
        assert isinstance(shown, dict)
        assert shown["asked"]["by"] == WHO
        assert shown["phase"] == "paused"
        assert re.match(rf"paused on \S+ \(pid {run.process.pid}\) for ", paused)
        assert (dry.code, dry.out) == (
            0,
            f"process {run.process.pid} would go on, its pause would end; {WHO} had asked it to "
            "pause\nnothing was written: --dry-run\n",
        )
        assert isinstance(still, dict)
        assert (still["phase"], still["asked"]) == ("paused", shown["asked"])
        assert again.out == f"process {run.process.pid} goes on; {WHO} had asked it to pause\n"
        assert states == {"ISS-1": "planned", "ISS-2": "planned", "ISS-3": "registered"}
        assert "paused by" not in night.run("status").out
        resumed = night.run("resume", "--unattended")
        assert resumed.code == 3, resumed.err
        assert resumed.err.startswith("resumed: 0 done, 3 to go (run ")
        assert PAUSED not in resumed.err
        assert standstills(night) == [("pause", WHO, True), ("pause", WHO, True)]
        assert night.run("report").out.count(f"Paused by {WHO} at ") == 2
        assert night.states()["ISS-3"] == "planned"


def test_a_stop_ends_a_paused_run_and_names_who_asked(tmp_path: Path) -> None:
    root = tmp_path / "repo"

    def listen(event: Event) -> None:
        if isinstance(event, Paused):
            asking(root, What.STOP)()

    with Night(root, acting("planner", 0, asking(root, What.PAUSE))) as night:
        night.add("ISS-1", "ISS-2")
        project = open_project(root)
        with pytest.raises(StopAsked, match=f"stopped by {WHO}; `pipeline run` carries on"):
            work_through(
                project, Wanted(execution=False), bus=EventBus([listen]), stop=lambda: False
            )

        assert night.states() == {"ISS-1": "planned", "ISS-2": "registered"}
        report = orjson.loads(project.places.report_json.read_bytes())
        assert report["ending"]["exit_code"] == 130
        assert report["ending"]["said"] == f"stopped by {WHO}; `pipeline run` carries on"
        assert standstills(night) == [("pause", WHO, True), ("stop", WHO, False)]
        assert not project.places.asked_file.exists()


def asking(root: Path, what: What) -> Callable[[], None]:
    """Return what asks the run of a repository for something."""
    return lambda: assert_asked(steer(open_project(root), what))


def assert_asked(found: Steered | None) -> None:
    assert found is not None


def test_a_stop_lets_both_agents_finish_what_they_are_at(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    meeting = Meeting(call=1, then=asking(root, What.STOP))
    with Night(root, any_issue(), faults=meeting) as night:
        night.add("ISS-1", "ISS-2", "ISS-3")
        ended = night.run("run", "--overlap", "--auto-approve", "LOW")

        assert ended.code == 130, ended.err
        states = night.states()
        assert (states["ISS-1"], states["ISS-3"]) == ("completed", "registered")
        assert [one["solution_id"] for one in night.planned()] == ["SOL-ISS-1-1", "SOL-ISS-2-1"]


def test_a_stop_at_once_interrupts_the_turn(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    ask = asking(root, What.STOP_NOW)
    with Night(root, acting("planner", 0, ask)) as night:
        night.add("ISS-1")
        ended = night.run("plan")

        assert ended.code == 130
        assert last_line(ended).startswith(f"pipeline: stopped at once by {WHO}; `pipeline run`")
        assert night.planned() == []
        assert standstills(night) == [("stop now", WHO, False)]
        assert night.run("plan").code == 3
        assert standstills(night) == [("stop now", WHO, True)]


def standstills(night: Night) -> list[tuple[str, str, bool]]:
    """Return what the report says of pauses and stops: how, by whom, and whether it is over."""
    report = night.run("report", "--json").json
    assert isinstance(report, dict)
    return [(one["how"], one["by"], one["over_at"] is not None) for one in report["standstills"]]


def test_where_no_run_is_at_work_one_line_says_so(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        assert night.run("pause").out == "no run is at work here: nothing to pause\n"
        assert night.run("stop", "--now").out == "no run is at work here: nothing to stop\n"
        nothing = night.run("resume")
        assert (nothing.code, nothing.err) == (0, "")
        assert nothing.out.startswith("nothing to resume, no run is open")
