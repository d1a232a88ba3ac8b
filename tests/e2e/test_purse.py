"""The bill of a run: it survives restarts, ends the run at its caps, and starts over with a run."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipeline.domain.results import Usage
from pipeline.paths import Places, UserPlaces
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.scripting import any_issue
from pipeline.rehearsal.view import RequestView
from pipeline.safety.budget import MIN_OUTPUT
from tests.e2e.live import live
from tests.e2e.night import Night
from tests.e2e.started import Started


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


def budget(night: Night) -> dict[str, Any]:
    """Return what `status` says of the run's tokens."""
    document: Any = night.run("status", "--json").json
    tokens: dict[str, Any] = document["budget"]["run"]["tokens"]
    return tokens


def test_a_call_that_dies_with_its_process_stays_reserved(tmp_path: Path) -> None:
    started: list[Started] = []

    def kill(view: RequestView) -> None:
        if view.call == 1 and started[0].poll() is None:
            started[0].kill()
            started[0].wait()

    weather = Killing(kill)
    with Night(tmp_path / "repo", any_issue(), faults=weather) as night:
        night.add("ISS-1", "ISS-2")
        with night.process("run", "--auto-approve", "MEDIUM") as process:
            started.append(process)
        seen = budget(night)
        assert seen["reserved"] > 64_000

        again = night.run("run", "--auto-approve", "MEDIUM", "--max-tokens", str(seen["reserved"]))

        assert again.code == 5
        assert f"{seen['reserved']:,} reserved" in again.err
        assert budget(night) == seen | {"cap": seen["reserved"], "left": 0}
        assert night.run("run", "--auto-approve", "MEDIUM").code == 0
        after = budget(night)
        assert after["reserved"] == seen["reserved"]
        assert after["spent"] > seen["spent"]


class Killing:
    """Weather in which something happens before each answer."""

    def __init__(self, happens: Callable[[RequestView], None]) -> None:
        self._happens = happens

    def __call__(self, view: RequestView) -> Fault | None:
        """Let it happen; nothing goes wrong with the call itself."""
        self._happens(view)
        return None


def test_status_tells_of_a_quota_until_when_it_is_used_up(tmp_path: Path) -> None:
    quota = Fault("status", status=429, headers={"retry-after": "7200"}, times=2)
    with Night(tmp_path / "repo", any_issue(), faults=[quota]) as night:
        night.add("ISS-1")
        assert night.run("plan").code == 75

        out = night.run("status").out
        assert "the quota of anthropic is used up until " in out
        assert "(in 2 h 0 min): then `pipeline run`" in out

        with live(night, "run", "--wait-quota", "3h") as run:
            run.until("quota")
            document: Any = night.run("status", "--json").json
            (waits,) = document["quotas"]
            assert waits["provider"] == "anthropic"
            assert 7_000 < waits["seconds_left"] <= 7_200
            assert document["working"]["pid"] == run.process.pid
            assert "the run waits for the quota of anthropic until " in night.run("status").out
            assert run.stop(signal.SIGTERM).code == 130

        assert night.run("plan").code == 3
        assert "quota" not in night.run("status").out
        assert night.planned()[-1]["attempt"] == 1


def test_status_and_report_show_the_caps_of_the_last_command(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan", "--max-usd", "2")
        mine = "by the flags of the last command: the next one has its own"
        cache = Places(night.root, UserPlaces.from_environment(), night.root / ".git").summary_file

        for _ in range(2):  # the summary that was kept, then one that is made anew
            status = night.run("status").out
            assert (" of $2.00 (" in status, mine in status) == (True, True)
            assert "of $2.00" in night.run("report").out
            cache.unlink()

        night.run("run")
        status = night.run("status").out
        assert ("of $2.00" in status, mine in status) == (False, False)
