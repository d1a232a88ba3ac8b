"""Which plans name a path: asked again after each change, and never worked out anew."""

from pathlib import Path

from pipeline.store.entries import PlanRecorded
from pipeline.store.index import Index
from tests.plans.nouns import record
from tests.store import builders as make


def test_an_index_follows_the_records(tmp_path: Path) -> None:
    book = make.open_book(tmp_path)
    state = book.state
    looked_at: list[str] = []

    def paths(key: str) -> tuple[str, ...]:
        looked_at.append(key)
        solution = state.planning.outline(key).solution
        return solution.paths if solution else ()

    index = Index(state.planning, paths)
    book.record(PlanRecorded(record=record(1, "a.py", "b.py")))
    book.record(PlanRecorded(record=record(2, "b.py")))
    assert index.keys(["b.py"]) == {"SOL-ISS-1-1", "SOL-ISS-2-1"}
    assert index.keys(["a.py", "none.py"]) == {"SOL-ISS-1-1"}

    book.record(PlanRecorded(record=record(1, "c.py")))
    assert index.keys(["b.py"]) == {"SOL-ISS-2-1"}
    assert set(index.labels) == {"b.py", "c.py"}
    state.planning.remove("SOL-ISS-2-1", seq=9)
    assert index.keys(["b.py"]) == set()
    assert looked_at == ["SOL-ISS-1-1", "SOL-ISS-2-1", "SOL-ISS-1-1"]  # what changed, and no more
