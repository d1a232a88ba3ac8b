"""The mailbox and the loop: every way a turn can go, and what it leaves behind."""

from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from pipeline import events
from pipeline.agents.limits import FOLDED_TOKENS, LEDGER_TOKENS, TurnLimits, tokens
from pipeline.agents.loop import _NEXT
from pipeline.agents.messages import (
    CallLimits,
    ModelRequest,
    NextStep,
    Reply,
    Results,
    Said,
    StopSignal,
    ToolCall,
)
from pipeline.agents.roles import EXECUTOR
from pipeline.agents.status import EVENT_OF, AgentStatus
from pipeline.agents.toolbox import Accepted, Refused
from pipeline.agents.turn import OutcomeStatus
from pipeline.domain.results import Usage
from pipeline.errors import (
    BadRequest,
    BudgetSpent,
    ContextOverflow,
    IssueBudgetSpent,
    NetworkProblem,
    PipelineError,
    ProviderError,
    QuotaPause,
    QuotaReached,
    Stopped,
    TurnTimedOut,
)
from pipeline.settings import BudgetSettings
from tests.agents.boxes import result_arguments
from tests.agents.scene import READ, SUBMIT, WRITE, Clock, Scene
from tests.agents.scripted import USED, Move, asks, says


@pytest.fixture
def scene(scratch: Path) -> Scene:
    return Scene(scratch)


def late(seconds: float, reply: Reply, clock: Clock) -> Move:
    def move(request: ModelRequest, limits: CallLimits) -> Reply:
        clock.now += seconds
        return reply

    return move


def test_a_turn_runs_tools_until_its_answer_is_accepted(scene: Scene) -> None:
    turn = scene.play(asks(READ), asks(SUBMIT))
    assert scene.agent.status is AgentStatus.PENDING_INIT
    outcome = scene.agent.wait(turn)
    assert outcome.status == "answered"
    assert outcome.answer.status == "completed"  # type: ignore[attr-defined]
    assert outcome.usage == USED.plus(USED)
    assert scene.agent.status is AgentStatus.COMPLETED
    said, reply, results = scene.last_turn()
    assert said == Said("request_id: ISS-1.1\n\nDo it.")
    assert isinstance(reply, Reply)
    assert isinstance(results, Results)
    assert "hello" in results.results[0].text


def test_every_call_and_every_effect_is_journaled_before_and_after(scene: Scene) -> None:
    scene.agent.wait(scene.play(asks(READ, WRITE), asks(SUBMIT)))
    call, tool = ["call_begun", "call_settled"], ["tool_begun", "tool_done"]
    assert scene.journal() == ["agent_spawned", *call, *tool, *call]
    assert scene.book.state.spent == USED.plus(USED)
    assert scene.purse.used_tokens == 2 * USED.metered_tokens


def test_an_agent_is_spawned_once(scene: Scene) -> None:
    scene.agent.wait(scene.play(asks(SUBMIT)))
    scene.agent.wait(scene.play(asks(SUBMIT)))
    spawned = [event for event in scene.heard if isinstance(event, events.AgentSpawned)]
    assert spawned == [events.AgentSpawned("executor", "scripted", "scripted-1")]


def test_waiting_for_a_later_turn_drives_the_earlier_ones_first(scene: Scene) -> None:
    first, second = scene.play(asks(SUBMIT)), scene.play(says("refused", NextStep.REFUSED))
    assert scene.agent.wait(second).status == "failed"
    assert scene.agent.wait(first).status == "answered"
    assert len(scene.provider.requests) == 2


def test_a_final_tool_runs_last_and_nothing_runs_after_it(scene: Scene) -> None:
    scene.agent.wait(scene.play(asks(SUBMIT, WRITE)))
    assert (scene.desk.workspace / "b.txt").read_text() == "b"


def test_a_second_answer_in_the_same_reply_does_not_run(scene: Scene) -> None:
    failed = ("submit_result", result_arguments(status="failed", reason="no"))
    outcome = scene.agent.wait(scene.play(asks(SUBMIT, failed)))
    assert outcome.answer.status == "completed"  # type: ignore[attr-defined]


def test_results_keep_the_order_of_the_calls(scene: Scene) -> None:
    wrong = ("submit_result", result_arguments(request_id="ISS-9.1"))
    scene.agent.wait(scene.play(asks(wrong, READ), asks(SUBMIT)))
    results = scene.last_turn()[-1]
    assert isinstance(results, Results)
    assert [one.call_id for one in results.results] == ["call-1", "call-2"]
    assert "this turn's is 'ISS-1.1'" in results.results[0].text


