"""What watching costs: `status` while a run works on a long backlog, and a run that is watched.

    python -m bench.live [--issues 1000] [--rounds 15] [--pairs 40] [--check]

First: a repository with the history of `--issues` landed issues, in which `pipeline plan` works on
more of them. Meanwhile `python -c pass` and `pipeline status` take turns, `--rounds` times.

Second: planning turns of two calls and a command. Every other issue is watched: the live view
paints on a terminal of its own, the file of what happens now and the summary are written, and
`pipeline status --watch` of another process looks on. The others have none of it. The ratio is the
median over neighbours, so that what else the machine does meets both.

With `--check` it exits 1 when a bar is missed.
"""

import argparse
import io
import os
import pty
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from bench.overhead import WARM, place, work
from bench.startup import command, history, seconds
from pipeline.app.project import open_project
from pipeline.cli.live import Live
from pipeline.domain.wanted import Wanted
from pipeline.events import Event, EventBus, PlanningStarted, RunEnded
from pipeline.store.book import Book
from pipeline.store.journal import Journal
from pipeline.store.redaction import Redaction

STATUS_BAR_S = 0.3
RUN_BAR = 1.03
OPEN = 400
"""So many issues are left to plan while `status` is asked."""


def main() -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(description="what watching costs")
    parser.add_argument("--issues", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    kept = [status(chosen.issues, chosen.rounds)] if chosen.rounds else []
    kept += [watched(chosen.pairs)] if chosen.pairs else []
    return 1 if chosen.check and not all(kept) else 0


def status(issues: int, rounds: int) -> bool:
    """Print what `status` takes while a run works; tell whether its bar is kept."""
    with place(OPEN, latency=0.05) as (root, _url):
        project = open_project(root)
        backlog = project.places.issues_file
        done = "".join(
            f'{{"id":"ISS-{n:04d}","title":"landed {n}"}}\n' for n in range(1, issues + 1)
        )
        backlog.write_text(done + backlog.read_text().replace("ISS-", "NEW-"))
        Journal(project.places).begin_with(history(issues))
        Book(project.places, EventBus()).start(lambda _commit: True)
        taken: dict[str, list[float]] = {"pass": [], "status": []}
        with running(root, "plan", "--new"):
            for _ in range(rounds):
                taken["pass"].append(seconds([sys.executable, "-c", "pass"], root))
                taken["status"].append(seconds(command("status"), root))
                time.sleep(0.2)
    bare, shown = (statistics.median(taken[name]) for name in ("pass", "status"))
    slowest = max(taken["status"]) - bare
    print(
        f"`pipeline status` while a run works, {issues:,} issues landed: {shown - bare:.3f} s over"
    )
    print(f"`python -c pass` (median of {rounds}; the slowest {slowest:.3f} s)")
    print(f"bar: {STATUS_BAR_S} s: {'kept' if shown - bare <= STATUS_BAR_S else 'missed'}\n")
    return shown - bare <= STATUS_BAR_S


@contextmanager
def running(root: Path, *words: str) -> Iterator[None]:
    """Let a command work inside; it has begun to plan when this is entered."""
    process = subprocess.Popen(command(*words), cwd=root, stderr=subprocess.PIPE)
    assert process.stderr is not None
    for line in process.stderr:
        if b"SOL-" in line:
            break
    drain = Thread(target=process.stderr.read, daemon=True)
    drain.start()
    try:
        yield
        if process.poll() is not None:
            raise SystemExit("the run ended before the last `status`: raise OPEN")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@dataclass
class InTurn:
    """A listener that has every other issue watched, and takes the time of each."""

    root: Path
    bus: EventBus
    other: "subprocess.Popen[bytes]"
    stream: io.TextIOWrapper
    times: list[float] = field(default_factory=list)
    _live: Live | None = None
    _began: float | None = None
    _away: list[Callable[[Event], None]] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        """Take the time of the issue that ends here; watch the next one, or do not."""
        if not isinstance(event, PlanningStarted | RunEnded):
            return
        if self._began is not None:
            self.times.append(time.perf_counter() - self._began)
        is_watched = len(self.times) % 2 == 0 or isinstance(event, RunEnded)
        self._watch() if is_watched else self._leave()
        self._began = time.perf_counter()

    def _watch(self) -> None:
        if self._away:
            self.bus.listeners = [self, *self._away]
            self._away = []
        self.other.send_signal(signal.SIGCONT)
        if self._live is None:
            places = open_project(self.root).places
            self._live = Live(self.stream, places, os.environ, Redaction())
            self._live.__enter__()
            self.bus.listeners = [*self.bus.listeners, self._live]

    def _leave(self) -> None:
        self.other.send_signal(signal.SIGSTOP)
        if self._live is not None:
            self._live.__exit__(None, None, None)
            self.bus.listeners = [one for one in self.bus.listeners if one is not self._live]
            self._live = None
        self._away = self.bus.listeners[1:]
        self.bus.listeners = [self]


def watched(pairs: int) -> bool:
    """Print what being watched costs a run; tell whether its bar is kept."""
    with place(2 * (pairs + WARM) + 1, latency=0.05) as (root, _url):
        shown, theirs = pty.openpty()
        Thread(target=drained, args=(shown,), daemon=True).start()
        watch = command("status", "--watch")
        other = subprocess.Popen(watch, cwd=root, stdout=theirs, stdin=subprocess.DEVNULL)
        bus = EventBus()
        turns = InTurn(root, bus, other, os.fdopen(os.dup(theirs), "w"))
        bus.listeners.append(turns)
        try:
            work(root, {}, Wanted(execution=False), bus)
        finally:
            other.kill()
            other.wait()
    with_view, without = turns.times[2 * WARM :: 2], turns.times[2 * WARM + 1 :: 2]
    both = list(zip(with_view, without, strict=False))
    ratio = statistics.median(one / two for one, two in both)
    print(f"a planning turn, {len(both)} pairs of neighbours:")
    print(f"watched {statistics.median(with_view) * 1000:.1f} ms, ", end="")
    print(f"alone {statistics.median(without) * 1000:.1f} ms, ratio {ratio:.3f}")
    print(f"bar: {RUN_BAR} x: {'kept' if ratio <= RUN_BAR else 'missed'}")
    return ratio <= RUN_BAR


def drained(descriptor: int) -> None:
    """Read a terminal until it is gone."""
    try:
        while os.read(descriptor, 65536):
            pass
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
