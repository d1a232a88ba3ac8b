"""The pipeline's own adapters and the stand-in understand each other, turn after turn."""

import time
from collections.abc import Callable

import pytest

from pipeline.agents.messages import (
    CallLimits,
    Head,
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
from pipeline.agents.tools.specs import KINDS
from pipeline.errors import BadRequest, NetworkProblem, Overloaded, QuotaReached, TurnTimedOut
from pipeline.rehearsal.faults import Fault, rate_limited
from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.scripting import plan, read, run_command, turn
from pipeline.rehearsal.server import StandIn
from pipeline.settings import AgentSettings
from tests.agents.providers.policy import one_try

VENDORS = ("anthropic", "openai")
PLANNER = ("list_files", "needs_clarification", "read_file", "run_command", "search")
HEAD = Head(
    tools=tuple(KINDS[name].spec for name in (*PLANNER, "submit_solution")),
    system="You plan. " * 200,
    context="The project is small. " * 200,
)
SCRIPT = plan(
    files={"a.txt": "create"},
    before=[
        ReplySpec(thinking="Look.", text="I look.", tool_calls=(read("a.py"), read("b.py"))),
        ReplySpec(thinking="Try.", tool_calls=(run_command("ls"),)),
    ],
)


def limits(seconds: float = 30) -> CallLimits:
    return CallLimits(time.monotonic, time.monotonic() + seconds, 30, lambda: False)


@pytest.fixture
def provider_of(request: pytest.FixtureRequest) -> Callable[[StandIn, str], Provider]:
    def made(server: StandIn, vendor: str) -> Provider:
        url = server.url + ("/v1" if vendor == "openai" else "")
        settings = AgentSettings(provider=vendor, base_url=url)
        provider = make_provider(settings, {}, rehearsal=True, policy=one_try())
        request.addfinalizer(provider.close)
        return provider

    return made


def ask(provider: Provider, items: list[TurnItem], ledger: tuple[str, ...] = ()) -> Reply:
    request = ModelRequest(HEAD, "", ledger, tuple(items), 20_000, "run-1-planner")
    return provider.complete(request, limits())


def play_turn(provider: Provider, issue: str, ledger: tuple[str, ...]) -> list[Reply]:
    """Play one planning turn to its final tool."""
    items: list[TurnItem] = [Said(f"request_id: {issue}.1\nPlan it.")]
    replies: list[Reply] = []
    while not replies or replies[-1].tool_calls[0].name != "submit_solution":
        replies.append(ask(provider, items, ledger))
        results = [ToolResult(call.id, "a line\n" * 300) for call in replies[-1].tool_calls]
        items += [replies[-1], Results(tuple(results))]
    return replies


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_long_lived_agent_keeps_its_head_and_grows_its_ledger(start, provider_of, vendor) -> None:
    server, _, _ = start(SCRIPT)
    provider = provider_of(server, vendor)
    ledger: tuple[str, ...] = ()
    for number in range(4):
        replies = play_turn(provider, f"ISS-{number}", ledger)
        assert [len(reply.tool_calls) for reply in replies] == [2, 1, 1]
        ledger += (f"request_id: ISS-{number}.1 is done: " + "what was learned. " * 10,)
    assert [request.status for request in server.requests] == [200] * 12
    assert len({request.head_sha256 for request in server.requests}) == 1
    assert [len(request.ledger) for request in server.requests] == [
        n for n in range(4) for _ in "123"
    ]
    assert server.requests[-1].ledger == ledger[:3]
    first_calls = [request for request in server.requests if request.call == 0]
    assert [request.request_id for request in first_calls] == [f"ISS-{n}.1" for n in range(4)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_cache_answers_for_all_but_what_is_new(start, provider_of, vendor) -> None:
    server, _, _ = start(SCRIPT)
    provider = provider_of(server, vendor)
    usages = [reply.usage for n in range(3) for reply in play_turn(provider, f"ISS-{n}", ())]
    assert usages[0].cache_read_tokens == 0
    assert all(usage.cache_read_tokens > 2000 for usage in usages[1:])
    assert usages[4].cache_read_tokens > usages[3].cache_read_tokens
    assert all(usage.input_tokens < 100 for usage in usages)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("status", status=500), Overloaded),
        (Fault("status", status=529), Overloaded),
        (rate_limited(3600), QuotaReached),
        (Fault("reset"), NetworkProblem),
        (Fault("cut", after_bytes=900), NetworkProblem),
        (Fault("status", status=400), BadRequest),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_fault_arrives_as_its_error(start, provider_of, vendor, fault, error) -> None:
    server, _, _ = start(SCRIPT, faults=[fault])
    provider = provider_of(server, vendor)
    with pytest.raises(error):
        ask(provider, [Said("request_id: ISS-1.1\nPlan it.")])
    assert ask(provider, [Said("request_id: ISS-1.1\nPlan it.")]).tool_calls


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("kind", ["hang", "stall", "pings"])
def test_silence_and_pings_end_at_the_deadline(start, provider_of, vendor, kind) -> None:
    server, _, _ = start(SCRIPT, faults=[Fault(kind, after_bytes=400)])
    request = ModelRequest(HEAD, "", (), (Said("request_id: ISS-1.1"),), 20_000, "key")
    with pytest.raises(TurnTimedOut):
        provider_of(server, vendor).complete(request, limits(0.5))


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("stop", "step"),
    [
        ("truncated", NextStep.TRUNCATED),
        ("refusal", NextStep.REFUSED),
        ("unknown", NextStep.STOP),
    ],
)
def test_an_answer_that_ends_badly_runs_no_tools(start, provider_of, vendor, stop, step) -> None:
    server, _, _ = start(turn("planner", "*", ReplySpec(tool_calls=(read("a"),), stop=stop)))
    reply = ask(provider_of(server, vendor), [Said("request_id: ISS-1.1")])
    assert reply.next_step is step
    assert reply.tool_calls == ()


@pytest.mark.parametrize("vendor", VENDORS)
def test_malformed_arguments_reach_the_pipeline_as_they_are(start, provider_of, vendor) -> None:
    server, _, _ = start(SCRIPT, faults=[Fault("malformed")])
    provider = provider_of(server, vendor)
    items: list[TurnItem] = [Said("request_id: ISS-1.1")]
    reply = ask(provider, items)
    assert [call.arguments for call in reply.tool_calls] == ['{"path": "src/'] * 2
    results = [ToolResult(call.id, "no JSON", is_error=True) for call in reply.tool_calls]
    assert ask(provider, [*items, reply, Results(tuple(results))]).tool_calls