def test_finish_task_can_end_a_turn(scene: Scene) -> None:
    scene.desk.verdict = Accepted("gave up")
    finish = ("finish_task", {"task_id": "T1", "summary": "done"})
    outcome = scene.agent.wait(scene.play(asks(finish, WRITE)))
    assert outcome.answer == "gave up"
    assert not (scene.desk.workspace / "b.txt").exists()


def test_wrong_answers_go_back_three_times_then_the_turn_fails(scene: Scene) -> None:
    wrong = ("submit_result", {"request_id": "ISS-1.1"})
    outcome = scene.agent.wait(scene.play(*[asks(wrong)] * 4))
    assert outcome.status == "failed"
    assert outcome.reason is not None
    assert "still wrong after 3 corrections" in outcome.reason
    assert scene.agent.status is AgentStatus.ERRORED


def test_repairs_are_counted_apart_from_wrong_answers(scene: Scene) -> None:
    scene.desk.verdict = Refused("tests/test_a.py fails", counts_as="repair")
    outcome = scene.agent.wait(scene.play(*[asks(SUBMIT)] * 4))
    assert outcome.reason == (
        "the verification still failed after 3 repairs; the last: tests/test_a.py fails"
    )


def test_an_agent_that_stops_without_an_answer_is_reminded_once(scene: Scene) -> None:
    outcome = scene.agent.wait(scene.play(says("All done!"), asks(SUBMIT)))
    assert outcome.status == "answered"
    reminder = scene.last_turn()[-1]
    assert isinstance(reminder, Said)
    assert "submit_result (request_id ISS-1.1)" in reminder.text

    outcome = scene.agent.wait(scene.play(says("Done!"), says("Done!")))
    assert (outcome.status, outcome.reason) == (
        "failed",
        "the agent stopped twice without an answer",
    )


def test_the_reminder_counts_as_a_wrong_answer(scene: Scene) -> None:
    wrong = ("submit_result", {"request_id": "ISS-1.1"})
    outcome = scene.agent.wait(scene.play(says("Done!"), *[asks(wrong)] * 3))
    assert outcome.status == "failed"


@pytest.mark.parametrize("step", [NextStep.STOP, NextStep.TRUNCATED])
def test_tool_calls_of_a_stopped_reply_never_run(scene: Scene, step: NextStep) -> None:
    outcome = scene.agent.wait(scene.play(asks(WRITE, step=step), asks(SUBMIT)))
    assert outcome.status == "answered"
    assert not (scene.desk.workspace / "b.txt").exists()
    results = scene.last_turn()[-1]
    assert isinstance(results, Results)
    assert results.results[0].is_error
    assert results.results[0].text.startswith("not run.")


def test_a_reply_that_is_cut_off_twice_fails_the_turn(scene: Scene) -> None:
    cut = says("def f(", NextStep.TRUNCATED)
    outcome = scene.agent.wait(scene.play(cut, asks(READ), cut))
    assert outcome.reason == "the agent's reply was cut off twice at its limit"


def test_a_paused_turn_is_sent_again_as_it_is(scene: Scene) -> None:
    paused = says("thinking", NextStep.RESUME)
    scene.agent.wait(scene.play(paused, asks(SUBMIT)))
    assert scene.last_turn()[1:] == (paused,)


def test_a_refusal_fails_the_turn(scene: Scene) -> None:
    outcome = scene.agent.wait(scene.play(says("I\ncan't.", NextStep.REFUSED)))
    assert outcome.reason == "the model refused the request: I can't."


def test_a_turn_has_a_limited_number_of_calls_and_the_agent_is_warned(scratch: Path) -> None:
    scene = Scene(scratch, limits=TurnLimits(calls=7))
    outcome = scene.agent.wait(scene.play(*[asks(READ)] * 7))
    assert outcome.reason == "no answer after 7 model calls"
    texts = [item.results[0].text for item in scene.last_turn() if isinstance(item, Results)]
    assert ["model calls are left" in text for text in texts] == [False] + [True] * 5
    assert "[1 model calls are left" in texts[-1]


def test_a_deadline_ends_the_turn_before_the_next_tool(scene: Scene) -> None:
    scene.provider.moves += [late(61 * 60, asks(WRITE), scene.clock), asks(SUBMIT)]
    outcome = scene.agent.wait(scene.send())
    assert (outcome.status, outcome.reason) == ("timed_out", "no answer within 60 minutes")
    assert not (scene.desk.workspace / "b.txt").exists()
    assert scene.agent.wait(scene.send()).status == "answered"


