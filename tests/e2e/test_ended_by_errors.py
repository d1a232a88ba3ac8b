"""An attempt that an error ends has a record, with what it cost; the others go on."""

from pathlib import Path

import orjson
import pytest

from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.scripting import any_issue, plan, read
from tests.e2e.night import Night

LOOKS_FIRST = plan(before=[read("app.py")], files={"app.py": "modify"})


def booked(night: Night, role: str, request_id: str) -> int:
    """Return the output tokens that the journal has booked for one request of an agent."""
    wanted = (role, request_id)
    journal = (night.root / ".workflow" / "journal.jsonl").read_bytes()
    lines = [orjson.loads(line) for line in journal.splitlines()]
    calls = [line["data"] for line in lines if line["kind"] == "call_settled"]
    return sum(c["usage"]["output_tokens"] for c in calls if (c["role"], c["request_id"]) == wanted)


@pytest.mark.parametrize("agent", ["planner", "executor"])
def test_the_record_of_a_turn_that_an_error_ended_says_what_it_cost(
    agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_LIMITS_PROVIDER_RETRIES", "0")
    script = LOOKS_FIRST if agent == "planner" else any_issue()
    faults = (Fault("status", agent=agent, status=500, call=1, times=3),)
    with Night(tmp_path / "repo", script, faults=faults) as night:
        night.add("ISS-1")
        night.run("plan")
        if agent == "executor":
            night.approve_all()
            night.run("run")

        records = night.planned() if agent == "planner" else night.executed()

        assert records[0]["failure_class"] == "infrastructure"
        usage = records[0]["usage"]
        assert isinstance(usage, dict)
        assert usage["output_tokens"] == booked(night, agent, "ISS-1.1") > 0
