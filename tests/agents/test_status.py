"""Every status of an agent with every event: it moves or refuses, and the agent does as it says."""

from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from pipeline.agents.messages import CallLimits, ModelRequest, NextStep, Reply
from pipeline.agents.status import (
    EVENT_OF,
    REFUSALS,
    TRANSITIONS,
    AgentEvent,
    AgentStatus,
    after,
)
from pipeline.agents.turn import OutcomeStatus
from pipeline.errors import PipelineError
from tests.agents.scene import SUBMIT, Scene
from tests.agents.scripted import asks, says

S, E = AgentStatus, AgentEvent
IDLE = {S.PENDING_INIT, S.COMPLETED, S.ERRORED, S.INTERRUPTED}
TURN_ENDS = {E.TURN_ANSWERED, E.TURN_FAILED, E.TURN_INTERRUPTED}


@pytest.mark.parametrize(("status", "event"), list(product(AgentStatus, AgentEvent)))
def test_every_pair_moves_or_refuses(status: AgentStatus, event: AgentEvent) -> None:
    target = TRANSITIONS.get((status, event))
    if target is None:
        with pytest.raises(PipelineError, match=f"^the planner agent {REFUSALS[status]}$"):
            after(status, event, "planner")
    else:
        assert after(status, event, "planner") is target


def test_the_table_says_what_an_agent_is() -> None:
    refused = set(product(S, E)) - set(TRANSITIONS)
    assert refused == {
        (S.SHUTDOWN, E.SEND_INPUT),
        (S.SHUTDOWN, E.TURN_BEGINS),
        (S.RUNNING, E.TURN_BEGINS),
        (S.RUNNING, E.RESPAWN),
        *product(IDLE, TURN_ENDS),
    }
    assert {
        TRANSITIONS[S.SHUTDOWN, event] for event in E if (S.SHUTDOWN, event) not in refused
    } == {S.SHUTDOWN}
    assert {status for status, _ in TRANSITIONS} == set(S)


def test_every_way_a_turn_ends_is_an_event() -> None:
    assert set(EVENT_OF) == set(get_args(OutcomeStatus))
    assert set(EVENT_OF.values()) == TURN_ENDS
    assert set(REFUSALS) == set(S)


def test_an_agent_goes_through_its_statuses(scratch: Path) -> None:
    scene = Scene(scratch)
    agent, seen = scene.agent, [scene.agent.status]

    def move(request: ModelRequest, limits: CallLimits) -> Reply:
        seen.append(agent.status)
        with pytest.raises(PipelineError, match="at work in another thread"):
            agent.wait("executor-1")
        with pytest.raises(PipelineError, match="at work in another thread"):
            agent.retire()
        return asks(SUBMIT)

    agent.wait(scene.play(move))
    seen.append(agent.status)
    agent.wait(scene.play(says("no", NextStep.REFUSED)))
    seen.append(agent.status)
    turn = scene.play(asks(SUBMIT))
    agent.interrupt()
    agent.wait(turn)
    seen.append(agent.status)
    agent.close()
    agent.close()
    assert [*seen, agent.status] == [
        S.PENDING_INIT,
        S.RUNNING,
        S.COMPLETED,
        S.ERRORED,
        S.INTERRUPTED,
        S.SHUTDOWN,
    ]
    with pytest.raises(PipelineError, match="is closed"):
        agent.wait("executor-9")
