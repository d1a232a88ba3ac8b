"""What the walls cost: a command in the sandbox, and a file tool's call.

    python bench/sandbox.py [--rounds 200] [--check]

A command is `true` in bash: bare, in bubblewrap and (for comparison) under Landlock, one after the
other in each round, so that a busy moment falls on all. A call reads or replaces a file three
folders deep, by its plain path and by the file tools. What the walls add is the difference of the
medians of a batch; of the batches the quietest counts, since a busy machine only adds. With
`--check` it exits 1 when that is over the limit.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pipeline import proc
from pipeline.agents.tools.applier import Applier
from pipeline.agents.tools.reading import read_bytes
from pipeline.agents.tools.room import Room
from pipeline.sandbox import Jail, environment, find_sandbox
from pipeline.sandbox.landlock import OLDEST_ABI, abi

LIMITS_MS = {"bwrap": 5.0, "read_file": 0.2, "edit_file": 0.2}
BATCHES = 5
FILE = "a/b/c/file.py"
CALLS_A_ROUND = 10


def main() -> int:
    """Measure, print, and compare with the limits where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as base:
        jail = make_jail(Path(base))
        over = added(commands_of(jail), "bare", given.rounds // BATCHES)
        over |= added(reads_of(jail), "read", given.rounds * CALLS_A_ROUND // BATCHES)
        over |= added(writes_of(jail), "write", given.rounds * CALLS_A_ROUND // BATCHES)
    passed = all(over[name] <= limit for name, limit in LIMITS_MS.items())
    if given.check and not passed:
        sys.stdout.write("over the limits\n")
    return int(given.check and not passed)


def added(things: dict[str, Callable[[], object]], bare: str, rounds: int) -> dict[str, float]:
    """Print and return what each thing takes longer than `bare` in the quietest batch (ms)."""
    batches = [times(things, rounds) for _ in range(BATCHES)]
    found = {}
    for name in things:
        over = [
            statistics.median(batch[name]) - statistics.median(batch[bare]) for batch in batches
        ]
        median = statistics.median(batch_time for batch in batches for batch_time in batch[name])
        found[name] = min(over)
        limit = f" (limit {LIMITS_MS[name]})" if name in LIMITS_MS else ""
        sys.stdout.write(f"{name:10} {median:8.3f} ms, adds {found[name]:+.3f}{limit}\n")
    return found


def make_jail(base: Path) -> Jail:
    """Make a workspace with one file in it."""
    for name in ("workspace/a/b/c", "checkout", "objects"):
        (base / name).mkdir(parents=True)
    (base / "workspace" / FILE).write_text("line = 1\n" * 100)
    return Jail(base / "workspace", base / "checkout", base / "objects")


def commands_of(jail: Jail) -> dict[str, Callable[[], object]]:
    """Return the same command without and with walls."""
    bwrap, env = find_sandbox("bwrap"), environment(jail)
    found: dict[str, Callable[[], object]] = {
        "bare": lambda: proc.run(["bash", "-c", "true"], cwd=jail.workspace, env=env),
        "bwrap": lambda: bwrap.run("true", jail, "execute", timeout_s=10),
    }
    if abi() >= OLDEST_ABI:
        landlock = find_sandbox("landlock")
        found["landlock"] = lambda: landlock.run("true", jail, "execute", timeout_s=10)
    return found


def reads_of(jail: Jail) -> dict[str, Callable[[], object]]:
    """Return reading a file, by its path and as the tool does."""
    room, path = Room(jail), jail.workspace / FILE
    return {"read": path.read_bytes, "read_file": lambda: read_bytes(room, room.spot(FILE))}


def writes_of(jail: Jail) -> dict[str, Callable[[], object]]:
    """Return replacing a file, by its path and as the tool does."""
    applier, path = Applier(Room(jail)), jail.workspace / FILE

    def replace() -> None:
        beside = path.with_name("beside")
        beside.write_bytes(path.read_bytes())
        beside.replace(path)

    return {
        "write": replace,
        "edit_file": lambda: applier.change(FILE, lambda old, _: (old, "done"), ""),
    }


def times(things: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return how long each took in each round (ms)."""
    spent: dict[str, list[float]] = {name: [] for name in things}
    for _ in range(rounds):
        for name, thing in things.items():
            begun = time.perf_counter()
            thing()
            spent[name].append((time.perf_counter() - begun) * 1000)
    return spent


if __name__ == "__main__":
    sys.exit(main())
