"""The bill of a run: it survives restarts, ends the run at its caps, and starts over with a run."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from pipeline.domain.results import Usage
from pipeline.rehearsal.scripting import any_issue
from pipeline.safety.budget import MIN_OUTPUT
from tests.e2e.night import Night


def journal(night: Night, kind: str) -> list[dict[str, Any]]:
    """Return the data of the journal's lines of one kind."""
    text = (night.root / ".workflow" / "journal.jsonl").read_bytes()
    lines = [orjson.loads(line) for line in text.splitlines()]
    return [line["data"] for line in lines if line["kind"] == kind]


def settled(night: Night) -> list[dict[str, Any]]:
    """Return what the journal says of the calls that have ended."""
    return journal(night, "call_settled")


def metered(night: Night) -> int:
    """Return the tokens that have been booked so far."""
    return sum(Usage.model_validate(call["usage"]).metered_tokens for call in settled(night))


def test_a_new_run_does_not_pay_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan", "ISS-1")
        least = journal(night, "call_begun")[0]["reserved_tokens"] - 64_000 + MIN_OUTPUT
        monkeypatch.setenv("PIPELINE_BUDGET_TOKENS", str(least + metered(night) - 1))
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
