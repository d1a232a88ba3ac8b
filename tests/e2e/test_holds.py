"""What holds a run up until a person acts: enough plans that wait, and checkpoints."""

import getpass
import os
import signal
from pathlib import Path

import orjson

from pipeline.rehearsal.scripting import any_issue
from tests.e2e.live import WAITS, live
from tests.e2e.night import Night

CONFIRM = "execution stopped for a confirmation after 1 solution (gate.checkpoint_every)"
PAUSED = "planning paused: 2 plans wait (gate.max_pending)"


def test_planning_pauses_when_enough_plans_wait(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        os.environ["PIPELINE_GATE_MAX_PENDING"] = "2"
        night.add("ISS-1", "ISS-2", "ISS-3", "ISS-4")

        ended = night.run("run")

        assert ended.code == 3
        assert ended.err.count(PAUSED) == 1
        assert PAUSED in ended.out
        assert PAUSED.capitalize() in night.run("report").out
        assert PAUSED in night.run("status").out
        states = {"ISS-1": "planned", "ISS-2": "planned", "ISS-3": "registered"}
        assert night.states() == states | {"ISS-4": "registered"}
        report = orjson.loads(night.run("report", "--json").out)
        assert [one["issue_id"] for one in report["groups"]["not started"]] == ["ISS-3", "ISS-4"]


def test_planning_goes_on_when_decisions_come(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        os.environ["PIPELINE_GATE_MAX_PENDING"] = "1"
        night.add("ISS-1", "ISS-2", "ISS-3")
        night.run("run")
        night.run("reject", "SOL-ISS-1-1", "--reason", "no")

        with live(night, "run", "--wait-gate", "1h") as run:
            run.until(WAITS)
            assert night.states()["ISS-3"] == "registered"
            night.run("defer", "SOL-ISS-2-1")
            run.until("SOL-ISS-3-1")
            night.run("reject", "SOL-ISS-3-1", "--reason", "no")
            ended = run.ended()

        assert ended.code == 4
        assert night.states() == {"ISS-1": "parked", "ISS-2": "parked", "ISS-3": "parked"}


def test_a_checkpoint_stops_execution_until_a_person_confirms(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        os.environ["PIPELINE_GATE_CHECKPOINT_EVERY"] = "1"
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.approve_all()

        ended = night.run("run", "--unattended")

        assert ended.code == 3
        assert CONFIRM in ended.out
        assert len(night.commits()) == 1
        assert CONFIRM in night.run("status").out
        assert night.run("status").out.startswith("gate on ")
        assert CONFIRM.capitalize() in night.run("report").out

        night.add("ISS-3")
        again = night.run("run", "--unattended")

        assert again.code == 3
        assert again.err.count(CONFIRM) == 1
        assert len(night.commits()) == 1
        assert night.states()["ISS-3"] == "planned"

        confirmed = night.run("confirm", "--comment", "looks right", "--json").json
        assert confirmed == {"solutions": 1, "by": getpass.getuser(), "comment": "looks right"}
        assert night.run("confirm", "--json").json == confirmed
        assert CONFIRM not in night.run("status").out
        night.run("reject", "SOL-ISS-3-1", "--reason", "no")
        assert night.run("run").code == 0
        assert len(night.commits()) == 2


def test_a_run_that_waits_goes_on_when_it_is_confirmed(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        os.environ["PIPELINE_GATE_CHECKPOINT_EVERY"] = "1"
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.approve_all()

        with live(night, "run", "--unattended", "--wait-gate", "1h") as run:
            run.until(WAITS)
            assert len(night.commits()) == 1
            night.run("confirm")

            assert run.ended().code == 0

        assert len(night.commits()) == 2
        assert night.run("confirm").code == 1


def test_a_killed_attempt_costs_no_confirmation_and_is_not_forgotten(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        os.environ["PIPELINE_GATE_CHECKPOINT_EVERY"] = "1"
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.approve_all()
        with live(night, "run") as run:
            run.until("SOL-ISS-1-1, attempt 1")
            run.stop(signal.SIGKILL)

        assert night.run("run").code == 3
        assert night.states() == {"ISS-1": "completed", "ISS-2": "planned"}


def test_turning_the_setting_off_is_no_confirmation(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        os.environ["PIPELINE_GATE_CHECKPOINT_EVERY"] = "1"
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.approve_all()
        night.run("run")
        del os.environ["PIPELINE_GATE_CHECKPOINT_EVERY"]

        assert night.run("run").code == 3
        assert len(night.commits()) == 1
