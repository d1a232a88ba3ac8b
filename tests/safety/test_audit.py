"""`audit verify` on real journals: what was changed, removed, moved, cut off or forged is found."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from pipeline.errors import PipelineError
from pipeline.events import Event, EventBus, Notice
from pipeline.paths import Places, UserPlaces
from pipeline.plans.lifecycle import PlanEvent, advance
from pipeline.safety.audit import Proof, prove
from pipeline.store.book import Book
from pipeline.store.entries import PlanChanged, RetryAsked
from pipeline.store.head import read_head
from pipeline.store.journal import Journal
from pipeline.store.line import NO_HASH, make_line
from pipeline.store.state import State
from tests.safety.world import World, modifies

Lines = list[bytes]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with three plans, of which the first two are approved."""
    made = World(tmp_path)
    for number, path in ((1, "a.py"), (2, "b.py"), (3, "CHANGELOG.md")):
        made.plan(number, *modifies(path))
    made.approve(1)
    made.approve(2)
    made.book.flush()
    return made


def proof(world: World) -> Proof:
    return prove(world.places, world.gate, lambda: State.of(Journal(world.places).lines()))


def flaws(world: World) -> list[tuple[int | None, str]]:
    return [(flaw.line, flaw.what) for flaw in proof(world).flaws]


def edit(world: World, change: Callable[[Lines], Lines]) -> None:
    path = world.places.journal
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def forget(world: World) -> None:
    """Remove everything that knows how long the journal was."""
    for path in (
        world.places.planning_results,
        world.places.execution_results,
        world.places.journal_head,
    ):
        path.unlink(missing_ok=True)


def without_the_first(world: World, _lines: Lines) -> Lines:
    """Return all lines but the first, numbers, links and hashes made anew as a forger would."""
    before = list(Journal(world.places).lines())
    made, prev, offset = [], NO_HASH, 0
    at = before[0].at
    for seq, entry in enumerate((line.entry for line in before[1:]), start=1):
        line = make_line(entry, seq=seq, at=at, prev=prev, offset=offset)
        made.append(line.raw)
        prev, offset = line.hash, offset + len(line.raw)
    return made


def test_a_journal_that_nobody_touched_holds(world: World) -> None:
    found = proof(world)
    assert (found.holds, found.lines, found.flaws, found.notes) == (True, 5, (), ())
    assert [(one.line, one.solution_id, one.reason) for one in found.signatures] == [
        (4, "SOL-ISS-1-1", None),
        (5, "SOL-ISS-2-1", None),
    ]


def test_a_cut_off_end_is_found_by_the_documents_and_by_the_head(world: World) -> None:
    edit(world, lambda one: one[:3])
    head = world.places.journal_head
    what = "the end was cut off: numbers 4 to 5 are missing, which {} knows"
    assert (4, what.format("planning-results.json")) in flaws(world)
    assert (4, what.format(head)) in flaws(world)

    head.unlink()
    assert flaws(world)[0] == (4, what.format("planning-results.json"))

    forget(world)
    assert flaws(world) == []
    assert proof(world).notes == (
        "nothing is known here of how long it was: lines cut off its end may go unnoticed",
    )


def test_a_chain_that_was_written_anew_is_found_by_the_head(world: World) -> None:
    edit(world, lambda one: without_the_first(world, one))
    world.places.planning_results.unlink()
    world.places.execution_results.unlink(missing_ok=True)

    (flaw,) = flaws(world)

    assert flaw[0] is None
    assert flaw[1].startswith(f"all of it was written anew: {world.places.journal_head} knows one")


def test_an_end_that_was_written_anew_is_found_by_the_head(world: World) -> None:
    def other_end(lines: Lines) -> Lines:
        last = list(Journal(world.places).lines())[3]
        other = make_line(
            RetryAsked(issue_id="ISS-1", again="plan"),
            seq=5,
            at=last.at,
            prev=last.hash,
            offset=last.offset + len(last.raw),
        )
        return [*lines[:4], other.raw]

    edit(world, other_end)
    name = world.places.journal_head
    assert flaws(world) == [(5, f"it was written anew, here or before: {name} knows another line")]


def test_documents_of_another_journal_are_told(world: World) -> None:
    path = world.places.planning_results
    journal = read_head(world.places).journal  # type: ignore[union-attr]
    path.write_bytes(path.read_bytes().replace(journal.encode(), b"0" * 16))
    what = (
        "planning-results.json was made from a journal that begins with 0000000000000000, not this"
    )
    assert flaws(world) == [(None, what)]


def test_a_head_is_never_put_over_one_that_the_journal_does_not_hold(world: World) -> None:
    edit(world, lambda one: one[:3])
    known = read_head(world.places)
    world.places.planning_results.unlink()
    later = Book(world.places, EventBus(), clock=lambda: world.now)

    later.record(RetryAsked(issue_id="ISS-3", again="plan"))
    later.flush()

    assert read_head(world.places) == known
    assert not proof(world).holds


