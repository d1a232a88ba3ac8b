"""Every system call of a whole run that changes something, and what a disk or a kill makes of it.

    python -m tests.crash.campaign [PART..] [--points N | --all] [--kills N] [--issues N] [--jobs N]

    kill     `kill -9` on entry of each write, rename, fsync, unlink and git call
    full     ENOSPC there and from then on
    broken   EIO there and from then on
    sync     one fsync that fails with EIO; a second try of it is a failure
    groups   `kill -9` of the whole process group at random moments over a long backlog

After each of them the story is resumed to its end, while jq reads the documents. One line for each
trial that goes wrong, a table at the end; exit code 1 when any did.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

from tests.chosen import something
from tests.crash.groups import try_kills
from tests.crash.trials import Result, Trial, places, prepare, try_out
from tests.crash.troubles import TROUBLES

POINTS = 300
"""So many points of each kind of trouble, spread evenly, unless all are asked for."""
RESUME_S = 2.0
"""A resumed run has begun new work by then."""
GROUPS = "groups"
HEAD = (
    f"{'part':<8}{'points':>9}{'tried':>9}{'too late':>9}{'reads':>9}{'work after s':>16}"
    f"{'failures':>10}"
)
"""`reads`: whole documents that jq saw; `work after s`: median and longest resume."""


def sample(trials: Sequence[Trial], count: int | None) -> list[Trial]:
    """Return so many of the trials, spread evenly; all for None."""
    if count is None or count >= len(trials):
        return list(trials)
    return [trials[at * len(trials) // count] for at in range(count)]


def run(trials: Sequence[Trial], pool: ProcessPoolExecutor) -> list[Result]:
    """Try every one and tell at once about each that goes wrong."""
    results = []
    for result in pool.map(try_out, trials):
        results.append(result)
        if result.problem:
            say(f"WRONG {result.trial.name}: {result.problem}")
    return results


def row(trouble: str, points: int, results: Sequence[Result]) -> tuple[str, bool]:
    """Return what came of one kind of trouble, and whether anything was wrong."""
    failures = sum(one.problem is not None for one in results)
    late = sum(one.was_late for one in results)
    reads = sum(one.reads for one in results)
    times = [one.first_work_s for one in results if one.first_work_s is not None]
    text = line(trouble, points, len(results), late, reads, times, failures)
    untold = late * 2 > len(results) or not reads  # too little came, or nobody looked
    return text, failures > 0 or untold or any(one > RESUME_S for one in times)


def line(part: str, *counts: object) -> str:
    """Return one line of the table."""
    *numbers, times, failures = counts
    assert isinstance(times, list)
    told = f"{median(times):.2f} / {max(times):.2f}" if times else "-"
    return f"{part:<8}{''.join(f'{one!s:>9}' for one in numbers)}{told:>16}{failures!s:>10}"


def say(text: str) -> None:
    """Tell the person who waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the campaign and return the exit code."""
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[], choices=[[], *TROUBLES, GROUPS])
    parser.add_argument("--points", type=int, default=POINTS, help="points of each trouble")
    parser.add_argument("--all", action="store_true", help="every point")
    parser.add_argument("--kills", type=int, default=1000, help="kills at random moments")
    parser.add_argument("--issues", type=int, default=500, help="issues of their backlog")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--jobs", type=int, default=2, help="lanes that work side by side")
    parser.add_argument("--only", default="", help="only trials whose name contains this")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pipeline-crash-") as folder:
        parts = options.parts or [*TROUBLES, GROUPS]
        troubles = [part for part in parts if part in TROUBLES]
        rows = trouble_rows(Path(folder), troubles, options) if troubles else []
        if GROUPS in parts:
            rows.append(group_row(Path(folder), options))
    say(f"\n{HEAD}\n" + "\n".join(text for text, _ in rows))
    say(f"{time.monotonic() - begun:.0f} s")
    return int(any(wrong for _, wrong in rows))


def trouble_rows(
    folder: Path, troubles: Sequence[str], options: argparse.Namespace
) -> list[tuple[str, bool]]:
    """Try each trouble at its points; return its row, and whether anything was wrong."""
    rows = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        options.jobs, mp_context=context, initializer=prepare, initargs=(folder,)
    ) as pool:
        for trouble in troubles:
            found = pool.submit(places, trouble).result()
            trials = [Trial(trouble, place) for place in found]
            trials = [*something([one for one in trials if options.only in one.name], "trial")]
            results = run(sample(trials, None if options.all else options.points), pool)
            rows.append(row(trouble, len(trials), results))
            say(rows[-1][0])
    return rows


def group_row(folder: Path, options: argparse.Namespace) -> tuple[str, bool]:
    """Kill groups at random moments; return the row, and whether anything was wrong."""
    told = try_kills(folder, kills=options.kills, issues=options.issues, seed=options.seed, say=say)
    say(
        f"{told.landed} issues landed; {len(told.really_s)} processes, Python's start included, "
        f"began work after {max(told.really_s, default=0):.2f} s at most"
    )
    times = told.first_work_s + told.really_s
    text = line(GROUPS, "-", told.kills, 0, told.reads, times, len(told.problems))
    return text, bool(told.problems) or any(one > RESUME_S for one in times)


if __name__ == "__main__":
    sys.exit(main())
