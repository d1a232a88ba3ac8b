"""`audit show`: who decided what, when, on which digest."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline.domain.issue import Feedback
from pipeline.domain.plan import Plan
from pipeline.plans.lifecycle import PlanEvent, advance, defer
from pipeline.safety.digest import plan_digest
from pipeline.safety.trail import WORK, Decision, Trail
from pipeline.store import entries
from pipeline.store.line import MODELS
from tests.safety.world import START, World, modifies
from tests.store.builders import rolled_back

SAMPLES = {
    "retry_asked": entries.RetryAsked(
        issue_id="ISS-1",
        again="plan",
        by="ann",
        feedback=Feedback(type="comment", stage="gate", content="again", created_at=START),
    ),
    "confirmed": entries.Confirmed(solutions=3, by="ann", comment="go on"),
    "checkpoint_reached": entries.CheckpointReached(solutions=3),
    "rolled_back": rolled_back("ISS-1", reason="it is slow"),
    "rollback_dropped": entries.RollbackDropped(commit="c" * 40, reason="the branch has moved"),
    "execution_refused": entries.ExecutionRefused(solution_id="SOL-ISS-1-1", reason="it is stale"),
    "removed_by_hand": entries.RecordRemoved(
        document="planning", key="SOL-ISS-1-1", issue_id="ISS-1"
    ),
    "edited_by_hand": entries.EditIgnored(document="planning", kept_as="planning.edited-1"),
    "documents_adopted": entries.DocumentsAdopted(planning_records=2, execution_records=1),
}
"""One of each kind that tells of a decision, besides changes of plans."""

TOLD = {
    "retry_asked": ("retry (plan)", "ann", "again"),
    "confirmed": ("confirm", "ann", "go on"),
    "checkpoint_reached": ("checkpoint", "pipeline", "3 plans were executed"),
    "rolled_back": ("roll back", "ann", f"by commit {'c' * 40}: it is slow"),
    "rollback_dropped": ("drop a rollback", "pipeline", "the branch has moved"),
    "execution_refused": ("refuse to execute", "pipeline", "it is stale"),
    "removed_by_hand": (
        "remove by hand",
        "somebody",
        "SOL-ISS-1-1 was removed from the planning results",
    ),
    "edited_by_hand": (
        "edit by hand",
        "somebody",
        "the planning results; kept as planning.edited-1, does not count",
    ),
    "documents_adopted": ("start from documents", "pipeline", "2 plans, 1 attempt"),
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.plan(1, *modifies("a.py"))
    made.plan(2, *modifies("b.py"))
    return made


def told(world: World, about: str | None = None, since: datetime | None = None) -> list[Decision]:
    return list(Trail(world.places, world.gate.signed).decisions(about=about, since=since))


def change(world: World, number: int, event: str, plan: Plan, by: str = "ann") -> None:
    key = world.current(number).key
    world.book.record(entries.PlanChanged(solution_id=key, event=event, plan=plan, by=by))


def plan_of(world: World, number: int) -> Plan:
    plan = world.current(number).plan
    assert plan is not None
    return plan


def test_every_kind_of_line_is_work_or_a_decision() -> None:
    assert set(MODELS) == WORK | {"plan_changed"} | set(SAMPLES)
    assert list(SAMPLES) == list(TOLD)


def test_a_decision_of_each_kind_is_told(world: World) -> None:
    for entry in SAMPLES.values():
        world.book.journal.append(entry)
    found = told(world)
    assert [(one.what, one.by, one.words) for one in found] == list(TOLD.values())
    assert [one.seq for one in found] == list(range(3, 3 + len(SAMPLES)))
    assert {one.at for one in found} == {START}


def test_an_approval_comes_with_its_terms_and_the_digest_that_it_signs(world: World) -> None:
    given = plan_of(world, 1)
    approval = world.approve(1).plan.approval  # type: ignore[union-attr]
    assert approval is not None

    (one,) = told(world)

    assert (one.what, one.by, one.role, one.signed) == ("approve", "ann", "admin", True)
    assert (one.solution_id, one.issue_id) == ("SOL-ISS-1-1", "ISS-1")
    assert one.digest == approval.digest
    solution = world.current(1).solution
    assert solution is not None
    assert one.digest == plan_digest(solution, given)
    assert one.expires_at == START + timedelta(days=7)


def test_a_forged_approval_is_told_as_not_signed(world: World) -> None:
    approved = world.approve(1).plan
    assert approved is not None
    assert approved.approval is not None
    forged = approved.approval.model_copy(update={"approver": "eve"})
    world.decide(1, approved.model_copy(update={"approval": forged}))
    assert [(one.by, one.signed) for one in told(world)] == [("ann", True), ("eve", False)]


@pytest.mark.parametrize(
    ("event", "what"),
    [
        (PlanEvent.REJECT, "reject"),
        (PlanEvent.REQUEST_CHANGES, "request changes"),
        (PlanEvent.DRIFT, "drift"),
        (PlanEvent.PARK, "park"),
    ],
)
def test_what_else_happens_to_a_plan_comes_with_its_reason_and_digest(
    world: World, event: PlanEvent, what: str
) -> None:
    given = plan_of(world, 1)
    change(world, 1, event, advance(given, event, now=world.now, reason="because"))
    (one,) = told(world)
    solution = world.current(1).solution
    assert solution is not None
    assert (one.what, one.by, one.words) == (what, "ann", "because")
    assert one.digest == plan_digest(solution, given)
    assert (one.role, one.signed, one.expires_at) == (None, None, None)


def test_a_deferral_and_its_end_are_two_words_and_the_gate_is_the_pipeline(world: World) -> None:
    aside = defer(plan_of(world, 1), now=world.now)
    change(world, 1, "defer", aside)
    change(world, 1, "defer", defer(aside, now=world.now, deferred=False))
    world.approve(1)
    expired = advance(plan_of(world, 1), PlanEvent.EXPIRE, now=world.now, reason="too old")
    change(world, 1, PlanEvent.EXPIRE, expired, by="gate")
    assert [(one.what, one.by) for one in told(world)] == [
        ("defer", "ann"),
        ("take up", "ann"),
        ("approve", "ann"),
        ("expire", "pipeline"),
    ]


def test_a_plan_an_issue_and_a_time_narrow_it_down(world: World) -> None:
    world.approve(1)
    world.wait(hours=1)
    world.approve(2)
    assert [one.solution_id for one in told(world)] == ["SOL-ISS-1-1", "SOL-ISS-2-1"]
    assert [one.solution_id for one in told(world, "ISS-2")] == ["SOL-ISS-2-1"]
    assert [one.solution_id for one in told(world, "SOL-ISS-1-1")] == ["SOL-ISS-1-1"]
    assert [one.solution_id for one in told(world, None, world.now)] == ["SOL-ISS-2-1"]
    assert told(world, "SOL-ISS-1-1", world.now) == []


def test_what_agents_did_is_no_decision(world: World) -> None:
    world.land(1, {"a.py": "a = 2\n"})
    assert told(world) == []
