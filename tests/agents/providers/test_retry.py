"""The one retry layer: what is tried again, how long it waits, and what ends it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from pipeline.agents.messages import CallLimits
from pipeline.agents.providers.adapter import Manner
from pipeline.agents.providers.anthropic_messages import AnthropicMessages
from pipeline.agents.providers.calling import Access
from pipeline.agents.providers.retry import AGAIN, RetryPolicy
from pipeline.agents.providers.watch import SLICE_S
from pipeline.errors import (
    AuthProblem,
    BadRequest,
    BudgetSpent,
    ContextOverflow,
    NetworkProblem,
    Overloaded,
    PipelineError,
    ProviderError,
    QuotaReached,
    SpendLimit,
    Stopped,
    TurnTimedOut,
)
from tests.agents.providers.anthropic_events import answer_events
from tests.agents.providers.policy import NOW, tries
from tests.agents.providers.vendor import limits, model_request, refuses, streams, vendor


@dataclass
class Time:
    """A clock that only sleeping moves."""

    s: float = 0.0
    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.s += seconds

    def limits(self, deadline: float = 10_000, stop_at: float = 1e9) -> CallLimits:
        return CallLimits(
            clock=lambda: self.s,
            deadline=deadline,
            silence_s=60,
            stop=lambda: self.s >= stop_at,
        )


class Attempts:
    """A call that fails with each of `errors` and then answers."""

    def __init__(self, *errors: PipelineError) -> None:
        self._errors: Iterator[PipelineError] = iter(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        for error in self._errors:
            raise error
        return "answer"


JITTER_S = 1.0


def overloaded(retry_after_s: float | None = None) -> Overloaded:
    error = Overloaded("busy")
    error.retry_after_s = retry_after_s
    return error


def told(error: ProviderError, should_retry: bool) -> ProviderError:
    error.should_retry = should_retry
    return error


def quota(seconds: float | None) -> QuotaReached:
    return QuotaReached("used up", None if seconds is None else NOW + timedelta(seconds=seconds))


def run(attempts: Attempts, time: Time, retries: int = 6, deadline: float = 10_000) -> str:
    return tries(retries, time.sleep).call(attempts, time.limits(deadline))


@pytest.mark.parametrize("error", [Overloaded("busy"), NetworkProblem("gone"), quota(20)])
def test_what_passes_is_tried_again(error: ProviderError) -> None:
    attempts = Attempts(error, error)
    assert run(attempts, Time()) == "answer"
    assert attempts.made == 3


@pytest.mark.parametrize(
    "error",
    [
        AuthProblem("no"),
        BadRequest("no"),
        ContextOverflow("no"),
        SpendLimit("no"),
        TurnTimedOut("no"),
        Stopped("no"),
        quota(None),
        quota(61),
    ],
)
def test_what_does_not_pass_by_itself_is_raised_at_once(error: PipelineError) -> None:
    attempts = Attempts(error)
    with pytest.raises(type(error)) as caught:
        run(attempts, Time())
    assert caught.value is error
    assert attempts.made == 1


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (told(Overloaded("busy"), False), False),
        (told(NetworkProblem("gone"), False), False),
        (told(quota(20), False), False),
        (told(quota(None), True), True),
        (told(quota(7200), True), False),
        (told(BadRequest("no"), True), True),
        (told(AuthProblem("no"), True), False),
        (told(SpendLimit("no"), True), False),
        (told(ContextOverflow("no"), True), False),
    ],
)
def test_what_the_vendor_says_of_another_attempt_counts_unless_it_cannot_help(
    error: ProviderError, again: bool
) -> None:
    attempts = Attempts(error)
    if again:
        assert run(attempts, Time()) == "answer"
    else:
        with pytest.raises(type(error)):
            run(attempts, Time())
    assert attempts.made == 1 + again


def all_kinds(kind: type[ProviderError]) -> set[type[ProviderError]]:
    return {kind}.union(*map(all_kinds, kind.__subclasses__()))


def test_every_error_of_the_seam_has_a_row_in_the_table() -> None:
    assert set(AGAIN) == all_kinds(ProviderError) - {ProviderError}


def test_waits_that_the_vendor_asks_for_differ_from_call_to_call() -> None:
    waits = []
    for _ in range(9):
        time = Time()
        run(Attempts(overloaded(90)), time)
        waits.append(time.s)
    assert len(set(waits)) > 1


def test_retries_end_with_the_last_error() -> None:
    errors = [Overloaded(str(number)) for number in range(9)]
    attempts = Attempts(*errors)
    with pytest.raises(Overloaded, match="3"):
        run(attempts, Time(), retries=3)
    assert attempts.made == 4


def test_our_own_waits_grow_and_have_a_ceiling() -> None:
    time = Time()
    with pytest.raises(Overloaded):
        run(Attempts(*[overloaded()] * 99), time, retries=20)
    assert 0 < time.s <= 1 + 2 + 4 + 8 + 16 + 32 + 14 * 60


@pytest.mark.parametrize(("error", "seconds"), [(overloaded(90), 90), (quota(45), 45)])
def test_what_the_vendor_asks_for_is_the_least_wait(error: ProviderError, seconds: float) -> None:
    time = Time()
    assert run(Attempts(error), time) == "answer"
    assert seconds <= time.s <= seconds + JITTER_S + SLICE_S


def test_waits_are_sliced_so_that_a_stop_ends_them() -> None:
    time = Time()
    with pytest.raises(Stopped):
        tries(6, time.sleep).call(Attempts(overloaded(100)), time.limits(stop_at=10))
    assert time.s < 10 + SLICE_S
    assert max(time.naps) <= SLICE_S


def test_a_wait_that_would_end_after_the_deadline_is_not_begun() -> None:
    time = Time()
    with pytest.raises(Overloaded):
        run(Attempts(overloaded(100)), time, deadline=50)
    assert time.naps == []


def test_an_adapter_tries_again_after_overload_and_waits_as_asked() -> None:
    time = Time()
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    busy = refuses(529, body, {"retry-after-ms": "70000"})
    with vendor(busy, streams(answer_events())) as server:
        policy = RetryPolicy(retries=1, sleep=time.sleep, now=lambda: NOW)
        provider = AnthropicMessages("some-model", Access("k", server.url), Manner(policy=policy))
        assert provider.complete(model_request(), limits(600)).text == "Hello."
        provider.close()
    assert len(server.requests) == 2
    assert server.requests[0] == server.requests[1]
    assert 70 <= time.s <= 70 + JITTER_S + SLICE_S


class Counter:
    """A meter that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def failed(self, error: ProviderError) -> None:
        self.told.append(f"failed: {error}")

    def again(self) -> None:
        self.told.append("again")


def test_each_try_is_metered_and_the_last_error_is_the_callers() -> None:
    time, meter = Time(), Counter()
    watched = replace(time.limits(), meter=meter)
    with pytest.raises(Overloaded):
        tries(2, time.sleep).call(Attempts(*[Overloaded("busy")] * 3), watched)
    assert meter.told == ["failed: busy", "again", "failed: busy", "again"]


def test_what_the_meter_refuses_is_not_tried_again() -> None:
    class Empty(Counter):
        def again(self) -> None:
            raise BudgetSpent("nothing is left")

    time, attempts = Time(), Attempts(Overloaded("busy"))
    with pytest.raises(BudgetSpent):
        tries(2, time.sleep).call(attempts, replace(time.limits(), meter=Empty()))
    assert attempts.made == 1
