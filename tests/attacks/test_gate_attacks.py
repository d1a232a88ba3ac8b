"""Approvals that nobody stands by any more, brought back with an older copy of `.workflow/`."""

from pathlib import Path

from pipeline.domain.results import ExecutionRecord, ExecutionStatus, FailureClass
from pipeline.events import EventBus
from pipeline.safety.gate import Cleared, Returned
from pipeline.store.book import Book
from pipeline.store.entries import AttemptRecorded
from tests.attacks.test_old_decisions import desk
from tests.safety.world import World, modifies


def failed(world: World, number: int) -> None:
    record = ExecutionRecord(
        execution_result_id=f"EXR-ISS-{number}-1",
        issue_id=f"ISS-{number}",
        solution_id=world.current(number).key,
        run_id="r1",
        attempt_id="nonce",
        status=ExecutionStatus.FAILED,
        failure_class=FailureClass.TESTS,
        base_commit=world.tip,
        executed_at=world.now,
    )
    world.book.record(AttemptRecorded(record=record))


def test_a_plan_that_is_to_be_made_anew_does_not_come_back_with_its_approval(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    desk(world).approve(world.plan(1, *modifies("a.py")))
    failed(world, 1)
    assert isinstance(world.check(1), Cleared)
    before = world.places.journal.read_bytes()

    assert desk(world).retry("ISS-1", feedback="it has to be another way") == "plan"

    world.places.journal.write_bytes(before)
    world.places.planning_results.unlink()
    world.places.execution_results.unlink()
    world.book = Book(world.places, EventBus(), clock=lambda: world.now)
    assert world.check(1) == Returned("its approval was taken back")


def test_a_retry_of_the_same_plan_leaves_its_approval(tmp_path: Path) -> None:
    world = World(tmp_path)
    desk(world).approve(world.plan(1, *modifies("a.py")))
    failed(world, 1)

    assert desk(world).retry("ISS-1") == "execute"

    assert isinstance(world.check(1), Cleared)
