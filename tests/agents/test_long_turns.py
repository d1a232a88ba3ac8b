"""Long turns through the real SDKs: caches over many blocks, both vendors' summaries, overflow."""

import time
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.agents.agent import Agent, TurnRequest
from pipeline.agents.limits import TurnLimits
from pipeline.agents.prompts import Prompts
from pipeline.agents.providers.registry import make_provider
from pipeline.agents.roles import BY_PATCH, BY_TEXT, EXECUTOR, make_head
from pipeline.domain.results import Usage
from pipeline.events import CacheFell, Compacted, EventBus
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.script import CallSpec, ReplySpec, Script
from pipeline.rehearsal.scripting import read, submit_result, turn
from pipeline.rehearsal.server import LoggedRequest, StandIn
from pipeline.rehearsal.view import RequestView
from pipeline.safety.budget import Purse
from pipeline.settings import AgentSettings, BudgetSettings, History
from pipeline.settings import Provider as ProviderName
from pipeline.store.transcripts import Transcript
from tests.agents.boxes import Desk
from tests.agents.providers.asking import MODELS, SUFFIX
from tests.store.builders import open_book

WORDS = "b.txt holds words."
PATHS = {"anthropic": "/v1/messages", "openai": "/v1/responses/compact"}


class Night:
    """An executor at the stand-in, and what it came to."""

    def __init__(
        self,
        folder: Path,
        server: StandIn,
        vendor: ProviderName,
        *,
        compact_tokens: int = 150_000,
        history: History = "ledger",
        model: str = "",
        diagnose: bool = False,
        ledger: tuple[str, ...] = (),
    ) -> None:
        self.server = server
        self.desk = Desk(folder / "desk").write(
            {"a.txt": "one\n", "b.txt": "some words here\n" * 800}
        )
        (folder / "repo").mkdir()
        settings = AgentSettings(
            provider=vendor, base_url=server.url + SUFFIX[vendor], model=model or MODELS[vendor]
        )
        tools = BY_PATCH if vendor == "openai" else BY_TEXT
        self.book = open_book(folder / "repo")
        self.agent = Agent(
            EXECUTOR,
            make_provider(settings, {}, role="executor", rehearsal=True, diagnose=diagnose),
            make_head(EXECUTOR, Prompts(), "The project.\n", has_shell=True, edit_tools=tools),
            book=self.book,
            purse=Purse(BudgetSettings(), Usage(), time.monotonic()),
            bus=EventBus([self.desk.events.append]),
            clock=time.monotonic,
            limits=TurnLimits(compact_tokens=compact_tokens),
            transcript=Transcript(folder / "transcript.jsonl"),
            on_quota=lambda error, stop: None,
            stop=lambda: False,
            cache_key="run-1-executor",
            history=history,
            ledger=ledger,
        )

    def turn(self, request_id: str = "ISS-1.1") -> Usage:
        """Make one turn, which has to be answered, and return what it used."""
        text = f"request_id: {request_id}\n\nDo it."
        box = self.desk.executor(request_id)
        turn_id = self.agent.send_input(TurnRequest(request_id, "ISS-1", text, box, minutes=1))
        outcome = self.agent.wait(turn_id)
        assert outcome.status == "answered", outcome.reason
        self.agent.settle(turn_id, f"{request_id} landed")
        return outcome.usage

    @property
    def summed_up(self) -> list[str]:
        return [event.how for event in self.desk.events if isinstance(event, Compacted)]

    @property
    def falls(self) -> list[str]:
        return [event.cause for event in self.desk.events if isinstance(event, CacheFell)]


def messages_of(request: LoggedRequest) -> list[object]:
    """Return the messages of a request without cache marks, as the model sees them."""
    return [bare(item) for item in request.body.get("messages", request.body.get("input"))]  # type: ignore[union-attr]


def bare(value: object) -> object:
    if isinstance(value, dict):
        marks = ("cache_control", "prompt_cache_breakpoint")
        return {name: bare(one) for name, one in value.items() if name not in marks}
    return [bare(one) for one in value] if isinstance(value, list) else value


def cached_and_sent(request: LoggedRequest) -> tuple[int, int]:
    usage = request.usage
    if request.vendor == "anthropic":
        read = usage["cache_read_input_tokens"]
        return read, read + usage["cache_creation_input_tokens"]  # type: ignore[operator,return-value]
    details = usage["input_tokens_details"]
    read = details["cached_tokens"]  # type: ignore[index,call-overload]
    return read, read + details["cache_write_tokens"]  # type: ignore[index,operator,call-overload,return-value]


@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
def test_replies_of_many_calls_still_read_what_the_call_before_left(
    scratch: Path, vendor: ProviderName
) -> None:
    many = [read("a.txt")] * 30
    thinking = ReplySpec(thinking="hm", tool_calls=tuple(read("a.txt") for _ in range(25)))
    script = turn("executor", "*", many, thinking, many, submit_result())
    with StandIn(script) as server:
        night = Night(scratch, server, vendor, ledger=tuple(f"digest {n}" for n in range(30)))
        night.turn()
        night.turn("ISS-2.1")
        night.agent.close()
    counts = [cached_and_sent(request) for request in server.requests]
    assert len(counts) == 8
    for (_, left), (read_now, _) in pairwise(counts[:4]):
        assert read_now == left
    assert counts[4][0] >= counts[0][1] * 0.9
    assert night.falls == []