def test_a_journal_that_the_pipeline_begins_anew_says_that_one_is_gone(world: World) -> None:
    world.places.journal.unlink()
    again = Book(world.places, EventBus(), clock=lambda: world.now)
    again.start(lambda _commit: True)
    world.book = again

    found = proof(world)

    assert found.holds
    assert found.notes == (
        "it was begun as another one was missing, of which 5 lines were known at "
        "2026-11-21T03:00:00.000Z: what that one said is not proven",
    )
    again.record(RetryAsked(issue_id="ISS-3", again="plan"))
    again.flush()
    assert proof(world).notes == found.notes


def test_a_last_line_that_is_not_finished_is_no_flaw(world: World) -> None:
    edit(world, lambda one: [*one, one[-1][:40]])
    found = proof(world)
    assert found.holds
    assert found.notes == (
        "the last line is not finished: it is being written, or a crash left it so",
    )


def test_a_head_that_cannot_be_read_is_as_good_as_none(world: World) -> None:
    world.places.journal_head.write_text("{")
    assert proof(world).holds
    assert len(proof(world).notes) == 1


def test_an_approval_that_was_copied_is_not_signed(world: World) -> None:
    first, third = world.current(1).plan, world.current(3).plan
    assert first is not None
    assert third is not None
    stolen = third.model_copy(update={"state": first.state, "approval": first.approval})
    forged = first.approval.model_copy(update={"mac": "0" * 64})  # type: ignore[union-attr]
    world.decide(3, stolen.model_copy(update={"approval": forged}))

    found = proof(world)

    assert found.flaws == ()
    assert not found.holds
    (bad,) = [one for one in found.signatures if not one.is_signed]
    assert (bad.line, bad.solution_id) == (6, "SOL-ISS-3-1")
    assert bad.reason == "it is not signed with this user's key, for this plan, in this repository"


def test_an_approval_of_one_plan_under_the_name_of_another_is_not_signed(world: World) -> None:
    first, third = world.current(1).plan, world.current(3).plan
    assert first is not None
    assert third is not None
    world.decide(3, third.model_copy(update={"state": first.state, "approval": first.approval}))
    assert not proof(world).holds


def test_the_key_of_somebody_else_signs_nothing(world: World) -> None:
    user = UserPlaces(world.root / "x", world.root.parent / "other", world.root / "x")
    elsewhere = Places(world.root, user, world.places.git_dir)
    found = prove(elsewhere, World.gate_with(_at(world, elsewhere), world.settings), State)
    assert [one.is_signed for one in found.signatures] == [False, False]
    assert not elsewhere.approval_key.exists()


def test_approvals_say_whether_a_run_would_go_by_them(world: World) -> None:
    rejected = world.current(2).plan
    assert rejected is not None
    world.book.record(
        PlanChanged(
            solution_id="SOL-ISS-2-1",
            event=PlanEvent.REJECT,
            plan=advance(rejected, PlanEvent.REJECT, now=world.now, reason="not now"),
        )
    )
    assert [one.reason for one in proof(world).signatures] == [
        None,
        "the plan is rejected since: not now",
    ]
    world.wait(days=8)
    assert [one.reason for one in proof(world).signatures] == [
        "its approval expired at 2026-11-28 03:00 UTC",
        "the plan is rejected since: not now",
    ]
    assert proof(world).holds


def test_an_approval_whose_plan_landed_has_done_its_work(world: World) -> None:
    world.land(1, {"a.py": "a = 2\n"})
    assert proof(world).signatures[0].reason == "the plan has landed"


def test_nothing_is_said_of_approvals_where_the_chain_is_broken(world: World) -> None:
    edit(world, lambda one: [one[0], *one[2:]])
    assert {one.reason for one in proof(world).signatures} == {"signed, but the chain is broken"}


def test_without_a_journal_there_is_nothing_to_prove(tmp_path: Path) -> None:
    world = World(tmp_path)
    with pytest.raises(PipelineError, match="there is no journal yet"):
        proof(world)


def test_a_long_journal_is_read_as_a_stream(world: World) -> None:
    for _ in range(300):
        world.book.journal.append(RetryAsked(issue_id="ISS-3", again="plan"))
    assert proof(world).lines == 305
    assert orjson.loads(world.places.journal.read_bytes().splitlines()[-1])["seq"] == 305


def _at(world: World, places: Places) -> World:
    made = object.__new__(World)
    made.__dict__ |= world.__dict__ | {"places": places}
    return made


def test_work_goes_on_where_the_head_cannot_be_kept(world: World) -> None:
    heard: list[Event] = []
    folder = world.places.journal_head.parent
    world.places.journal_head.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    book = Book(world.places, EventBus([heard.append]), clock=lambda: world.now)

    book.flush()

    (notice,) = heard
    assert isinstance(notice, Notice)
    assert str(folder) in notice.text
