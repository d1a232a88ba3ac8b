"""Whole conversations with the stand-in, which refuses what the vendors would refuse."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.agents.messages import (
    CallLimits,
    ModelRequest,
    NextStep,
    Provider,
    Reply,
    Results,
    Said,
    ToolResult,
    TurnItem,
)
from pipeline.agents.providers.registry import make_provider
from pipeline.errors import NetworkProblem, Overloaded, PipelineError, QuotaReached, TurnTimedOut
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.script import CallSpec, ReplySpec, Script
from pipeline.rehearsal.server import StandIn
from pipeline.rehearsal.view import RequestView
from pipeline.settings import AgentSettings
from pipeline.settings import Provider as ProviderName
from tests.agents.providers.policy import tries
from tests.agents.providers.vendor import limits, model_request

VENDORS: list[ProviderName] = ["anthropic", "openai"]
CONTEXT = "The project is large. " * 300
DIGESTS = ("Did ISS-1: " + "all is well. " * 20, "Did ISS-2: " + "no trouble. " * 20)


def three_steps(view: RequestView) -> ReplySpec:
    """Think, call two tools; think, call one; answer."""
    if view.call == 2:
        return ReplySpec(text="Done.")
    both = (CallSpec(name="a_tool"), CallSpec(name="b_tool"))
    return ReplySpec(thinking=f"Step {view.call}.", text="On it.", tool_calls=both[view.call :])


@contextmanager
def conversation(
    name: ProviderName, script: Script, *faults: Fault, retries: int = 0
) -> Iterator[tuple[Provider, StandIn]]:
    with StandIn(script, faults=faults) as server:
        base_url = server.url + {"anthropic": "", "openai": "/v1"}[name]
        settings = AgentSettings(provider=name, base_url=base_url)
        provider = make_provider(settings, {}, rehearsal=True, policy=tries(retries))
        try:
            yield provider, server
        finally:
            provider.close()


def request(number: int, *turn: TurnItem) -> ModelRequest:
    opening = Said(f"request_id: ISS-{number + 1:03}.1\nDo it.")
    return model_request(
        opening, *turn, context=CONTEXT, memory="Remember.", ledger=DIGESTS[:number]
    )


def results(reply: Reply) -> Results:
    return Results(tuple(ToolResult(call.id, "ok") for call in reply.tool_calls))


def whole_turn(provider: Provider, number: int) -> list[Reply]:
    turn: list[TurnItem] = []
    replies: list[Reply] = []
    while not replies or replies[-1].next_step is NextStep.RUN_TOOLS:
        replies.append(provider.complete(request(number, *turn), limits()))
        turn += [replies[-1], results(replies[-1])]
    return replies


@pytest.mark.parametrize("name", VENDORS)
def test_two_turns_are_accepted_and_their_prefix_is_read_from_the_cache(name: ProviderName) -> None:
    with conversation(name, Script.from_function(three_steps)) as (provider, server):
        turns = [whole_turn(provider, 0), whole_turn(provider, 1)]
        logged = server.requests
    assert [reply.text for replies in turns for reply in replies][2::3] == ["Done.", "Done."]
    assert [len(reply.tool_calls) for reply in turns[0]] == [2, 1, 0]
    assert [entry.status for entry in logged] == [200] * 6
    assert len({entry.head_sha256 for entry in logged}) == 1
    assert logged[0].ledger == logged[3].ledger[:1] == ("Remember.",)
    assert turns[0][0].usage.cache_write_tokens > 1000
    for reply in [*turns[0][1:], *turns[1]]:
        assert reply.usage.cache_read_tokens > 1000
        assert reply.usage.input_tokens < 200
        assert reply.usage.usd is not None


@pytest.mark.parametrize("stop", ["truncated", "refusal", "unknown"])
@pytest.mark.parametrize("name", VENDORS)
def test_a_turn_goes_on_after_an_answer_that_was_cut_off(name: ProviderName, stop: str) -> None:
    with conversation(name, Script.from_function(three_steps), Fault(stop)) as (provider, _):
        cut = provider.complete(request(0), limits())
        assert cut.next_step is not NextStep.RUN_TOOLS
        assert cut.tool_calls == ()
        again = provider.complete(request(0, cut, Said("Please go on.")), limits())
        assert again.next_step is NextStep.RUN_TOOLS


def test_a_paused_answer_goes_on_where_it_paused() -> None:
    def pauses(view: RequestView) -> ReplySpec:
        return ReplySpec(
            thinking="Hm.", text="Moment.", stop="pause" if view.call < 1 else "natural"
        )

    with conversation("anthropic", Script.from_function(pauses)) as (provider, _):
        paused = provider.complete(request(0), limits())
        assert paused.next_step is NextStep.RESUME
        assert provider.complete(request(0, paused), limits()).next_step is NextStep.STOP


@pytest.mark.parametrize(
    ("fault", "call_limits", "expected"),
    [
        (Fault("reset"), limits, NetworkProblem),
        (Fault("cut"), limits, NetworkProblem),
        (Fault("status", status=529), limits, Overloaded),
        (Fault("status", status=429), limits, QuotaReached),
        (Fault("pings"), lambda: limits(0.4), TurnTimedOut),
        (Fault("stall"), lambda: limits(20, silence_s=0.4), NetworkProblem),
    ],
)
@pytest.mark.parametrize("name", VENDORS)
def test_a_fault_becomes_its_error(
    name: ProviderName, fault: Fault, call_limits: "type[CallLimits]", expected: type[PipelineError]
) -> None:
    script = Script.from_function(three_steps)
    with conversation(name, script, fault) as (provider, _), pytest.raises(expected):
        provider.complete(request(0), call_limits())
