"""Turns that end before their answer: at their deadline, in circles, with the run; and respawns."""

import os
import select
import signal
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipeline.app.project import open_project
from pipeline.app.working import work_through
from pipeline.domain.wanted import Wanted
from pipeline.events import Event, EventBus, ToolStarted
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import (
    any_issue,
    execute,
    plan,
    read,
    run_command,
    turn,
    write,
)
from tests.e2e.night import PROJECT, Night
from tests.faults.clocks import VirtualTime

DEAF = f"bash tests/deaf.sh {os.getpid()}"
"""Ignores being asked to end, and leaves children of every kind that hold its pipes."""
NAP = f"sleep {os.getpid() + 10**6}"
FILES = PROJECT | {
    "tests/deaf.sh": f"trap '' TERM INT HUP\n({NAP} &)\n(setsid {NAP} &)\n{NAP}\n{NAP}\n"
}
HOUR = 3600.0
LEFT_S = 1.0
"""How much of the turn's hour is left when the deaf command begins."""
PATH = "work/{issue_id}.txt"
WRITE = write(PATH, "{issue_id}\n")


def planned(**changes: Any) -> Script:
    return plan(files={PATH: "create"}, **changes)


DEAF_TURNS: dict[str, tuple[Script, str]] = {
    "run_command": (planned() + execute(edits=[WRITE, run_command(DEAF)]), "run_command"),
    "the tests of a task": (planned(tests=[DEAF]) + execute(edits=[WRITE]), "finish_task"),
    "the verification": (
        planned(acceptance_commands=[DEAF]) + execute(edits=[WRITE]),
        "submit_result",
    ),
}
"""Where the deaf command runs: the script, and the executor's tool that runs it."""


def left_running() -> list[str]:
    """Return what still runs of the deaf command."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if NAP in words or DEAF in words:
            found.append(words)
    return found


@pytest.mark.parametrize(("script", "tool"), DEAF_TURNS.values(), ids=DEAF_TURNS)
def test_a_command_inside_a_turn_is_over_at_the_turns_deadline(
    tmp_path: Path, script: Script, tool: str
) -> None:
    clock = VirtualTime()

    def nearly_over(event: Event) -> None:
        if isinstance(event, ToolStarted) and (event.role, event.tool) == ("executor", tool):
            clock.sleep(HOUR - LEFT_S)

    with Night(tmp_path / "repo", script, files=FILES) as night:
        night.add("ISS-1")
        night.run("plan")
        assert night.approve_all() == ["SOL-ISS-1-1"]

        project, bus = open_project(night.root, {}), EventBus([nearly_over])
        assert (
            work_through(project, Wanted(), bus=bus, stop=lambda: False, timing=clock.timing) == 4
        )

        (record,) = night.executed()
        assert (record["status"], record["failure_class"]) == ("failed", "agent")
        assert record["error"] in (
            "no answer within 60 minutes",
            f"the turn's time was over while {DEAF!r} was running",
        )
        assert left_running() == []


@pytest.mark.parametrize(
    ("where", "sandbox"), [("run_command", "bwrap"), ("the tests of a task", "none")]
)
def test_a_run_that_is_asked_to_stop_ends_the_command_and_leaves_nothing(
    tmp_path: Path, where: str, sandbox: str
) -> None:
    with Night(tmp_path / "repo", DEAF_TURNS[where][0], files=FILES) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()

        with night.process("run", "--sandbox", sandbox) as process:
            deadline = time.monotonic() + 30
            while not left_running() and process.poll() is None and time.monotonic() < deadline:
                select.select([], [], [], 0.05)
            begun, asked = left_running(), time.monotonic()
            process.send_signal(signal.SIGTERM)
            try:
                _, err = process.communicate(timeout=30)
            finally:
                process.kill()

        assert begun, err
        assert time.monotonic() - asked < 10
        assert process.returncode == 130, err
        assert left_running() == []
        assert [record["failure_class"] for record in night.executed()] == ["interrupted"]


def test_a_turn_in_circles_is_told_once_and_then_fails_as_the_agents_failure(
    tmp_path: Path,
) -> None:
    circles = planned() + turn("executor", "ISS-1", *[read("app.py")] * 9)
    with Night(tmp_path / "repo", circles + any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.approve_all()

        assert night.run("run").code == 4

        first, second = night.executed()
        assert (first["failure_class"], second["status"]) == ("agent", "completed")
        assert first["error"] == (
            "the agent went in circles, and was told: "
            "the same call of read_file with the same result, 4 times in a row"
        )
        assert len(night.requests("executor")) == 8 + 3
        told = [body for body in bodies(night) if "You are going in circles" in body]
        assert len(told) == 4, "in the turn's own requests, from the nudge on, and in no other"
        report = night.run("report").out
        assert "the agent went in circles" in report


def test_an_agent_whose_connections_broke_is_replaced_with_its_ledger_and_the_reason(
    tmp_path: Path,
) -> None:
    gone = Fault("reset", agent="planner", issue="ISS-2", times=1)
    with Night(tmp_path / "repo", any_issue(), faults=[gone]) as night:
        os.environ["PIPELINE_LIMITS_PROVIDER_RETRIES"] = "0"
        night.add("ISS-1", "ISS-2", "ISS-3")

        ended = night.run("plan")

        assert ended.code == 3
        reason = "its connections broke"
        assert f"spawned again: claude-opus-5-5 at anthropic ({reason}: " in ended.err
        spawned = journal(night, "agent_spawned")
        assert [str(one["reason"]).partition(":")[0] for one in spawned] == ["None", reason]
        assert spawned[0]["head_sha256"] == spawned[1]["head_sha256"]
        after = next(body for body in bodies(night) if "request_id: ISS-3.1" in body)
        assert "ISS-1 planned as SOL-ISS-1-1" in after, "the ledger goes on"
        assert set(night.states().values()) == {"planned"}
        assert f"The planner agent was spawned again: {reason}" in night.run("report").out


def test_a_later_process_says_that_it_goes_on_and_a_changed_prompt_that_it_changed(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        for issue in ("ISS-1", "ISS-2"):
            night.add(issue)
            night.run("plan")
        prompt = night.root / ".workflow/prompts/planner-system.md"
        prompt.parent.mkdir(exist_ok=True)
        shipped = night.run("prompts", "show", "planner-system").out
        prompt.write_text(shipped + "\nBe brief.\n")
        night.add("ISS-3")
        night.run("plan")

        reasons = [one["reason"] for one in journal(night, "agent_spawned")]
        assert reasons == [
            None,
            "another process goes on",
            "its prompts, tools or context have changed",
        ]


def journal(night: Night, kind: str) -> list[dict[str, Any]]:
    lines = (night.root / ".workflow/journal.jsonl").read_bytes().splitlines()
    entries = [orjson.loads(line) for line in lines]
    return [entry["data"] for entry in entries if entry["kind"] == kind]


def bodies(night: Night) -> list[str]:
    return [orjson.dumps(request.body).decode() for request in night.stand_in.requests]
