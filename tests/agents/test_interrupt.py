"""An interrupt at any moment ends the turn, nothing of it counts, and the next one runs."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.agents.agent import Agent, AgentStatus, TurnOutcome, TurnRequest
from pipeline.agents.messages import CallLimits, ModelRequest, NextStep, Reply, StopSignal
from pipeline.agents.toolbox import Accepted, Leash, Output, Verdict
from pipeline.errors import (
    BudgetSpent,
    NetworkProblem,
    PipelineError,
    ProviderError,
    QuotaReached,
    Stopped,
)
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.scripting import submit_result
from pipeline.rehearsal.scripting import turn as scripted_turn
from pipeline.rehearsal.server import StandIn
from pipeline.settings import Provider
from tests.agents.crew import crew
from tests.agents.scene import READ, SUBMIT, WRITE, Scene
from tests.agents.scripted import Move, asks, says

SOON_S = 1.0


@pytest.fixture
def scene(scratch: Path) -> Scene:
    return Scene(scratch)


def during(scene: Scene, reply: Reply | Exception) -> Move:
    """Return a model call during which the agent is interrupted, and that answers all the same."""

    def move(request: ModelRequest, limits: CallLimits) -> Reply:
        scene.agent.interrupt()
        assert limits.stop()
        if isinstance(reply, Exception):
            raise reply
        return reply

    return move


def notes(scene: Scene) -> list[dict[str, object]]:
    return [json.loads(line) for line in scene.transcript.read_text().splitlines()]


def is_gone(scene: Scene, turn: str, outcome: TurnOutcome) -> None:
    """Assert that the turn was interrupted, left nothing, and that the agent can go on."""
    agent = scene.agent
    assert (outcome.status, outcome.answer) == ("interrupted", None)
    assert agent.status is AgentStatus.INTERRUPTED
    with pytest.raises(PipelineError, match="was interrupted: nothing of it can be settled"):
        agent.settle(turn, "a digest")
    agent.drop(turn)
    assert "turn_settled" not in scene.journal()
    scene.provider.moves.clear()
    assert agent.wait(scene.play(asks(SUBMIT))).status == "answered"
    assert len(scene.last_turn()) == 1
    assert scene.provider.requests[-1].ledger == ()


REPLIES: dict[str, Reply | Exception] = {
    "an answer": asks(SUBMIT),
    "a tool call": asks(WRITE),
    "words": says("Done!"),
    "a refusal": says("no", NextStep.REFUSED),
    "a pause": says("wait", NextStep.RESUME),
    "a cut": says("def f(", NextStep.TRUNCATED),
    "what a provider says when it is stopped": Stopped("interrupted while waiting for the model"),
    "a broken connection": NetworkProblem("gone"),
    "a spent budget": BudgetSpent("spent"),
}


@pytest.mark.parametrize("late", REPLIES.values(), ids=REPLIES)
def test_what_comes_after_an_interrupt_is_noted_and_never_counts(
    scene: Scene, late: Reply | Exception
) -> None:
    turn = scene.play(during(scene, late), asks(SUBMIT))
    outcome = scene.agent.wait(turn)
    assert not (scene.desk.workspace / "b.txt").exists()
    if isinstance(late, Reply):
        assert [note["kind"] for note in notes(scene) if note.get("late")] == ["reply"]
        assert scene.book.state.spent.calls == 1  # the vendor bills it
    ended = notes(scene)[-1]
    assert (ended["kind"], ended["status"]) == ("ended", "interrupted")
    is_gone(scene, turn, outcome)


def finishing(scene: Scene, verdict: Verdict) -> Callable[[str, str, Leash], Verdict]:
    def finish(task_id: str, summary: str, leash: Leash) -> Verdict:
        scene.agent.interrupt()
        assert leash.stop()
        return verdict

    return finish


@pytest.mark.parametrize("verdict", [Output("all tests passed"), Accepted("gave up")])
def test_a_tool_that_ends_after_the_interrupt_is_noted_and_answers_nothing(
    scene: Scene, verdict: Verdict
) -> None:
    scene.desk.on_finish = finishing(scene, verdict)
    finish = ("finish_task", {"task_id": "T1", "summary": "done"})
    turn = scene.play(asks(finish, WRITE) if isinstance(verdict, Accepted) else asks(finish, READ))
    outcome = scene.agent.wait(turn)
    assert [note["tool"] for note in notes(scene) if note.get("late")] == ["finish_task"]
    is_gone(scene, turn, outcome)


def test_a_turn_can_be_interrupted_before_it_begins(scene: Scene) -> None:
    turn = scene.play(asks(SUBMIT))
    assert scene.agent.interrupt() == turn
    outcome = scene.agent.wait(turn)
    assert scene.provider.requests == []
    assert "call_begun" not in scene.journal()
    is_gone(scene, turn, outcome)


def test_an_interrupt_between_two_calls_keeps_the_second_from_being_made(scene: Scene) -> None:
    turn = scene.play(asks(READ), asks(SUBMIT))
    scene.desk.on_event = lambda event: scene.agent.interrupt()
    outcome = scene.agent.wait(turn)
    scene.desk.on_event = lambda event: None
    assert len(scene.provider.requests) == 1
    is_gone(scene, turn, outcome)


def test_an_idle_agent_has_nothing_to_interrupt_and_its_next_turn_is_safe(scene: Scene) -> None:
    assert scene.agent.interrupt() is None
    assert scene.agent.wait(scene.play(asks(SUBMIT))).status == "answered"
    assert scene.agent.interrupt() is None
    assert scene.agent.wait(scene.play(asks(SUBMIT))).status == "answered"


def test_twice_is_once(scene: Scene) -> None:
    def move(request: ModelRequest, limits: CallLimits) -> Reply:
        assert scene.agent.interrupt() == scene.agent.interrupt() == "executor-1"
        return asks(SUBMIT)

    turn = scene.play(move)
    is_gone(scene, turn, scene.agent.wait(turn))


def test_what_is_queued_behind_an_interrupted_turn_is_driven(scene: Scene) -> None:
    first, second = scene.play(during(scene, asks(WRITE))), scene.play(asks(SUBMIT))
    assert scene.agent.wait(second).status == "answered"
    assert scene.agent.wait(first).status == "interrupted"


def test_or_it_is_dropped_by_name(scene: Scene) -> None:
    first, second, third = scene.play(during(scene, asks(WRITE))), scene.send(), scene.send()
    assert scene.agent.wait(first).status == "interrupted"
    assert scene.agent.drain() == (second, third)
    assert scene.agent.drain() == ()
    dropped = [note["turn"] for note in notes(scene) if note.get("status") == "dropped"]
    assert dropped == [second, third]
    with pytest.raises(PipelineError, match="no open turn"):
        scene.agent.wait(second)


def test_a_stopped_run_stays_stopped_when_its_turn_is_interrupted_too(scene: Scene) -> None:
    def move(request: ModelRequest, limits: CallLimits) -> Reply:
        scene.stopped = True
        scene.agent.interrupt()
        raise Stopped("interrupted")

    with pytest.raises(Stopped):
        scene.agent.wait(scene.play(move))


# from another thread, against the clock


def interrupted_after(agent: Agent, begun: threading.Event, turn: str) -> TurnOutcome:
    """Drive `turn` here, interrupt it from a thread once it has `begun`; it has to end soon."""
    at: list[float] = []

    def interrupt() -> None:
        assert begun.wait(10)
        at.append(time.monotonic())
        assert agent.interrupt() == turn

    thread = threading.Thread(target=interrupt)
    thread.start()
    outcome = agent.wait(turn)
    took = time.monotonic() - at[0]
    thread.join()
    assert took < SOON_S
    return outcome


def test_a_command_that_ignores_being_asked_to_end_is_killed(scene: Scene) -> None:
    begun = threading.Event()
    command = "trap '' TERM INT HUP; echo ready; (sleep 300 &) ; sleep 300"
    run = ("run_command", {"command": command, "timeout_s": None})

    def move(request: ModelRequest, limits: CallLimits) -> Reply:
        threading.Timer(0.2, begun.set).start()
        return asks(run)

    turn = scene.play(move)
    is_gone(scene, turn, interrupted_after(scene.agent, begun, turn))


def test_a_wait_for_a_quota_ends(scene: Scene) -> None:
    begun = threading.Event()

    def wait(error: ProviderError, stop: StopSignal) -> None:
        begun.set()
        over = threading.Event()
        while not stop():
            over.wait(0.02)
        raise Stopped("interrupted while waiting for a vendor")

    scene.on_quota = wait
    turn = scene.play(QuotaReached("used up", None))
    is_gone(scene, turn, interrupted_after(scene.agent, begun, turn))


def test_closing_from_another_thread_interrupts_and_the_connections_close_after_the_turn(
    scene: Scene,
) -> None:
    def move(request: ModelRequest, limits: CallLimits) -> Reply:
        thread = threading.Thread(target=scene.agent.close)
        thread.start()
        thread.join()
        assert limits.stop()
        assert not scene.provider.closed
        return asks(WRITE)

    turn = scene.play(move)
    assert scene.agent.wait(turn).status == "interrupted"
    assert scene.agent.status is AgentStatus.SHUTDOWN
    assert scene.provider.closed


# in a real adapter

ANSWERS = scripted_turn("executor", "*", ReplySpec(tool_calls=(submit_result(),)))
DEAF: dict[str, Fault] = {
    "no answer": Fault("hang", issue="ISS-1"),
    "pings and nothing else": Fault("pings", issue="ISS-1"),
    "a byte now and then": Fault("drip", issue="ISS-1"),
    "a stream that falls silent": Fault("stall", issue="ISS-1"),
    "a wait for another try": Fault("status", status=529, issue="ISS-1", times=9),
}


@pytest.mark.parametrize("vendor", ["anthropic", "openai", "openai-chat"])
@pytest.mark.parametrize("fault", DEAF.values(), ids=DEAF)
def test_a_call_of_a_vendor_ends(scratch: Path, fault: Fault, vendor: Provider) -> None:
    begun = threading.Event()

    def sleep(seconds: float) -> None:
        begun.set()
        time.sleep(seconds)

    with (
        StandIn(ANSWERS, faults=[fault]) as server,
        crew(scratch, server, vendor, sleep=sleep) as one,
    ):
        if fault.kind != "status":
            threading.Timer(0.1, begun.set).start()
        box = one.desk.executor("ISS-1.1")
        text = "request_id: ISS-1.1\n\nDo it."
        ended = interrupted_after(
            one.agent, begun, one.agent.send_input(TurnRequest("ISS-1.1", "ISS-1", text, box, 10))
        )
        assert ended.status == "interrupted"
        assert one.turn("ISS-2.1").status == "answered"
        assert [entry["request_id"] for entry in one.journal("turn_settled")] == ["ISS-2.1"]
