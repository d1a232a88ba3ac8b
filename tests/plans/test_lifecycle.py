from itertools import product

import pytest

from pipeline.domain.plan import Earlier, PlanState
from pipeline.plans.lifecycle import TRANSITIONS, IllegalTransition, PlanEvent, advance, defer
from tests.plans.nouns import NOW, approval, plan


@pytest.mark.parametrize(("state", "event"), list(product(PlanState, PlanEvent)))
def test_every_pair_moves_or_refuses(state, event):
    target = TRANSITIONS.get((state, event))
    given = approval() if event is PlanEvent.APPROVE else None
    if target is None:
        with pytest.raises(IllegalTransition, match=f"cannot .* this plan: it is {state}"):
            advance(plan(state), event, now=NOW, approval=given)
    else:
        moved = advance(plan(state), event, now=NOW, reason="why", approval=given)
        assert moved.state is target
        assert moved.state_reason == "why"
        assert moved.approval == given


def test_every_state_can_be_reached_and_all_but_one_can_be_left():
    assert set(TRANSITIONS.values()) == set(PlanState) - {PlanState.INACTIVE}
    assert {state for state, _ in TRANSITIONS} == set(PlanState) - {PlanState.SUPERSEDED}


def test_every_event_moves_something():
    assert {event for _, event in TRANSITIONS} == set(PlanEvent)


def test_a_stale_plan_ends_only_in_superseded():
    moves = {to for (state, _), to in TRANSITIONS.items() if state is PlanState.STALE}
    assert moves == {PlanState.SUPERSEDED}


@pytest.mark.parametrize(
    ("event", "given"), [(PlanEvent.APPROVE, None), (PlanEvent.REJECT, approval())]
)
def test_an_approval_comes_with_approve_and_with_nothing_else(event, given):
    with pytest.raises(ValueError, match="an approval comes with 'approve'"):
        advance(plan(), event, now=NOW, approval=given)


def test_the_approval_says_which_plans_run_earlier():
    moved = advance(plan(), PlanEvent.APPROVE, now=NOW, approval=approval("SOL-ISS-9-1"))
    assert moved.after == (Earlier(solution_id="SOL-ISS-9-1", digest="d"),)


def test_a_decision_ends_a_deferral_and_an_expiry_does_not():
    put_off = defer(plan(), now=NOW)
    assert put_off.deferred
    assert not advance(put_off, PlanEvent.APPROVE, now=NOW, approval=approval()).deferred
    assert not advance(put_off, PlanEvent.REJECT, now=NOW).deferred
    waiting = defer(plan(PlanState.APPROVED), now=NOW)
    assert advance(waiting, PlanEvent.EXPIRE, now=NOW).deferred
    assert not defer(put_off, now=NOW, deferred=False).deferred


def test_only_a_plan_that_can_still_run_is_deferred():
    with pytest.raises(IllegalTransition, match="cannot defer this plan: it is rejected"):
        defer(plan(PlanState.REJECTED), now=NOW)
