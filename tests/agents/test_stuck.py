"""A turn that goes in circles is told so once, then it ends; one that gets on is left alone."""

import time
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import get_args

import pytest

from pipeline.agents.agent import AgentStatus
from pipeline.agents.messages import NextStep, Reply, Results, Said, ToolResult
from pipeline.agents.stuck import PATTERNS, WINDOW, PatternName, Step, repeated, step_of
from tests.agents.scene import READ, SUBMIT, WRITE, Scene
from tests.agents.scripted import asks, says

EDIT = ("edit_file", {"path": "a.txt", "old_string": "x", "new_string": "y", "replace_all": False})
RUN = ("run_command", {"command": "make test", "timeout_s": None})
FINISH = ("finish_task", {"task_id": "T1", "summary": "done"})

Call = tuple[str, dict[str, object]]


def step(call: Call, text: str = "ok", *, error: bool = False) -> Step:
    return step_of(asks(call), [ToolResult("call-1", text, error)])


def read(first: int) -> Call:
    return ("read_file", {"path": "a.txt", "start_line": first, "end_line": first + 9})


def edit(n: int) -> Step:
    return step((EDIT[0], EDIT[1] | {"old_string": str(n)}), f"no match for {n}", error=True)


MONOLOGUE = step_of(says("Let me think.", NextStep.RESUME))
CIRCLES: dict[PatternName, list[Step]] = {
    "same_error": [step(EDIT, "old_string does not occur", error=True)] * 3,
    "same_result": [step(READ)] * 4,
    "alternation": [step(READ), step(RUN, "exit code 1")] * 3,
    "monologue": [MONOLOGUE] * 3,
    "no_change": [edit(n) for n in range(6)],
}
"""The shortest circle of each pattern."""


@pytest.mark.parametrize("name", get_args(PatternName))
def test_each_pattern_is_seen_at_its_threshold_and_not_before(name: PatternName) -> None:
    circle, pattern = CIRCLES[name], PATTERNS[name]
    assert len(circle) == pattern.times <= WINDOW
    said = repeated(circle)
    assert said is not None
    assert str(pattern.times) in said
    assert said.startswith(pattern.said.partition("{")[0])
    assert repeated(circle[1:]) is None
    assert repeated([*circle, step(READ, "something new")]) is None


def test_every_pattern_has_its_row() -> None:
    assert set(PATTERNS) == set(CIRCLES) == set(get_args(PatternName))


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([step(RUN, f"{n} of 90 built") for n in range(20)], id="polling a build"),
        pytest.param([step(read(n * 10), "page") for n in range(20)], id="reading on"),
        pytest.param([step(read(n * 10), "blank") for n in (1, 2, 3)] * 5, id="three in turn"),
        pytest.param([step(WRITE), step(RUN, "exit code 1"), step(READ)] * 5, id="mending"),
        pytest.param(
            [s for n in range(9) for s in (edit(n), step(WRITE, f"{n}"))], id="every other edit"
        ),
        pytest.param(
            [step(EDIT, f"no such line in {n}", error=True) for n in range(5)], id="other errors"
        ),
    ],
)
def test_work_that_gets_on_is_not_stuck(steps: list[Step]) -> None:
    assert [repeated(steps[:n]) for n in range(len(steps) + 1)] == [None] * (len(steps) + 1)


def test_how_long_something_took_and_where_it_is_kept_make_no_difference() -> None:
    texts = [f"exit code 1 (0.{n} s)\nRan 3 tests in 0.00{n}s\n(output:{n})" for n in range(4)]
    assert repeated([step(RUN, text) for text in texts]) is not None


def test_parallel_calls_count_as_one_step() -> None:
    results = [ToolResult("call-1", "a"), ToolResult("call-2", "no such file", is_error=True)]
    both = step_of(asks(READ, EDIT), results)
    assert not both.is_error
    assert repeated([both] * 3) is None
    assert repeated([both] * 4) == (
        "the same call of read_file, edit_file with the same result, 4 times in a row"
    )


def test_no_step_costs_more_because_the_turn_is_long() -> None:
    steps = list(islice(cycle([step(read(n)) for n in range(50)]), 20_000))

    def took(of: list[Step]) -> float:
        best = 9.0
        for _ in range(5):
            began = time.perf_counter()
            for _ in range(50):
                repeated(of)
            best = min(best, time.perf_counter() - began)
        return best

    assert took(steps[-WINDOW:]) < 0.05  # 1 ms a call
    scene_steps = Reply((), "", (), NextStep.STOP, asks(READ).usage)
    assert step_of(scene_steps) == replace(MONOLOGUE, asked=step_of(scene_steps).asked)


# in a turn


def test_an_agent_is_told_once_and_may_still_answer(scratch: Path) -> None:
    scene = Scene(scratch)
    outcome = scene.agent.wait(scene.play(*[asks(READ)] * 6, asks(SUBMIT)))
    assert outcome.status == "answered"
    texts = [item.results[0].text for item in scene.last_turn() if isinstance(item, Results)]
    told = ["You are going in circles" in text for text in texts]
    assert told == [False, False, False, True, False, False]
    assert "the same call of read_file with the same result, 4 times in a row" in texts[3]
    assert '"kind":"reminder"' in scene.transcript.read_text()


def test_a_turn_that_repeats_itself_after_it_was_told_ends_as_stuck(scratch: Path) -> None:
    scene = Scene(scratch)
    turn = scene.play(*[asks(READ)] * 4, asks(WRITE), *[asks(EDIT)] * 3)
    outcome = scene.agent.wait(turn)
    assert outcome.status == "stuck"
    assert outcome.reason == (
        "the agent went in circles, and was told: "
        "the last 3 calls of edit_file came to the same error"
    )
    assert scene.provider.moves == []
    assert scene.agent.status is AgentStatus.ERRORED
    assert scene.agent.wait(scene.play(asks(SUBMIT))).status == "answered"


def test_a_monologue_is_told_as_a_message_of_its_own(scratch: Path) -> None:
    scene = Scene(scratch)
    paused = says("Hm.", NextStep.RESUME)
    outcome = scene.agent.wait(scene.play(*[paused] * 6))
    assert outcome.status == "stuck"
    nudges = [item for item in scene.last_turn()[1:] if isinstance(item, Said)]
    assert len(nudges) == 1
    assert "3 replies in a row that called no tool" in nudges[0].text