@pytest.mark.parametrize("vendor", ["anthropic", "openai", "openai-chat"])
def test_every_request_of_a_turn_begins_with_the_one_before(
    scratch: Path, vendor: ProviderName
) -> None:
    moves = [
        ReplySpec(thinking="first", tool_calls=(read("a.txt"), read("none.txt"))),
        ReplySpec(thinking="second", text="Done, I think."),
        ReplySpec(thinking="third", text="cut", stop="truncated"),
        ReplySpec(thinking="fourth", tool_calls=(submit_result(request_id="ISS-7.1"),)),
        submit_result(),
    ]
    with StandIn(turn("executor", "*", *moves)) as server:
        night = Night(scratch, server, vendor)
        night.turn()
        night.agent.close()
    assert [request.status for request in server.requests] == [200] * 5
    sent = [messages_of(request) for request in server.requests]
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(sent))


def looks(number: int) -> CallSpec:
    """Return a call that differs from all others and brings the same."""
    return CallSpec(name="read_file", arguments={"path": "b.txt", "end_line": 700 + number})


def patient(view: RequestView) -> ReplySpec:
    """Read ten times, those that a summary stands for included; sum up where that is asked."""
    if view.replies and "grown too long" in view.replies[-1]:
        return ReplySpec(text=WORDS)
    if view.call >= 10 or WORDS in "".join((*view.earlier, view.turn_text)):
        return ReplySpec(thinking="enough", tool_calls=(submit_result(),))
    return ReplySpec(thinking=f"call {view.call}", tool_calls=(looks(view.call),))


@pytest.mark.parametrize("history", ["ledger", "full"])
@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
def test_a_long_turn_is_summed_up_by_its_vendor_and_goes_on(
    scratch: Path, vendor: ProviderName, history: History
) -> None:
    with StandIn(Script.from_function(patient)) as server:
        night = Night(scratch, server, vendor, compact_tokens=20_000, history=history)
        usage = night.turn()
        night.turn("ISS-2.1")
        night.agent.close()
    assert [request.status for request in server.requests] == [200] * len(server.requests)
    assert night.summed_up
    assert set(night.summed_up) == {"vendor"}
    made = [
        request
        for request in server.requests
        if "compaction" in request.body or request.path.endswith("/compact")
    ]
    assert len(made) == len(night.summed_up)
    assert {request.path for request in made} == {PATHS[vendor]}
    settled = [
        line.entry.usage  # type: ignore[union-attr]
        for line in night.book.journal.lines()
        if line.kind == "call_settled"
    ]
    assert len(settled) == len(server.requests)
    assert all(one.total_tokens - one.output_tokens > 1_000 for one in settled)
    assert usage.calls > 10
    assert set(night.falls) <= {"the conversation was summed up"}


def test_elsewhere_our_prompt_asks_for_the_summary(scratch: Path) -> None:
    with StandIn(Script.from_function(patient)) as server:
        night = Night(scratch, server, "openai-chat", compact_tokens=20_000)
        night.turn()
        night.agent.close()
    assert [request.status for request in server.requests] == [200] * len(server.requests)
    assert night.summed_up == ["prompt"]
    [asked] = [one for one in server.requests if one.body.get("tool_choice") == "none"]
    assert asked.body["tools"] == server.requests[0].body["tools"]


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-haiku-4-5"])
def test_a_full_window_is_summed_up_once(scratch: Path, model: str) -> None:
    full = Fault("status", call=2, status=400, message="prompt is too long: 1 > 0 maximum")
    replies = [read("b.txt"), read("b.txt"), ReplySpec(text=WORDS)]
    script = turn("executor", "*", *replies, submit_result(), submit_result())
    with StandIn(script, faults=[full]) as server:
        night = Night(scratch, server, "anthropic", model=model)
        night.turn()
        night.agent.close()
    assert night.summed_up == ["vendor" if model.endswith("5-5") else "prompt"]
    assert server.requests[2].status == 400
    assert [one.status for one in server.requests].count(400) == 1


@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
def test_where_a_vendors_summary_fails_our_prompt_asks_for_one(
    scratch: Path, vendor: ProviderName
) -> None:
    def fails(view: RequestView) -> Fault | None:
        return Fault("truncated") if view.wants_summary else None

    with StandIn(Script.from_function(patient), faults=fails) as server:
        night = Night(scratch, server, vendor, compact_tokens=20_000)
        night.turn()
        night.agent.close()
    assert [request.status for request in server.requests] == [200] * len(server.requests)
    assert night.summed_up == ["prompt"]
    failed, asked = (
        one for one in server.requests if one.fault or "none" in str(one.body.get("tool_choice"))
    )
    assert failed.fault == "truncated"
    before = messages_of(failed)[:-1]
    assert messages_of(asked)[: len(before)] == before


@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
def test_vendors_are_asked_about_their_caches_where_a_setting_says_so(
    scratch: Path, vendor: ProviderName
) -> None:
    script = turn("executor", "*", read("a.txt"), submit_result())
    with StandIn(script) as server:
        night = Night(scratch, server, vendor, diagnose=True)
        night.turn()
        night.agent.close()
    first, second = (request.body for request in server.requests)
    before = server.requests[0].reply["id"]
    if vendor == "anthropic":
        assert first["diagnostics"] == {"previous_message_id": None}
        assert second["diagnostics"] == {"previous_message_id": before}
    else:
        assert first["prompt_cache_options"] == {"mode": "explicit"}
        assert second["prompt_cache_options"] == {
            "mode": "explicit",
            "comparison_response_id": before,
        }
