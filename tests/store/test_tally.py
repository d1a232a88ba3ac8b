"""When a run stood still: each pause told once, with its end where there was one."""

from datetime import UTC, datetime, timedelta

from pipeline.store.entries import QuotaOver, QuotaPaused, RunPaused, RunStopped
from pipeline.store.tally import MOST_PAUSES, Pause, Standstill, Tally

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


def test_a_pause_ends_when_it_is_stopped_and_a_stop_when_the_work_goes_on() -> None:
    tally = Tally()

    tally.stand_still(RunPaused(by="ann"), AT)
    tally.stand_still(RunStopped(how="stop", by="bob"), LATER)
    tally.go_on(LATER)
    tally.go_on(LATER + timedelta(hours=1))
    tally.stand_still(RunStopped(how="signal"), LATER)

    assert tally.standstills == [
        Standstill("pause", "ann", AT, LATER),
        Standstill("stop", "bob", LATER, LATER),
        Standstill("signal", "", LATER, None),
    ]