def test_the_provider_gets_the_deadline_and_a_late_answer_of_it_times_out(scene: Scene) -> None:
    def move(request: ModelRequest, limits: CallLimits) -> Reply:
        assert limits.deadline == scene.clock.now + 90
        raise TurnTimedOut("no byte for 120 s")

    scene.provider.moves.append(move)
    outcome = scene.agent.wait(scene.send(), timeout_s=90)
    assert outcome.status == "timed_out"
    assert outcome.usage.calls == 1
    assert scene.journal()[-1] == "call_settled"
    held = scene.book.state.bill.run.held
    assert held.tokens > 64_000


def test_a_quota_is_waited_out_and_moves_the_deadline(scene: Scene) -> None:
    def wait(error: ProviderError, stop: StopSignal) -> None:
        scene.clock.now += 5 * 3600

    scene.on_quota = wait
    reached = QuotaReached("used up", datetime(2026, 11, 21, tzinfo=UTC))
    outcome = scene.agent.wait(scene.play(asks(READ), reached, asks(SUBMIT)))
    assert outcome.status == "answered"
    assert outcome.usage.calls == 2
    assert scene.journal().count("call_settled") == 3


@pytest.mark.parametrize(
    "error",
    [NetworkProblem("gone"), QuotaPause("later"), BudgetSpent("spent"), IssueBudgetSpent("spent")],
)
def test_errors_that_no_model_can_mend_pass_through_and_leave_the_agent_idle(
    scene: Scene, error: PipelineError
) -> None:
    turn = scene.play(asks(READ), error)
    with pytest.raises(type(error)):
        scene.agent.wait(turn)
    assert scene.agent.status is AgentStatus.ERRORED
    assert scene.journal()[-1] == "call_settled"
    with pytest.raises(PipelineError, match="no open turn"):
        scene.agent.wait(turn)
    assert scene.agent.wait(scene.play(asks(SUBMIT))).status == "answered"
    assert len(scene.last_turn()) == 1


def test_a_turn_that_outgrows_the_window_has_failed(scene: Scene) -> None:
    outcome = scene.agent.wait(scene.play(ContextOverflow("too long")))
    assert (outcome.status, outcome.reason) == (
        "failed",
        "the turn outgrew the model's window: too long",
    )


def test_a_budget_lowers_the_output_and_then_stops_before_the_call(scratch: Path) -> None:
    scene = Scene(scratch, caps=BudgetSettings(tokens=40_000))
    scene.agent.wait(scene.play(asks(SUBMIT)))
    assert 8_000 <= scene.provider.requests[0].max_output_tokens < 40_000
    scene.purse.settle(Usage(output_tokens=33_000))
    with pytest.raises(BudgetSpent):
        scene.agent.wait(scene.play(asks(SUBMIT)))
    assert len(scene.provider.requests) == 1
    assert scene.journal().count("call_begun") == 1


def test_a_stop_signal_passes_through(scene: Scene) -> None:
    turn = scene.play(asks(SUBMIT))
    scene.stopped = True
    with pytest.raises(Stopped):
        scene.agent.wait(turn)


def test_an_interrupted_turn_ends_and_the_next_one_runs(scene: Scene) -> None:
    def move(request: ModelRequest, limits: CallLimits) -> Reply:
        scene.agent.interrupt()
        assert limits.stop()
        return asks(WRITE)

    outcome = scene.agent.wait(scene.play(move, asks(SUBMIT)))
    assert outcome.status == "interrupted"
    assert scene.agent.status is AgentStatus.INTERRUPTED
    assert not (scene.desk.workspace / "b.txt").exists()
    assert scene.agent.wait(scene.send()).status == "answered"


def test_a_closed_agent_takes_no_more_requests(scene: Scene) -> None:
    scene.agent.close()
    assert scene.agent.status is AgentStatus.SHUTDOWN
    assert scene.provider.closed
    with pytest.raises(PipelineError, match="executor agent is closed"):
        scene.send()


def test_a_settled_turn_leaves_one_digest_and_the_prefix_is_unchanged(scene: Scene) -> None:
    for number in range(3):
        turn = scene.play(asks(READ), asks(SUBMIT))
        scene.agent.wait(turn)
        scene.agent.settle(turn, f"digest {number}")
    requests = scene.provider.requests
    assert len({id(request.head) for request in requests}) == 1
    assert [request.ledger for request in requests[::2]] == [
        (),
        ("digest 0",),
        ("digest 0", "digest 1"),
    ]
    assert all(len(request.turn) == 1 for request in requests[::2])
    assert scene.book.state.ledger[EXECUTOR] == ["digest 0", "digest 1", "digest 2"]
    with pytest.raises(PipelineError, match="no finished turn"):
        scene.agent.settle(turn, "again")


