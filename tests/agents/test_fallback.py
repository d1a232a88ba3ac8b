"""When a model is overloaded, another one answers: only where a setting names it."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.agents.providers.capabilities import check_settings
from pipeline.errors import Overloaded, PipelineError
from pipeline.events import FellBack
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.scripting import finish_task, read, submit_result, turn
from pipeline.rehearsal.server import LoggedRequest, StandIn
from pipeline.settings import AgentSettings, Provider
from tests.agents.crew import crew
from tests.agents.providers.asking import MODELS

OTHER: dict[Provider, str] = {
    "anthropic": "claude-opus-5-5",
    "openai": "gpt-6.1-luna",
    "openai-chat": "another-local-model",
}
SCRIPT = turn(
    "executor",
    "*",
    ReplySpec(thinking="Where is it?", text="I look.", tool_calls=(read("a.txt"),)),
    ReplySpec(thinking="Now I know.", tool_calls=(finish_task("T1"),)),
    ReplySpec(thinking="That was it.", tool_calls=(submit_result(),)),
)
THINKING = ("thinking", "redacted_thinking", "reasoning")


def thoughts(request: LoggedRequest) -> int:
    """Count the blocks, items or fields of thinking that a request carries."""
    found = 0

    def look(part: Any) -> None:
        nonlocal found
        if isinstance(part, dict):
            found += part.get("type") in THINKING or "reasoning_content" in part
            for value in part.values():
                look(value)
        elif isinstance(part, list):
            for value in part:
                look(value)

    look(request.body.get("messages") or request.body.get("input"))
    return found


@pytest.mark.parametrize("call", [0, 1, 2])
@pytest.mark.parametrize("vendor", OTHER)
def test_the_other_model_answers_the_rest_of_the_turn_and_the_record_names_both(
    scratch: Path, vendor: Provider, call: int
) -> None:
    own, other = MODELS[vendor], OTHER[vendor]
    busy = Fault("status", status=529, issue="ISS-1", call=call, times=3)
    with (
        StandIn(SCRIPT, faults=[busy]) as server,
        crew(scratch, server, vendor, fallback=other) as one,
    ):
        first, second = one.turn("ISS-1.1"), one.turn("ISS-2.1")

    assert (first.status, second.status) == ("answered", "answered")
    models = [request.body["model"] for request in server.requests]
    assert models == [own] * call + [own] * 3 + [other] * (3 - call) + [own] * 3
    assert [request.status for request in server.requests].count(529) == 3
    assert {request.status for request in server.requests} == {200, 529}
    taken_over = [request for request in server.requests if request.body["model"] == other]
    assert [thoughts(request) for request in taken_over] == list(range(3 - call))
    assert first.usage.model == (f"{own}, {other}" if call else other)
    assert second.usage.model == own
    settled = [entry["usage"]["model"] for entry in one.journal("call_settled")]
    assert settled == models  # each try is paid for by itself
    (told,) = [event for event in one.desk.events if isinstance(event, FellBack)]
    assert (told.model, told.fallback, told.issue_id) == (own, other, "ISS-1")
    assert [task for task, _ in one.desk.finished] == ["T1", "T1"]


def test_nobody_else_is_asked_unless_a_setting_says_so(scratch: Path) -> None:
    busy = Fault("status", status=529, times=3)

    def give_up(error: Exception) -> None:
        raise error

    with (
        StandIn(SCRIPT, faults=[busy]) as server,
        crew(scratch, server, "anthropic", on_quota=give_up) as one,
        pytest.raises(Overloaded),
    ):
        one.turn("ISS-1.1")
    assert {request.body["model"] for request in server.requests} == {MODELS["anthropic"]}


def test_where_both_are_overloaded_the_outage_is_waited_out_once(scratch: Path) -> None:
    busy = Fault("status", status=529, times=6)
    with (
        StandIn(SCRIPT, faults=[busy]) as server,
        crew(scratch, server, "anthropic", fallback=OTHER["anthropic"]) as one,
    ):
        assert one.turn("ISS-1.1").status == "answered"
        assert [type(error) for error in one.waits] == [Overloaded]


@pytest.mark.parametrize("status", [401, 400, 429])
def test_only_overload_changes_the_model(scratch: Path, status: int) -> None:
    def give_up(error: Exception) -> None:
        raise error

    with (
        StandIn(SCRIPT, faults=[Fault("status", status=status, times=9)]) as server,
        crew(scratch, server, "anthropic", fallback=OTHER["anthropic"], on_quota=give_up) as one,
        pytest.raises(PipelineError),
    ):
        one.turn("ISS-1.1")
    assert [request.body["model"] for request in server.requests] == [MODELS["anthropic"]]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"model": "claude-opus-5-5", "fallback_model": "claude-opus-5-5"},
            "that is planner.model",
        ),
        (
            {"provider": "openai", "model": "gpt-6.1-sol", "fallback_model": "gpt-4o"},
            "other tools than 'gpt-6.1-sol'",
        ),
        (
            {"model": "claude-opus-5-5", "effort": "high", "fallback_model": "claude-haiku-4-5"},
            "'claude-haiku-4-5' at anthropic takes no effort",
        ),
    ],
)
def test_a_model_that_cannot_take_over_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(PipelineError, match=said):
        check_settings(AgentSettings(**settings), "planner")
