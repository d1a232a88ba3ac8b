"""Whole turns through the real SDKs against the stand-in: prefix, ledger, exact request ids."""

import time
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.agents.agent import Agent, TurnRequest
from pipeline.agents.limits import TurnLimits
from pipeline.agents.prompts import Prompts
from pipeline.agents.providers.registry import make_provider
from pipeline.agents.roles import EXECUTOR, make_head
from pipeline.domain.results import Usage
from pipeline.events import EventBus
from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import edit, read, submit_result, turn
from pipeline.rehearsal.server import StandIn
from pipeline.safety.budget import Purse
from pipeline.settings import AgentSettings, BudgetSettings
from pipeline.store.transcripts import Transcript
from tests.agents.boxes import Desk
from tests.store.builders import open_book

SUFFIX = {"anthropic": "", "openai": "/v1"}


def play(folder: Path, vendor: str, script: Script, issues: int) -> tuple[StandIn, Desk, Agent]:
    """Let one executor work through `ISS-1` to `ISS-<issues>`; settle each turn."""
    desk = Desk(folder / "desk").write({"a.txt": "one\n"})
    (folder / "repo").mkdir()
    with StandIn(script) as server:
        settings = AgentSettings(provider=vendor, base_url=server.url + SUFFIX[vendor])
        agent = Agent(
            EXECUTOR,
            make_provider(settings, {}, role="executor", rehearsal=True),
            make_head(EXECUTOR, Prompts(), "The project.\n", has_shell=True),
            book=open_book(folder / "repo"),
            purse=Purse(BudgetSettings(), Usage(), time.monotonic()),
            bus=EventBus([desk.events.append]),
            clock=time.monotonic,
            limits=TurnLimits(),
            transcript=Transcript(folder / "transcript.jsonl"),
            on_quota=lambda error, stop: None,
            stop=lambda: False,
            cache_key="run-1-executor",
        )
        for number in range(1, issues + 1):
            request_id = f"ISS-{number}.1"
            text = f"request_id: {request_id}\n\nDo it."
            box = desk.executor(request_id)
            request = TurnRequest(request_id, f"ISS-{number}", text, box, minutes=1)
            turn_id = agent.send_input(request)
            outcome = agent.wait(turn_id)
            assert outcome.status == "answered", outcome.reason
            agent.settle(turn_id, f"ISS-{number} landed")
        agent.close()
    return server, desk, agent


@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
def test_three_turns_share_one_head_and_their_ledgers_grow(scratch: Path, vendor: str) -> None:
    moves = [read("a.txt"), [read("a.txt"), edit("a.txt", "one", "one!")], submit_result()]
    server, desk, agent = play(scratch, vendor, turn("executor", "*", *moves), issues=3)
    assert (desk.workspace / "a.txt").read_text() == "one!!!\n"
    assert [request.status for request in server.requests] == [200] * 9
    assert len({request.head_sha256 for request in server.requests}) == 1
    ledgers = [request.ledger for request in server.requests]
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(ledgers))
    assert len(ledgers[-1]) - len(ledgers[0]) == 2
    assert agent.ledger == ("ISS-1 landed", "ISS-2 landed", "ISS-3 landed")


@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
def test_a_wrong_request_id_and_a_cut_off_reply_are_mended_in_the_turn(
    scratch: Path, vendor: str
) -> None:
    wrong = submit_result(request_id="ISS-7.1")
    cut = ReplySpec(text="First I will look at everything.", stop="truncated")
    script = turn("executor", "*", wrong, cut, submit_result())
    server, desk, _agent = play(scratch, vendor, script, issues=1)
    assert [request.status for request in server.requests] == [200] * 3
    assert len([event for event in desk.events if getattr(event, "is_error", False)]) == 1
