"""Decisions that a person took back, or gave elsewhere, brought again by other means."""

from pathlib import Path

import pytest

from pipeline.domain.plan import PlanState
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.paths import Places
from pipeline.safety.decisions import Desk
from pipeline.safety.gate import Cleared, Gate, Returned
from pipeline.store.book import Book
from pipeline.store.entries import PlanChanged
from tests.safety.world import World, modifies

TAKEN_BACK = Returned("its approval was taken back")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def desk(world: World, book: Book | None = None) -> Desk:
    """Return where decisions are made, by default with the world's own book."""
    return Desk(
        repo=world.repo,
        places=world.places,
        settings=world.settings,
        bus=EventBus(),
        book=book or world.book,
        gate=world.gate,
        issues=lambda: world.issues,
        approver=world.approver,
        now=lambda: world.now,
    )


def another_process(world: World) -> Desk:
    """Return a desk whose book has read the journal up to now and no further."""
    return desk(world, Book(world.places, EventBus(), clock=lambda: world.now))


def test_an_approval_written_again_after_a_rejection_does_not_count(world: World) -> None:
    approved = desk(world).approve(world.plan(1, *modifies("a.py")))
    assert isinstance(world.check(1), Cleared)
    desk(world).reject(approved, reason="no")

    world.book.record(PlanChanged(solution_id=approved.key, event="approve", plan=approved.plan))

    assert world.check(1) == TAKEN_BACK


@pytest.mark.parametrize("words", ["reject", "request changes"])
def test_an_older_copy_of_the_workflow_folder_brings_no_approval_back(
    world: World, words: str
) -> None:
    approved = desk(world).approve(world.plan(1, *modifies("a.py")))
    before = world.places.journal.read_bytes()
    if words == "reject":
        desk(world).reject(approved, reason="no")
    else:
        desk(world).request_changes(approved, what="smaller")

    world.places.journal.write_bytes(before)
    world.places.planning_results.unlink()
    world.book = Book(world.places, EventBus(), clock=lambda: world.now)

    assert world.check(1) == TAKEN_BACK


def test_an_approval_given_in_one_repository_does_not_count_in_another(
    world: World, tmp_path: Path
) -> None:
    approved = desk(world).approve(world.plan(1, *modifies("a.py")))
    other = Places(world.root, world.places.user, tmp_path / "other" / ".git")

    gate = Gate(world.repo, other, world.settings, lambda: world.now)

    assert gate.check(approved, world.book.state, world.tip) == Returned(
        "its approval is not signed with this user's key for this repository"
    )


def test_an_approval_that_comes_after_a_rejection_it_has_not_seen_is_refused(world: World) -> None:
    planned = world.plan(1, *modifies("a.py"))
    late = another_process(world)
    desk(world).reject(planned, reason="no")

    with pytest.raises(PipelineError, match="cannot approve SOL-ISS-1-1: it is rejected"):
        late.approve(planned)

    world.book.catch_up()
    plan = world.current(1).plan
    assert plan is not None
    assert plan.state is PlanState.REJECTED
