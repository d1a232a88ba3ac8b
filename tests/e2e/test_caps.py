"""A cap of 1.00 USD over a backlog that wants 5.00, by the accounts of who sends the bill."""

from pathlib import Path
from typing import Any

import genai_prices
import orjson
import pytest

from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import any_issue
from pipeline.rehearsal.server import LoggedRequest
from pipeline.rehearsal.view import RequestView
from tests.e2e.night import Ended, Night

ISSUES = tuple(f"ISS-{number}" for number in range(1, 7))
WORDS = "Let me think about that for a while. " * 1_600
"""About 15,000 tokens, before each answer."""
RUN = ("run", "--auto-approve", "MEDIUM")
OVERLAP = (*RUN, "--overlap")


def wordy(view: RequestView) -> ReplySpec:
    """Return what any issue's agents say, with a lot of thinking before it."""
    reply = any_issue().reply(view)
    return reply.model_copy(update={"thinking": WORDS})


def cost(request: LoggedRequest) -> float:
    """Return what a vendor takes for a request that it has begun to answer (USD)."""
    usage: dict[str, Any] = request.usage
    if not usage:
        return 0.0
    if request.vendor == "anthropic":
        read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
        fresh, hour = usage["input_tokens"], usage["cache_creation"]["ephemeral_1h_input_tokens"]
    else:
        details = usage["input_tokens_details"]
        read, written, hour = details["cached_tokens"], details["cache_write_tokens"], None
        fresh = usage["input_tokens"] - read - written
    counted = genai_prices.Usage(
        input_tokens=fresh + read + written,
        output_tokens=usage["output_tokens"],
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=hour or None,
    )
    found = genai_prices.calc_price(counted, request.body["model"], provider_id=request.vendor)
    return float(found.total_price)


def billed(night: Night) -> float:
    """Return what both vendors take for the night so far (USD)."""
    return sum(map(cost, night.stand_in.requests))


def run_of(night: Night) -> dict[str, Any]:
    """Return what `status` says of the run's money."""
    document: Any = night.run("status", "--json").json
    usd: dict[str, Any] = document["budget"]["run"]["usd"]
    return usd


def last_line(ended: Ended) -> str:
    return ended.err.strip().splitlines()[-1]


def spend_a_dollar(night: Night, words: tuple[str, ...]) -> float:
    """Run until a dollar is spent; return what the vendors take for that (USD)."""
    night.add(*ISSUES)

    ended = night.run(*words, "--max-usd", "1.00")

    assert ended.code == 5, ended.err
    assert "raise budget.usd to go on" in last_line(ended)
    assert 0.50 < billed(night) <= 1.00
    assert run_of(night)["spent"] == pytest.approx(billed(night), abs=1e-6)
    report = orjson.loads((night.root / ".workflow" / "report.json").read_bytes())
    assert report["exit_code"] == 5
    assert night.run("audit", "verify").code == 0
    return billed(night)


def test_one_dollar_is_enough_for_one_dollar_of_a_backlog_that_wants_five(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", Script.from_function(wordy)) as night:
        seen = spend_a_dollar(night, RUN)

        assert night.run(*RUN, "--max-usd", "20").code == 0

        assert set(night.states().values()) == {"completed"}
        assert len(night.commits()) == len(ISSUES)
        assert billed(night) >= 5.0 > 1.0 >= seen
        assert run_of(night)["spent"] == pytest.approx(billed(night), abs=1e-6)


def test_one_dollar_is_the_cap_of_both_agents_at_work_together(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", Script.from_function(wordy)) as night:
        spend_a_dollar(night, OVERLAP)


def test_answers_that_break_off_are_paid_for_too(tmp_path: Path) -> None:
    cut = [Fault("cut", after_bytes=20_000, issue=name) for name in ISSUES[:3]]
    with Night(tmp_path / "repo", Script.from_function(wordy), faults=cut) as night:
        night.add(*ISSUES[:4])

        ended = night.run(*RUN, "--max-usd", "3.00")

        assert ended.code == 5, ended.err
        assert billed(night) <= 3.00
        found = run_of(night)
        assert found["reserved"] > 0
        assert billed(night) <= found["spent"] + found["reserved"]
        assert f"${found['reserved']:.2f} reserved" in last_line(ended)
