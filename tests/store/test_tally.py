"""The pauses of a run for quotas: each told once, with its end where there was one."""

from datetime import UTC, datetime, timedelta

from pipeline.store.entries import QuotaOver, QuotaPaused
from pipeline.store.tally import MOST_PAUSES, Pause, Tally

AT = datetime(2026, 11, 21, 2, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


def test_a_pause_that_is_said_again_is_one_pause_until_it_is_over() -> None:
    tally = Tally()

    tally.pause(QuotaPaused(provider="openai", until="02:30"), AT)
    tally.pause(QuotaPaused(provider="openai", until="03:00"), LATER)
    tally.pause(QuotaPaused(provider="anthropic", until=None), LATER)
    tally.pause_over(QuotaOver(provider="openai"), LATER)
    tally.pause_over(QuotaOver(provider="openai"), LATER)

    assert tally.pauses == [
        Pause("openai", AT, "03:00", LATER),
        Pause("anthropic", LATER, None, None),
    ]


def test_a_vendor_that_refuses_all_night_fills_no_memory() -> None:
    tally = Tally()
    for _ in range(MOST_PAUSES + 1):
        tally.pause(QuotaPaused(provider="openai", until=None), AT)
        tally.pause_over(QuotaOver(provider="openai"), LATER)

    assert len(tally.pauses) == MOST_PAUSES
