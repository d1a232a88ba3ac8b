"""The bill of a run: it survives restarts, ends the run at its caps, and starts over with a run."""

from pathlib import Path

import orjson
import pytest

from pipeline.domain.results import Usage
from pipeline.rehearsal.scripting import any_issue
from pipeline.safety.budget import MIN_OUTPUT
from tests.e2e.night import Night


def settled(night: Night) -> list[dict[str, object]]:
    """Return what the journal says of the calls that have ended."""
    journal = (night.root / ".workflow" / "journal.jsonl").read_bytes()
    lines = [orjson.loads(line) for line in journal.splitlines()]
    return [line["data"] for line in lines if line["kind"] == "call_settled"]


def metered(night: Night) -> int:
    """Return the tokens that have been booked so far."""
    return sum(Usage.model_validate(call["usage"]).metered_tokens for call in settled(night))


def test_a_new_run_does_not_pay_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan", "ISS-1")
        monkeypatch.setenv("PIPELINE_BUDGET_TOKENS", str(metered(night) + MIN_OUTPUT))
        assert night.run("plan").code == 5
        assert night.states()["ISS-2"] == "registered"

        night.run("run", "--new")

        assert night.states()["ISS-2"] == "planned"


def test_every_call_says_how_long_the_run_has_been_worked_on(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan", "ISS-1")
        night.run("plan", "ISS-2")

        first, second = (call["run_seconds"] for call in settled(night))
        assert isinstance(first, float)
        assert isinstance(second, float)
        assert 0 < first < second
