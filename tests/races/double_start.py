"""Two orchestrators started at once, again and again: one is admitted, the other names it.

    python -m tests.races.double_start [--pairs 200] [--cold 5]

Both commands are processes that were forked from a warm one and wait at one barrier; they start
within a millisecond of each other, in either order. `--cold` pairs are console scripts of their
own. The one that is admitted stays at work (it waits at the gate) until the other has ended.
Exits 1 when it was otherwise once, or a refusal of a warm one took a second or more.
"""

import argparse
import contextlib
import multiprocessing.connection
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from pipeline.cli import entry
from pipeline.rehearsal.scripting import any_issue
from tests.e2e.live import PATIENCE_S
from tests.e2e.night import Night
from tests.kill.driver import warm
from tests.surroundings import own_surroundings

COMMANDS = (("run", "--wait-gate", "1h"), ("execute", "--wait-gate", "1h"))
LATEST_S = 1.0
APART_S = 0.001
STOPPED, REFUSED = 130, 1
NAMED = re.compile(r"a run is at work here \(process (\d+) since (\d{4}-\S+Z) on (\S+), ")


@dataclass(frozen=True)
class End:
    """How one of the two ended."""

    pid: int
    code: int
    seconds: float
    """From its start."""
    said: str
    """On stderr."""


@dataclass(frozen=True)
class Pair:
    """The two, in the order in which they ended."""

    first: End
    last: End

    @property
    def problem(self) -> str | None:
        """Return what is not as it must be; None when all is."""
        refused, admitted = self.first, self.last
        if (refused.code, admitted.code) != (REFUSED, STOPPED):
            return f"exit codes {refused.code} and {admitted.code}: {refused.said!r}"
        found = NAMED.search(refused.said)
        if found is None:
            return f"it names nobody: {refused.said!r}"
        if (int(found[1]), found[3]) != (admitted.pid, socket.gethostname()):
            return f"it names another one than {admitted.pid}: {refused.said!r}"
        return None


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Night]:
    """Have a repository in which a plan waits for a decision."""
    with Night(folder / "repo", any_issue()) as night:
        night.add("ISS-1")
        assert night.run("plan").code == 3
        yield night


def warm_pair(night: Night, folder: Path, words: Sequence[str], late_s: Sequence[float]) -> Pair:
    """Fork both from a warm server; each waits so long (s) behind the barrier."""
    context = warm()
    barrier = context.Barrier(len(late_s))
    told = [folder / f"told-{number}" for number in range(len(late_s))]
    order = (dict(os.environ), str(night.root), tuple(words))
    both = [
        context.Process(target=_obey, args=(*order, barrier, late, str(place)))
        for late, place in zip(late_s, told, strict=True)
    ]
    for process in both:
        process.start()
    first = multiprocessing.connection.wait([one.sentinel for one in both], PATIENCE_S)
    ended = sorted(both, key=lambda one: one.sentinel not in first)
    for process in ended[1:] if first else ended:  # nobody was refused: the codes will tell
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid or 0, signal.SIGTERM)
    ends = []
    for process in ended:
        process.join(PATIENCE_S)
        seconds, _, said = told[both.index(process)].read_text().partition("\n")
        ends.append(End(process.pid or 0, process.exitcode or 0, float(seconds), said))
    return Pair(*ends)


def _obey(
    environment: dict[str, str],
    root: str,
    words: tuple[str, ...],
    barrier: Barrier,
    late_s: float,
    told: str,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    said = Path(f"{told}.err")
    for number, name in ((1, Path(os.devnull)), (2, said)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    barrier.wait(PATIENCE_S)
    time.sleep(late_s)
    began = time.monotonic()
    code = entry.run([*words, "-C", root])
    sys.stderr.flush()
    Path(told).write_text(f"{time.monotonic() - began}\n{said.read_text()}")
    sys.exit(code)


def cold_pair(night: Night, words: Sequence[str]) -> Pair:
    """Start two console scripts, one right after the other."""
    began = time.monotonic()
    both = [
        subprocess.Popen(
            night.words(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    while all(one.poll() is None for one in both):
        time.sleep(0.005)
    ended = sorted(both, key=lambda one: one.returncode is None)
    ends = []
    for process in ended:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
        ends.append(End(process.pid, process.returncode, time.monotonic() - began, err.decode()))
    return Pair(*ends)


def main(words: Sequence[str] | None = None) -> int:
    """Try them all and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=200, help="of warm processes")
    parser.add_argument("--cold", type=int, default=5, help="of console scripts")
    asked = parser.parse_args(words)
    chance = random.Random(6)
    with tempfile.TemporaryDirectory(prefix="pipeline-races-") as folder:
        place = Path(folder)
        with own_surroundings(place / "user"), stage(place) as night:
            warm = []
            for number in range(asked.pairs):
                late_s = [chance.uniform(0, APART_S), chance.uniform(0, APART_S)]
                warm.append(warm_pair(night, place, COMMANDS[number % 2], late_s))
            cold = [cold_pair(night, COMMANDS[n % 2]) for n in range(asked.cold)]
    problems = [
        f"{kind}: {one.problem}"
        for kind, pairs in (("warm", warm), ("cold", cold))
        for one in pairs
        if one.problem
    ]
    slow = [one for one in warm if one.first.seconds >= LATEST_S]
    problems += [f"warm: refused after {one.first.seconds:.2f} s" for one in slow]
    print("\n".join(problems))
    for kind, pairs in (("warm", warm), ("cold", cold)):
        if pairs:
            took = sorted(one.first.seconds for one in pairs)
            print(
                f"{len(pairs)} {kind} pairs: one admitted each time; refused after "
                f"{statistics.median(took):.3f} s at the median, {took[-1]:.3f} s at most"
            )
    print(f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
