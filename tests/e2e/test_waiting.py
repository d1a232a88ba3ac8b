"""`--wait-gate`: a run stays alive for what people decide in other processes."""

import os
import pty
import select
import signal
import subprocess
import termios
from pathlib import Path

import orjson

from pipeline.app.meanwhile import TAKEN_UP
from pipeline.rehearsal.scripting import any_issue, needs_clarification, turn
from tests.e2e.live import PATIENCE_S, WAITS, live
from tests.e2e.night import Night

PARKED = "nobody decided within 3 s (--wait-gate)"


def entries(night: Night, kind: str) -> list[dict[str, object]]:
    """Return the data of the journal's lines of one kind."""
    lines = (night.root / ".workflow" / "journal.jsonl").read_bytes().splitlines()
    return [line["data"] for line in map(orjson.loads, lines) if line["kind"] == kind]


def test_what_is_decided_is_acted_upon_and_the_rest_is_parked(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2", "ISS-3")
        with live(night, "run", "--unattended", "--wait-gate", "3s") as run:
            run.until(WAITS)
            approved = night.run("approve", "SOL-ISS-1-1")
            sent_back = night.run("request-changes", "SOL-ISS-2-1", "smaller")
            ended = run.ended()

        assert approved.out.splitlines()[-1] == TAKEN_UP
        assert sent_back.out == f"sent back SOL-ISS-2-1; {TAKEN_UP}\n"

        assert ended.code == 3
        assert night.states() == {"ISS-1": "completed", "ISS-2": "planned", "ISS-3": "planned"}
        parked = [one["solution_id"] for one in entries(night, "plan_changed") if is_park(one)]
        assert parked == ["SOL-ISS-2-2", "SOL-ISS-3-1"]
        assert ended.err.count(WAITS) == 1
        assert f"{PARKED}: SOL-ISS-2-2, SOL-ISS-3-1" in ended.err
        assert PARKED in night.run("status").out
        assert PARKED in night.run("report").out
        assert night.run("approve", "SOL-ISS-3-1").code == 0


def is_park(changed: dict[str, object]) -> bool:
    """Tell whether a `plan_changed` entry parks a plan that waits, and says why."""
    plan = changed["plan"]
    assert isinstance(plan, dict)
    return changed["event"] == "park" and plan["state"] == "pending"


def test_status_and_report_say_until_when_a_run_waits(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        with live(night, "run", "--wait-gate", "1h") as run:
            said = run.until(WAITS).partition(WAITS)[2].strip()
            status, report = night.run("status").out, night.run("report").out
            document = night.run("status", "--json").json
            assert run.stop(signal.SIGTERM).code == 130

        assert f"{WAITS} {said} (pid {run.process.pid})" in status
        assert f"{WAITS.capitalize()} {said}." in report
        assert isinstance(document, dict)
        assert document["phase"] == "gate"
        assert document["working"]["waits_until"]
        assert "waits for decisions" not in night.run("status").out


def test_an_unattended_run_does_not_wait_at_the_gate_by_itself(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")

        ended = night.run("run", "--unattended")

        assert ended.code == 3
        assert WAITS not in ended.err


def test_planning_alone_does_not_wait(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        os.environ["PIPELINE_GATE_WAIT"] = "5s"
        night.add("ISS-1")

        assert WAITS not in night.run("plan").err


def test_a_run_never_reads_a_terminal(tmp_path: Path) -> None:
    """What somebody typed ahead is still there for the shell when the run has ended."""
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        ours, theirs = pty.openpty()
        without_echo(theirs)
        os.write(ours, b"y\n")
        with live(night, "run", "--unattended", "--wait-gate", "1s", stdin=theirs) as run:
            assert run.ended().code == 3

        assert select.select([theirs], [], [], 0)[0]
        assert os.read(theirs, 10) == b"y\n"


def without_echo(terminal: int) -> None:
    """Keep the terminal from writing back what is typed at it."""
    modes = termios.tcgetattr(terminal)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, modes)


def test_answers_and_new_issues_are_planned_while_others_wait(tmp_path: Path) -> None:
    asks = turn("planner", "ISS-1", needs_clarification("Which?"), number=1) + any_issue()
    with Night(tmp_path / "repo", asks) as night:
        night.add("ISS-1")
        with live(night, "run", "--wait-gate", "1h") as run:
            run.until(WAITS)
            as_an_editor_saves(night, b'{"id": "ISS-2", "title": "two"}\n')
            run.until("SOL-ISS-2-1")
            night.run("retry", "ISS-1", "--feedback", "this one")
            run.until("SOL-ISS-1-1")
            assert run.stop(signal.SIGINT).code == 130

        assert night.states() == {"ISS-1": "planned", "ISS-2": "planned"}


def as_an_editor_saves(night: Night, line: bytes) -> None:
    """Add a line to the backlog as many editors do: empty the file, then write it in pieces."""
    backlog = night.root / ".workflow" / "issues" / "issues.jsonl"
    text = backlog.read_bytes()
    with backlog.open("wb", buffering=0) as file:
        file.write(text[:10])
        file.write(text[10:] + line)


def test_a_run_ends_at_once_when_nothing_is_left_to_wait_for(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        with live(night, "execute", "SOL-ISS-2-1", "--wait-gate", "1h") as run:
            run.until(WAITS)
            other = night.run("approve", "SOL-ISS-1-1", "--dry-run")
            changes = night.run("request-changes", "SOL-ISS-1-1", "smaller", "--dry-run")
            wanted = night.run("approve", "SOL-ISS-2-1")

            assert run.ended().code == 3

        assert "  next: pipeline run, when the run at work has ended" in other.out.splitlines()
        assert "next: pipeline plan ISS-1, when the run at work has ended" in changes.out
        assert wanted.out.splitlines()[-1] == TAKEN_UP
        assert night.states() == {"ISS-1": "planned", "ISS-2": "completed"}


def test_a_run_needs_no_stdin(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue(), planner="openai") as night:
        night.add("ISS-1")
        closed = ["bash", "-c", 'exec "$@" <&-', "bash", *night.words("run", "--unattended")]
        with subprocess.Popen(closed, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 3
