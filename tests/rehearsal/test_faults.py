"""What can go wrong does, where it was asked for and as often."""

import threading
import time

import anthropic
import httpx2
import openai
import pytest

from pipeline.rehearsal.faults import NAMED, Fault, Faults, rate_limited
from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import read, turn
from pipeline.rehearsal.server import StandIn
from tests.rehearsal.clients import Claude, Gpt, assistant, results, said
from tests.rehearsal.test_script import VIEW

SCRIPT = turn("planner", "*", ReplySpec(text="x" * 4000, tool_calls=(read("a.py"),)))
LOST = (httpx2.TransportError, anthropic.APIConnectionError, openai.APIConnectionError)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, anthropic.AuthenticationError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.APIStatusError),
    ],
)
def test_an_error_status_comes_as_often_as_asked_for(start, status, error) -> None:
    server, claude, _ = start(SCRIPT, faults=[Fault("status", status=status, times=2)])
    for _ in range(2):
        with pytest.raises(error) as caught:
            claude.ask([said()])
        assert caught.value.status_code == status
    assert claude.ask([said()]).stop_reason == "tool_use"
    assert [request.fault for request in server.requests] == ["status", "status", None]


def test_a_rate_limit_says_when_to_come_back(start) -> None:
    _, claude, gpt = start(SCRIPT, faults=[rate_limited(7), rate_limited(8)])
    with pytest.raises(anthropic.RateLimitError) as caught:
        claude.ask([said()])
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.body["error"]["type"] == "rate_limit_error"
    with pytest.raises(openai.RateLimitError) as other:
        gpt.ask([said()])
    assert other.value.response.headers["retry-after"] == "8"


def test_an_error_carries_the_code_of_openai(start) -> None:
    fault = Fault("status", status=429, code="insufficient_quota", message="You are out of money")
    _, _, gpt = start(SCRIPT, faults=[fault])
    with pytest.raises(openai.RateLimitError, match="out of money") as caught:
        gpt.ask([said()])
    assert caught.value.code == "insufficient_quota"


@pytest.mark.parametrize("fault", [Fault("reset"), Fault("cut", after_bytes=700)])
def test_a_lost_connection_is_lost_for_both_sdks(start, fault) -> None:
    _, claude, gpt = start(SCRIPT, faults=[fault, fault])
    with pytest.raises(LOST):
        claude.ask([said()])
    with pytest.raises(LOST):
        gpt.ask([said()])
    assert claude.ask([said()]).stop_reason == "tool_use"


@pytest.mark.parametrize("fault", [Fault("hang"), Fault("stall", after_bytes=700)])
def test_silence_lasts_until_the_client_leaves(start, fault) -> None:
    server, _, _ = start(SCRIPT, faults=[fault, fault])
    claude, gpt = Claude(server, timeout=0.2), Gpt(server, timeout=0.2)
    for client, problem in ((claude, anthropic.APITimeoutError), (gpt, openai.APITimeoutError)):
        with pytest.raises((problem, httpx2.TimeoutException)):
            client.ask([said()])
        client.close()


def test_pings_come_for_ever(start) -> None:
    server, claude, _ = start(SCRIPT, faults=[Fault("pings")])
    body = {**claude.body([said()]), "stream": True}
    headers = {"x-api-key": "k", "anthropic-version": "2026-10-21"}
    with httpx2.stream("POST", server.url + "/v1/messages", json=body, headers=headers) as answer:
        lines = answer.iter_lines()
        pings = [next(lines) for _ in range(9)]
    assert pings.count("event: ping") == 3


def test_leaving_the_server_ends_a_silence() -> None:
    failed = threading.Event()
    with_silence = Script.from_function(lambda view: ReplySpec(text="so"))
    started = time.monotonic()
    with StandIn(with_silence, faults=[Fault("hang")]) as server:
        claude = Claude(server)

        def ask() -> None:
            try:
                claude.ask([said()])
            except LOST:
                failed.set()

        thread = threading.Thread(target=ask)
        thread.start()
        while not server.requests:
            thread.join(0.01)
    assert failed.wait(5)
    thread.join()
    claude.close()
    assert time.monotonic() - started < 5


def test_arguments_can_be_malformed(start) -> None:
    _, _, gpt = start(SCRIPT, faults=[Fault("malformed")])
    broken = gpt.raw([said()])[-1].response.output[-1].arguments
    assert broken == '{"path": "src/'


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("truncated", "max_tokens"),
        ("refusal", "refusal"),
        ("unknown", "stop_reason_of_tomorrow"),
    ],
)
def test_an_answer_can_end_badly(start, kind, reason) -> None:
    _, claude, _ = start(SCRIPT, faults=[Fault(kind)])
    assert claude.ask([said()]).stop_reason == reason
    assert claude.ask([said()]).stop_reason == "tool_use"


def test_a_fault_waits_for_the_call_it_is_for(start) -> None:
    _, claude, _ = start(SCRIPT, faults=[Fault("status", status=500, agent="planner", call=1)])
    first = claude.ask([said()])
    with pytest.raises(anthropic.InternalServerError):
        claude.ask([said(), assistant(first), results(first)])


@pytest.mark.parametrize("elsewhere", [{"agent": "planner"}, {"issue": "ISS-2"}, {"call": 3}])
def test_a_fault_for_another_place_does_not_fire(elsewhere) -> None:
    assert Faults([Fault("hang", **elsewhere)]).take(VIEW) is None


def test_a_fault_fires_its_times_only_however_many_ask_at_once() -> None:
    faults = Faults([Fault("hang", times=5)])
    taken: list[object] = []
    threads = [threading.Thread(target=lambda: taken.append(faults.take(VIEW))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fault is not None for fault in taken) == 5


def test_every_named_fault_can_fire() -> None:
    assert all(fault.times > 0 for faults in NAMED.values() for fault in faults)
