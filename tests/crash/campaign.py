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

from tests.crash.trials import Result, Trial, places, prepare, try_out
from tests.crash.troubles import TROUBLES

POINTS = 300
"""So many points of each kind of trouble, spread evenly, unless all are asked for."""
RESUME_S = 2.0
"""A resumed run has begun new work by then."""


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


def row(trouble: str, all_points: int, results: Sequence[Result]) -> str:
    """Return what came of one kind of trouble."""
    failures = sum(one.problem is not None for one in results)
    late = sum(one.was_late for one in results)
    reads = sum(one.reads for one in results)
    times = [one.first_work_s for one in results if one.first_work_s is not None]
    slowest = f"{median(times):.2f} {max(times):.2f}" if times else "-"
    counts = f"{all_points:>7}{len(results):>7}{late:>6}{reads:>8}"
    return f"{trouble:<8}{counts}{slowest:>12}{failures:>10}"


def say(text: str) -> None:
    """Tell the person who waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the campaign and return the exit code."""
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[], choices=[[], *TROUBLES])
    parser.add_argument("--points", type=int, default=POINTS, help="points of each trouble")
    parser.add_argument("--all", action="store_true", help="every point")
    parser.add_argument("--jobs", type=int, default=2, help="lanes that work side by side")
    parser.add_argument("--only", default="", help="only trials whose name contains this")
    options = parser.parse_args()
    begun = time.monotonic()
    rows, wrong = [], False
    with tempfile.TemporaryDirectory(prefix="pipeline-crash-") as folder:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            options.jobs, mp_context=context, initializer=prepare, initargs=(Path(folder),)
        ) as pool:
            for trouble in options.parts or TROUBLES:
                found = pool.submit(places, trouble).result()
                trials = [Trial(trouble, place) for place in found]
                trials = [one for one in trials if options.only in one.name]
                chosen = sample(trials, None if options.all else options.points)
                results = run(chosen, pool)
                rows.append(row(trouble, len(trials), results))
                say(rows[-1])
                slow = [r for r in results if (r.first_work_s or 0) > RESUME_S]
                wrong = wrong or bool(slow) or any(one.problem for one in results)
    say("\n".join(rows))
    say(f"{time.monotonic() - begun:.0f} s")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
