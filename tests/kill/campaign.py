"""The kill campaign: `kill -9` everywhere, then `pipeline run`, and nothing is lost or done twice.

    python -m tests.kill.campaign [--seeds N] [--sample N] [--jobs N] [--only PHASE]

One line for each kill that goes wrong, a table at the end; exit code 1 when any did.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.chosen import something
from tests.kill import scenario
from tests.kill.trials import Kill, Result, Tried, learn, prepare, try_kill

SECOND_KILLS = 1
"""So many kills of the resumed run for each kind of point, by chance."""
EFFECTS = 6
"""So many kills at any effect on a file or process, by chance, for each command."""


def directed(story: Sequence[Tried]) -> Iterator[Kill]:
    """Yield a kill for each point of each command."""
    for number, tried in enumerate(story):
        points = tried.points or tried.effects
        grain = "probes" if tried.points else "effects"
        for at in range(1, len(points) + 1):
            yield Kill("directed", number, at=at, grain=grain, point=points[at - 1])


def by_chance(story: Sequence[Tried], seeds: int) -> Iterator[Kill]:
    """Yield for each phase and seed a kill at a random moment of a random command of it."""
    for phase in ("init", "plan", "gate", "execute"):
        numbers = [n for n, step in enumerate(scenario.STEPS) if step.phase == phase]
        numbers = [n for n in numbers if story[n].effects]
        for seed in range(seeds):
            chance = random.Random(f"{phase} {seed}")
            weights = [story[n].seconds for n in numbers]
            number = chance.choices(numbers, weights)[0]
            after_s = chance.uniform(0, story[number].seconds)
            point = f"seed {seed}, {after_s:.3f} s"
            yield Kill("random", number, after_s=after_s, point=point, at_once=seed % 2 == 1)


def at_effects(story: Sequence[Tried], count: int) -> Iterator[Kill]:
    """Yield kills before renames, removals, opened files and started processes."""
    for number, tried in enumerate(story):
        if not tried.points:
            continue  # all of them are directed
        chance = random.Random(f"effects {number}")
        chosen = chance.sample(range(len(tried.effects)), min(count, len(tried.effects)))
        for index in sorted(chosen):
            point = tried.effects[index]
            yield Kill("effect", number, at=index + 1, grain="effects", point=point)


def twice(story: Sequence[Tried], count: int) -> Iterator[Kill]:
    """Yield kills after which the resumed run is killed too, twice."""
    for kill in first_of_each(directed(story)):
        if kill.grain == "probes":
            chance = random.Random(f"twice {kill.number} {kill.at}")
            for _ in range(count):
                again = (chance.randint(1, 25), chance.randint(1, 60))
                yield kill.followed_by(again)


def first_of_each(kills: Iterator[Kill]) -> Iterator[Kill]:
    """Yield the first kill at each kind of point of each phase."""
    seen: set[tuple[str, str]] = set()
    for kill in kills:
        key = (scenario.STEPS[kill.number].phase, kill.point)
        if key not in seen:
            seen.add(key)
            yield kill


def all_kills(story: Sequence[Tried], seeds: int) -> list[Kill]:
    """Return the whole campaign."""
    return [
        *directed(story),
        *by_chance(story, seeds),
        *at_effects(story, EFFECTS),
        *twice(story, SECOND_KILLS),
    ]


def run(kills: Sequence[Kill], pool: ProcessPoolExecutor) -> list[Result]:
    """Try every kill and tell at once about each that goes wrong."""
    results = []
    for result in pool.map(try_kill, kills):
        results.append(result)
        if result.problem:
            say(f"WRONG {result.kill.name}: {result.problem}")
    return results


def table(results: Sequence[Result], seconds: float) -> str:
    """Return how often was killed, where, and what came of it."""
    rows = [f"{'kills':<10}{'phase':<10}{'tried':>7}{'points':>8}{'too late':>10}{'failures':>10}"]
    groups = sorted({(r.kill.kind, scenario.STEPS[r.kill.number].phase) for r in results})
    for kind, phase in groups:
        mine = [
            r
            for r in results
            if r.kill.kind == kind and scenario.STEPS[r.kill.number].phase == phase
        ]
        points = len({r.kill.point for r in mine})
        late = sum(r.was_late for r in mine)
        failures = sum(r.problem is not None for r in mine)
        rows.append(f"{kind:<10}{phase:<10}{len(mine):>7}{points:>8}{late:>10}{failures:>10}")
    failures = sum(r.problem is not None for r in results)
    rows.append(f"{len(results)} kills, {failures} failures, {seconds:.0f} s")
    return "\n".join(rows)


def say(text: str) -> None:
    """Tell the person who waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the campaign and return the exit code."""
    parser = argparse.ArgumentParser(prog="make kill", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="random moments for each phase")
    parser.add_argument("--sample", type=int, help="only so many of the kills, spread evenly")
    parser.add_argument("--jobs", type=int, default=2, help="lanes that work side by side")
    parser.add_argument("--only", help="only kills whose name contains this")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pipeline-kill-") as folder:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            options.jobs, mp_context=context, initializer=prepare, initargs=(Path(folder),)
        ) as pool:
            story = pool.submit(learn).result()
            kills = all_kills(story, options.seeds)
            only = options.only or ""
            kills = [*something([one for one in kills if only in one.name], "kill")]
            if options.sample:
                kills = kills[:: max(1, len(kills) // options.sample)]
            say(f"{len(scenario.STEPS)} commands, {len(kills)} kills")
            results = run(kills, pool)
    say(table(results, time.monotonic() - begun))
    return int(any(result.problem for result in results))


if __name__ == "__main__":
    sys.exit(main())
