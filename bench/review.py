"""How long `pipeline review` takes to its first screen, and how much memory a review needs.

    python bench/review.py [--plans 200] [--size 1000000] [--rounds 5]

Makes a repository in which `--plans` pending plans of `--size` bytes each wait, then runs
`pipeline review` on a terminal of 80 by 24: measures the time from the start of the process until
the first plan is on the screen, then until its page is complete (cost, conflicts, drift); approves
one plan, defers the next, quits, and reads the process's peak memory. Prints each figure with its
limit and how it stands to the size of the journal; exits 1 when one is over its limit.
"""

import argparse
import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.cli.entry import run
from pipeline.domain.base import utc_now
from pipeline.domain.issue import Issue
from pipeline.domain.plan import Plan, PlanState
from pipeline.domain.results import PlanningRecord, PlanningStatus
from pipeline.domain.solution import FileAction, FileChange, Solution, Task
from pipeline.git import open_repository
from pipeline.paths import Places, UserPlaces
from pipeline.plans.risk import assess
from pipeline.proc import run as run_program
from pipeline.store.backlog import append_issues
from pipeline.store.entries import PlanRecorded
from pipeline.store.journal import Journal

FIRST_SCREEN_S = 0.5
PEAK_MB = 150
COLUMNS, LINES = 80, 24
PATIENCE_S = 30
LINE = "What changes here, and why it is done in this way and not in another one.\n"


@dataclass(frozen=True)
class Figures:
    """What one review took."""

    first_s: float
    complete_s: float
    peak_mb: float


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", type=int, default=200)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = make_evening(Path(folder), given.plans, given.size)
        journal = root / ".workflow" / "journal.jsonl"
        size_mb = journal.stat().st_size / 1e6
        rounds = [review(root, decide=number == 0) for number in range(given.rounds)]
    first = statistics.median(one.first_s for one in rounds)
    complete = statistics.median(one.complete_s for one in rounds)
    peak = max(one.peak_mb for one in rounds)
    print(f"{given.plans} pending plans, journal {size_mb:,.0f} MB, {given.rounds} reviews")
    print(f"first plan on screen   {first:6.2f} s   limit {FIRST_SCREEN_S} s (median)")
    print(
        f"fastest and slowest    {min(r.first_s for r in rounds):6.2f} s to "
        f"{max(r.first_s for r in rounds):.2f} s"
    )
    print(f"its page complete      {complete:6.2f} s   (median)")
    print(
        f"peak memory            {peak:6.0f} MB  limit {PEAK_MB} MB, "
        f"{peak / size_mb:.2f} of the journal"
    )
    return 0 if first <= FIRST_SCREEN_S and peak <= PEAK_MB else 1


def make_evening(folder: Path, plans: int, size: int) -> Path:
    """Make a repository in which plans wait; return its root."""
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
    found = open_repository(root)
    places = Places(found.root, UserPlaces.from_environment(), found.git_dir)
    base = run_program(["git", "rev-parse", "HEAD"], cwd=root).output.decode().strip()
    names = [f"ISS-{number:04d}" for number in range(1, plans + 1)]
    append_issues(places, [Issue(id=name, title=f"what {name} asks for") for name in names])
    Journal(places).begin_with(PlanRecorded(record=one_plan(n, base, size)) for n in names)
    return root


def one_plan(issue_id: str, base: str, size: int) -> PlanningRecord:
    """Return a pending plan of about `size` bytes, in ten tasks with two files each."""
    said = LINE * (size // (20 * (len(LINE) + 1)))
    tasks = [
        Task(
            id=f"T{task}",
            title=f"step {task}",
            files=tuple(
                FileChange(
                    path=f"src/{issue_id}/{task}{n}.py", action=FileAction.CREATE, change=said
                )
                for n in "ab"
            ),
            tests=("true",),
        )
        for task in range(1, 11)
    ]
    solution = Solution(
        solution_id=f"SOL-{issue_id}-1",
        issue_id=issue_id,
        title=f"what {issue_id} asks for",
        goal=LINE,
        tasks=tuple(tasks),
    )
    now = utc_now()
    plan = Plan(
        state=PlanState.PENDING,
        risk=assess(solution),
        created_at=now,
        created_by="bench",
        updated_at=now,
    )
    return PlanningRecord(
        issue_id=issue_id,
        solution_id=solution.solution_id,
        status=PlanningStatus.COMPLETED,
        solution=solution,
        planned_at=now,
        base_commit=base,
        plan=plan,
    )


def review(root: Path, *, decide: bool) -> Figures:
    """Run one review on a terminal and measure it."""
    begun = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        words = [sys.executable, "-m", "pipeline", "review", "-C", str(root)]
        os.execve(sys.executable, words, os.environ | {"TERM": "xterm"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    read_until(terminal, "What changes here")
    first = time.perf_counter() - begun
    read_until(terminal, "no history yet")
    complete = time.perf_counter() - begun
    if decide:
        os.write(terminal, b"a")
        read_until(terminal, "held: approve")
        os.write(terminal, b"d")
        read_until(terminal, "held: defer")
    os.write(terminal, b"q")
    read_until(terminal, None)
    _, status, used = os.wait4(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    return Figures(first, complete, used.ru_maxrss / 1024)


def read_until(terminal: int, wanted: str | None) -> None:
    """Read what the program writes until `wanted` (None: its end) has been written."""
    seen, end = "", time.monotonic() + PATIENCE_S
    while wanted is None or wanted not in seen:
        ready = select.select([terminal], [], [], max(end - time.monotonic(), 0))[0]
        assert ready, f"waited for {wanted!r} and saw {seen[-2000:]!r}"
        try:
            seen += os.read(terminal, 65536).decode(errors="replace")
        except OSError:  # how Linux says that the other end of a terminal is closed
            assert wanted is None, f"it ended before {wanted!r}: {seen[-2000:]}"
            return


if __name__ == "__main__":
    sys.exit(main())