def test_with_a_fresh_history_a_turn_knows_nothing_of_others(scratch: Path) -> None:
    scene = Scene(scratch, ledger=("digest 0",), memory="long ago", history="fresh")
    for number in (1, 2):
        turn = scene.play(asks(SUBMIT))
        scene.agent.wait(turn)
        scene.agent.settle(turn, f"digest {number}")
    assert {(one.memory, one.ledger) for one in scene.provider.requests} == {("", ())}
    assert all(len(one.turn) == 1 for one in scene.provider.requests)
    assert scene.agent.ledger == ("digest 0", "digest 1", "digest 2")


def test_with_a_full_history_earlier_turns_are_sent_whole_and_only_grow(scratch: Path) -> None:
    scene = Scene(scratch, ledger=("digest 0",), memory="long ago", history="full")
    for number in (1, 2):
        turn = scene.play(asks(READ), asks(READ, SUBMIT, READ))
        scene.agent.wait(turn)
        scene.agent.settle(turn, f"digest {number}")
    first, *_, last = scene.provider.requests
    assert (last.memory, last.ledger) == (first.memory, first.ledger) == ("long ago", ("digest 0",))
    for before, after in pairwise(scene.provider.requests):
        assert after.turn[: len(before.turn)] == before.turn
    assert [type(item) for item in last.turn[:5]] == [Said, Reply, Results, Reply, Results]
    closed = last.turn[4]
    assert isinstance(closed, Results)
    assert [result.call_id for result in closed.results] == ["call-1", "call-2", "call-3"]


@pytest.mark.parametrize("end", [says("no"), BadRequest("no")])
def test_a_full_history_keeps_no_turn_without_an_answer(scratch: Path, end: Move) -> None:
    scene = Scene(scratch, history="full")
    turn = scene.play(asks(READ), end, *([says("no")] if isinstance(end, Reply) else []))
    with suppress(BadRequest):
        scene.agent.wait(turn)
        scene.agent.settle(turn, "failed")
    scene.agent.wait(scene.play(asks(SUBMIT)))
    assert len(scene.last_turn()) == 1


def test_a_dropped_turn_leaves_nothing(scene: Scene) -> None:
    turn = scene.play(asks(SUBMIT))
    scene.agent.wait(turn)
    scene.agent.drop(turn)
    scene.agent.wait(scene.play(asks(SUBMIT)))
    assert scene.provider.requests[-1].ledger == ()
    assert "turn_settled" not in scene.journal()


def test_a_ledger_over_its_ceiling_is_folded_into_memory(scratch: Path) -> None:
    digests = tuple(f"ISS-{n} landed\n" + "x" * 1_900 for n in range(16))
    old = "\n".join(f"line {n} " + "y" * 90 for n in range(60))
    scene = Scene(scratch, ledger=digests, memory=old)
    turn = scene.play(asks(SUBMIT))
    scene.agent.wait(turn)
    scene.agent.settle(turn, "ISS-16 landed\n" + "x" * 1_900)

    agent, state = scene.agent, scene.book.state
    assert sum(map(tokens, agent.ledger)) <= LEDGER_TOKENS // 2
    assert tokens(agent.memory) <= FOLDED_TOKENS
    assert agent.ledger[-1].startswith("ISS-16")
    assert agent.memory.splitlines()[-1] == f"ISS-{16 - len(agent.ledger)} landed"
    assert "line 0 " not in agent.memory
    assert state.memory[EXECUTOR] == agent.memory


def test_what_the_vendor_has_counted_is_not_guessed_again(scene: Scene) -> None:
    scene.agent.wait(scene.play(asks(READ), asks(SUBMIT)))
    begun = [line.entry for line in scene.book.journal.lines() if line.kind == "call_begun"]
    first, second = (entry.reserved_tokens for entry in begun)  # type: ignore[union-attr]
    assert first > 64_000 + 10_000
    assert 64_000 < second < 64_500


def test_the_transcript_tells_the_turn(scene: Scene) -> None:
    scene.agent.wait(scene.play(asks(READ), asks(SUBMIT)))
    text = scene.transcript.read_text()
    assert '"kind":"request"' in text
    assert '"tool":"read_file"' in text


def test_every_next_step_and_every_outcome_has_its_row() -> None:
    assert set(_NEXT) == set(NextStep)
    assert set(EVENT_OF) == set(get_args(OutcomeStatus))


def test_a_call_of_an_unknown_tool_goes_back(scene: Scene) -> None:
    unknown = Reply((), "", (ToolCall("c", "rm_rf", "{}"),), NextStep.RUN_TOOLS, USED)
    scene.agent.wait(scene.play(unknown, asks(SUBMIT)))
    results = scene.last_turn()[-1]
    assert isinstance(results, Results)
    assert "there is no tool 'rm_rf'" in results.results[0].text
