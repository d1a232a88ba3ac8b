"""Plans of megabytes stay in the journal: what is said of them is the same, and memory is not."""

import tracemalloc
from pathlib import Path

from pipeline.domain.plan import PlanState
from pipeline.store.entries import PlanChanged, PlanRecorded
from pipeline.store.glance import glance
from pipeline.store.state import State
from tests.review.evening import Evening

LONG = "What changes, and why.\n" * 20_000


def test_a_large_plan_reads_like_a_small_one(tmp_path: Path) -> None:
    evening = Evening(tmp_path / "repo")
    key = evening.plan("ISS-1", "a long one", approach=LONG)
    state, whole = evening.book.state, State.of(evening.book.journal.lines())

    assert state.planning[key] == whole.planning[key]
    assert state.planning.text(key) == whole.planning.text(key)
    assert state.planning.plan(key) == whole.planning[key].plan
    outline = state.planning.outline(key)
    assert outline.solution is not None
    assert outline.solution.paths == ("src/dates.py",)
    assert outline.solution.approach == ""
    assert glance(evening.places).planning[key] == whole.planning[key]


def test_a_large_plan_takes_a_new_envelope_and_is_superseded(tmp_path: Path) -> None:
    evening = Evening(tmp_path / "repo")
    key = evening.plan("ISS-1", "a long one", approach=LONG)
    record = evening.book.state.planning[key]
    assert record.plan is not None
    assert record.solution is not None
    deferred = record.plan.model_copy(update={"deferred": True})
    evening.book.record(PlanChanged(solution_id=key, event="defer", plan=deferred))
    assert evening.book.state.planning[key].plan == deferred

    next_one = record.solution.model_copy(update={"solution_id": "SOL-ISS-1-2"})
    newer = record.model_copy(update={"solution_id": "SOL-ISS-1-2", "solution": next_one})
    evening.book.record(PlanRecorded(record=newer, supersedes=key))

    older = evening.book.state.planning[key]
    assert older.plan is not None
    assert (older.plan.state, older.plan.state_reason) == (
        PlanState.SUPERSEDED,
        "replaced by SOL-ISS-1-2",
    )
    evening.book.flush()
    document = evening.places.planning_results.read_bytes()
    assert document.count(b'"issue_id":"ISS-1","solution_id"') >= 2
    assert evening.book.state.planning.text(key) in document


def test_many_large_plans_are_not_held_in_memory(tmp_path: Path) -> None:
    evening = Evening(tmp_path / "repo")
    for number in range(20):
        evening.plan(f"ISS-{number}", "a long one", approach=LONG)
    size = evening.places.journal.stat().st_size

    tracemalloc.start()
    state = glance(evening.places)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(state.planning) == 20
    assert held < size / 20
    assert peak < size / 2
