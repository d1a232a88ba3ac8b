"""Waits for a vendor: as long as the user consented to, and no longer."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from pipeline import events
from pipeline.app.patience import LEAST_QUOTA_S, OUTAGE_WAIT_S, Patience, Timing
from pipeline.errors import (
    NetworkProblem,
    Overloaded,
    ProviderError,
    QuotaPause,
    QuotaReached,
    SpendLimit,
    Stopped,
)
from tests.faults.clocks import VirtualTime
from tests.store.builders import open_book


class Waiting:
    """A patience on a clock of its own, and what it said."""

    def __init__(self, folder: Path, allowed_s: float, stop_after_s: float = 1e9) -> None:
        (folder / "repo").mkdir()
        self.clock, self.stop_after_s = VirtualTime(), stop_after_s
        self.said: list[events.Event] = []
        self.book = open_book(folder / "repo")
        self.patience = Patience(
            "anthropic",
            allowed_s,
            self.book,
            events.EventBus([self.said.append]),
            self.clock.timing,
        )

    def asks(self, error: ProviderError) -> None:
        self.patience(error, lambda: self.clock.slept_s >= self.stop_after_s)

    def quota(self, seconds: float | None) -> QuotaReached:
        reset = None if seconds is None else self.clock.now() + timedelta(seconds=seconds)
        return QuotaReached("used up", reset)


def test_a_quota_is_waited_out_until_its_reset(scratch: Path) -> None:
    waiting = Waiting(scratch, allowed_s=7200)
    waiting.asks(waiting.quota(3600))
    assert waiting.clock.slept_s == pytest.approx(3600, abs=2)
    assert waiting.book.state.quotas == {}
    assert [type(one) for one in waiting.said] == [events.QuotaPaused, events.QuotaOver]


@pytest.mark.parametrize("seconds", [0, -3600, 5])
def test_a_quota_that_is_over_and_is_not_uses_up_the_consent(scratch: Path, seconds: float) -> None:
    """A vendor's clock is wrong, or it says `retry-after: 0`: nothing ever bounded this."""
    waiting = Waiting(scratch, allowed_s=3.5 * LEAST_QUOTA_S)
    for _ in range(4):
        waiting.asks(waiting.quota(seconds))
    with pytest.raises(QuotaPause):
        waiting.asks(waiting.quota(seconds))
    assert waiting.clock.slept_s == pytest.approx(3 * LEAST_QUOTA_S + max(seconds, 0), abs=2)


@pytest.mark.parametrize(("allowed_s", "seconds"), [(0, 60), (3600, 3700), (10**6, None)])
def test_a_quota_past_the_consent_or_without_a_reset_pauses_the_run(
    scratch: Path, allowed_s: float, seconds: float | None
) -> None:
    waiting = Waiting(scratch, allowed_s)
    with pytest.raises(QuotaPause, match="`pipeline run` carries on"):
        waiting.asks(waiting.quota(seconds))
    assert waiting.clock.slept_s == 0
    assert waiting.book.state.quotas


def test_a_spend_limit_pauses_the_run_whatever_was_consented_to(scratch: Path) -> None:
    waiting = Waiting(scratch, allowed_s=10**6)
    limit = SpendLimit("openai: the account may not spend more (no): raise its limit there")
    with pytest.raises(QuotaPause, match="raise its limit there; `pipeline run` carries on then"):
        waiting.asks(limit)
    assert waiting.clock.slept_s == 0


@pytest.mark.parametrize("error", [Overloaded("busy"), NetworkProblem("gone")])
def test_an_outage_is_asked_about_from_time_to_time_until_the_consent_is_used_up(
    scratch: Path, error: ProviderError
) -> None:
    waiting = Waiting(scratch, allowed_s=3.5 * OUTAGE_WAIT_S)
    for _ in range(3):
        waiting.asks(error)
    with pytest.raises(type(error)) as caught:
        waiting.asks(error)
    assert caught.value is error
    assert waiting.clock.slept_s == pytest.approx(3 * OUTAGE_WAIT_S, abs=2)
    assert {type(one) for one in waiting.said} == {events.OutagePaused}


@dataclass
class Jumping:
    """Clocks of which one jumps when a minute has been waited."""

    jump: Literal["sleep", "set back", "put aside"]
    by_s: float
    slept_s: float = 0.0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def timing(self) -> Timing:
        return Timing(self.now, self.elapsed, self.elapsed, self.sleep)

    def elapsed(self) -> float:
        return self.slept_s + self._jumped("sleep")

    def now(self) -> datetime:
        seconds = self.elapsed() + self._jumped("put aside") - self._jumped("set back")
        return self.began + timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds

    def _jumped(self, jump: str) -> float:
        return self.by_s if self.jump == jump and self.slept_s > 60 else 0.0


@pytest.mark.parametrize(
    ("jump", "waited_s"), [("sleep", 60), ("put aside", 60), ("set back", 3600)]
)
def test_a_wait_ends_at_the_reset_although_a_clock_jumps(
    scratch: Path, jump: Literal["sleep", "set back", "put aside"], waited_s: float
) -> None:
    """The laptop slept for a day, a virtual machine was put aside, somebody set the clock back."""
    clock = Jumping(jump, by_s=86_400)
    book = open_book(scratch)
    patience = Patience("anthropic", 7200, book, events.EventBus(), clock.timing)

    patience(QuotaReached("used up", clock.now() + timedelta(hours=1)), lambda: False)

    assert clock.slept_s == pytest.approx(waited_s, abs=2)
    assert book.state.quotas == {}


def test_a_stop_ends_a_wait_at_once(scratch: Path) -> None:
    waiting = Waiting(scratch, allowed_s=7200, stop_after_s=10)
    with pytest.raises(Stopped):
        waiting.asks(waiting.quota(3600))
    assert waiting.clock.slept_s < 11
