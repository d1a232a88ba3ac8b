"""What the gate's bookkeeping costs: making a plan, approving one, approving all LOW ones at once.

    python bench/gate.py [--plans 200] [--check]

Makes a repository with `--plans` issues. Each plan names a file of its own and one of its tests,
so every plan may touch every other one's tests and each approval names all that run earlier: the
usual case, and the dearest. Three figures, each beside a bare write and fsync of as many bytes as
it added to the journal:

    create    from a checked solution to a durable pending plan (median of one at a time)
    approve   one decision (median of one at a time, one desk; the documents are rendered when due)
    the lot   `pipeline approve` of all plans, the whole process included

With `--check` it exits 1 when one is over its limit (10 ms, 5 ms, 2 s). The limits are those of a
machine that has nothing else to do: with every core taken the figures double.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.app.deciding import desk
from pipeline.app.project import Project, open_project
from pipeline.cli.entry import run
from pipeline.domain.base import utc_now
from pipeline.domain.issue import Issue
from pipeline.domain.results import PlanningRecord, PlanningStatus
from pipeline.domain.solution import Acceptance, FileAction, FileChange, Solution, Task
from pipeline.events import EventBus
from pipeline.git import head_commit
from pipeline.plans.drafting import envelope, record_plan
from pipeline.proc import run as run_program
from pipeline.safety.decisions import Desk
from pipeline.store.backlog import append_issues

CREATE_MS, APPROVE_MS, LOT_S = 10.0, 5.0, 2.0
ROUNDS = 30


@dataclass(frozen=True)
class Figure:
    """One measurement beside its limit and a bare write of the same bytes."""

    name: str
    took_ms: float
    bare_ms: float
    limit_ms: float

    @property
    def line(self) -> str:
        """Return it for people."""
        ratio = self.took_ms / self.bare_ms
        return (
            f"{self.name:<10}{self.took_ms:9.2f} ms   limit {self.limit_ms:7.0f} ms   "
            f"{ratio:6.1f} x a bare write+fsync of the same bytes ({self.bare_ms:.2f} ms)"
        )


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", type=int, default=200)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), given.plans)
    print(f"{given.plans} plans of two files; each approval names the plans before it")
    for one in figures:
        print(one.line)
    over = [one.name for one in figures if one.took_ms > one.limit_ms]
    if over:
        print(f"over the limit: {', '.join(over)}")
    return 1 if given.check and over else 0


def measure(folder: Path, plans: int) -> list[Figure]:
    """Return the three figures."""
    root = make_repository(folder)
    project = open_project(root)
    names = [f"ISS-{number:04d}" for number in range(1, plans + 1)]
    append_issues(project.places, [Issue(id=name, title=f"what {name} asks for") for name in names])
    here = desk(project, EventBus(), patient=True)
    journal = project.places.journal
    issues = {issue.id: issue for issue in project.issues()}
    base = head_commit(project.repo)
    created = timed(journal, [partial(create, project, here, base, issues[n]) for n in names])
    here.book.flush()
    few = names[:: max(1, plans // ROUNDS)][:ROUNDS]
    approved = timed(journal, [partial(here.approve, here.find(name)) for name in few])
    here.book.flush()
    return [
        figure(folder, "create", created, CREATE_MS),
        figure(folder, "approve", approved, APPROVE_MS),
        the_lot(folder, root, journal, [f"SOL-{name}-1" for name in names]),
    ]


def timed(journal: Path, acts: list[Callable[[], object]]) -> list[tuple[float, int]]:
    """Return for each act its time (ms) and by how many bytes the journal grew."""
    found = []
    for act in acts:
        before = journal.stat().st_size if journal.exists() else 0
        begun = time.perf_counter()
        act()
        took = (time.perf_counter() - begun) * 1000
        found.append((took, journal.stat().st_size - before))
    return found


def figure(folder: Path, name: str, found: list[tuple[float, int]], limit: float) -> Figure:
    """Return the median beside a bare write of the median's bytes."""
    size = int(statistics.median(grown for _, grown in found))
    return Figure(name, statistics.median(took for took, _ in found), bare(folder, size), limit)


def the_lot(folder: Path, root: Path, journal: Path, names: list[str]) -> Figure:
    """Approve everything that waits with one command, in a process of its own."""
    before = journal.stat().st_size
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pipeline", "approve", *names, "-C", str(root)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    took = (time.perf_counter() - begun) * 1000
    return Figure("the lot", took, bare(folder, journal.stat().st_size - before), LOT_S * 1000)


def bare(folder: Path, size: int) -> float:
    """Return the median time (ms) of appending `size` bytes to a file and syncing it."""
    content = b"x" * size
    took = []
    with (folder / "bare").open("ab", buffering=0) as file:
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            file.write(content)
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


def create(project: Project, here: Desk, base: str, issue: Issue) -> None:
    """Take one checked solution all the way to a durable plan."""
    solution = solution_of(issue.id)
    now = utc_now()
    record = PlanningRecord(
        issue_id=issue.id,
        solution_id=solution.solution_id,
        status=PlanningStatus.COMPLETED,
        solution=solution,
        planned_at=now,
        base_commit=base,
        plan=envelope(solution, settings=project.settings, created_by="bench", now=now),
    )
    record_plan(here.book, EventBus(), record, issue, project.settings)


def solution_of(issue_id: str) -> Solution:
    """Return a solution of LOW risk that adds a note and its test."""
    files = (f"docs/{issue_id}.md", f"tests/test_{issue_id}.py")
    task = Task(
        id="T1",
        title="say it",
        description="What changes here, and why it is done in this way and not in another one.",
        files=tuple(
            FileChange(path=path, action=FileAction.CREATE, change="what it says") for path in files
        ),
        tests=("true",),
    )
    return Solution(
        solution_id=f"SOL-{issue_id}-1",
        issue_id=issue_id,
        title=f"what {issue_id} asks for",
        goal="What is missing is there.",
        tasks=(task,),
        acceptance=Acceptance(criteria=("it is there",), commands=("true",)),
    )


def make_repository(folder: Path) -> Path:
    """Make a repository with one commit and a `.workflow/`; return its root."""
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        os.environ[f"XDG_{kind}_HOME"] = str(folder / kind.lower())
    root = folder / "repo"
    root.mkdir()
    (root / "app.py").write_text("print('hello')\n")
    who = ("-c", "user.name=Bench", "-c", "user.email=bench@example.invalid")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "start")):
        done = run_program(["git", *who, *words], cwd=root, env=dict(os.environ))
        assert done.ok, done.errors
    assert run(["init", "-C", str(root)]) == 0
    return root


if __name__ == "__main__":
    sys.exit(main())
