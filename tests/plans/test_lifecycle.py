from itertools import product

import pytest

from pipeline.domain.plan import Earlier, PlanState
from pipeline.plans.lifecycle import TRANSITIONS, IllegalTransition, PlanEvent, advance, defer
from tests.plans.nouns import NOW, approval, plan

GRID = """
           start_drafting submit  approve  reject   request_changes supersede  drift expire  withdraw park    widen
inactive   drafting       -       -        -        -               superseded -     -       -        -       -
drafting   -              pending -        rejected -               superseded -     -       -        -       -
pending    -              -       approved rejected drafting        superseded stale -       -        pending -
approved   -              -       -        rejected drafting        superseded stale pending pending  -       pending
rejected   -              -       -        -        -               superseded -     -       -        -       -
superseded -              -       -        -        -               -          -     -       -        -       -
stale      -              -       -        -        -               superseded -     -       -        -       -
"""  # noqa: E501 - a row is a state, a column an event
HEAD, *ROWS = [line.split() for line in GRID.strip().splitlines()]
CELLS = {(row[0], event): to for row in ROWS for event, to in zip(HEAD, row[1:], strict=True)}
"""State and event -> the state after it; `-`: refused."""


def test_the_grid_has_a_cell_for_every_state_and_event():
    assert set(CELLS) == set(product(PlanState, PlanEvent))


@pytest.mark.parametrize(("state", "event"), list(product(PlanState, PlanEvent)))
def test_every_pair_moves_or_refuses(state, event):
    target = CELLS[state, event]
    given = approval() if event is PlanEvent.APPROVE else None
    if target == "-":
        with pytest.raises(IllegalTransition, match=f"cannot .* this plan: it is {state}"):
            advance(plan(state), event, now=NOW, approval=given)
    else:
        moved = advance(plan(state), event, now=NOW, reason="why", approval=given)
        assert moved.state == target
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


@pytest.mark.parametrize("state", PlanState)
def test_only_a_plan_that_can_still_run_is_deferred(state):
    if state in (PlanState.PENDING, PlanState.APPROVED):
        assert defer(plan(state), now=NOW).state is state
    else:
        with pytest.raises(IllegalTransition, match=f"cannot defer this plan: it is {state}"):
            defer(plan(state), now=NOW)
