"""What our loop costs besides the calls, and what `--overlap` gains.

    python -m bench.overhead [--issues 60] [--nights 24] [--latency 0.2] [--check]

First table: planning turns of two calls and one tool, against a stand-in of no latency in a process
of its own. Beside ours stands a bare loop on the vendor's SDK: it sends the same two requests, byte
for byte, runs the same command in the same sandbox, waits for the disk as often, and saves all its
results as one JSON document. The two take turns, issue by issue, so that whatever else the machine
does meets both. Each figure is a median over issues, the ratio one of pairs.

Second table: a whole night of small issues, planned and executed, one phase after the other and
with `--overlap`, against a stand-in that takes `--latency` seconds for each answer.

With `--check` it exits 1 when a bar is missed.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import anthropic
import orjson
from pydantic import JsonValue

from bench.waiting import make_repository
from pipeline.app.project import open_project
from pipeline.app.working import work_through
from pipeline.domain.plan import RiskLevel
from pipeline.domain.wanted import Wanted
from pipeline.events import Event, EventBus, PlanningStarted, RunEnded
from pipeline.execution.workspace import Workspace, Workspaces
from pipeline.git import head_commit
from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import execute, plan, run_command, write
from pipeline.rehearsal.server import StandIn
from pipeline.rehearsal.view import RequestView
from pipeline.sandbox import Sandbox, find_sandbox

LOOP_BAR = 1.10
OVERLAP_BAR = 1.8
COMMAND = "git log --oneline -1"
PATH = "work/{issue_id}.txt"
PLANS = plan(files={PATH: "create"}, tests=[f"test -s '{PATH}'"], before=[run_command(COMMAND)])
SIX = plan(files={PATH: "create"}, tests=[f"test -s '{PATH}'"], before=[run_command(COMMAND)] * 5)
NIGHT = SIX + execute(edits=[write(PATH, f"{number}\n") for number in range(4)])
"""Both agents make six calls for an issue."""
ISSUE = '{{"id": "ISS-{0}", "title": "issue number {0}", "author_trust": "owner"}}\n'
WARM = 3
"""So many issues at the beginning are not counted: what is read for the first time takes longer."""


@dataclass(frozen=True)
class Took:
    """Time of one issue (seconds); `cpu` of this process and its children."""

    wall: float
    cpu: float


@dataclass
class Watch:
    """Runs while ours works, and counts how often the disk is waited for."""

    waits: list[str] = field(default_factory=list)
    _wall: float = 0.0
    _cpu: float = 0.0

    def __post_init__(self) -> None:
        os.fsync = self._counted("fsync", os.fsync)
        os.fdatasync = self._counted("fdatasync", os.fdatasync)

    def start(self) -> None:
        """Begin to measure one issue."""
        self.waits = []
        self._wall, self._cpu = time.perf_counter(), cpu_s()

    def took(self) -> Took:
        """Return what has passed since `start`."""
        return Took(time.perf_counter() - self._wall, cpu_s() - self._cpu)

    def _counted(self, name: str, call: Callable[[int], None]) -> Callable[[int], None]:
        def counted(descriptor: int) -> None:
            self.waits.append(name)
            call(descriptor)

        return counted


@dataclass
class Bare:
    """The loop that somebody writes in an afternoon: calls, a tool, results on disk."""

    client: anthropic.Anthropic
    folder: Path
    sandbox: Sandbox
    workspace: Workspace
    results: list[JsonValue] = field(default_factory=list)

    def issue(self, bodies: list[dict[str, JsonValue]], waits: list[str]) -> None:
        """Do what ours did for one issue."""
        for body in bodies:
            said = self._call(body)
            if said.name == "run_command":
                assert isinstance(said.input, dict)
                script = str(said.input["command"])
                self.sandbox.run(script, self.workspace.jail, "plan", timeout_s=60)
        self.results.append(said.input)
        with (self.folder / "log.jsonl").open("ab") as log:
            for _ in range(waits.count("fdatasync")):
                log.write(orjson.dumps(said.input) + b"\n")
                log.flush()
                os.fdatasync(log.fileno())
        for _ in range(waits.count("fsync") // 2):
            self._save()

    def _call(self, body: dict[str, JsonValue]) -> anthropic.types.ToolUseBlock:
        sent = {name: value for name, value in body.items() if name != "stream"}
        with self.client.messages.stream(**sent) as stream:  # type: ignore[arg-type]
            message = stream.get_final_message()
        (block,) = [one for one in message.content if one.type == "tool_use"]
        return block

    def _save(self) -> None:
        temporary, path = self.folder / "results.tmp", self.folder / "results.json"
        with temporary.open("wb") as file:
            file.write(orjson.dumps(self.results))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        handle = os.open(self.folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


@dataclass
class InTurn:
    """A listener that lets the bare loop do each issue right after ours has done it."""

    bare: Bare
    log: Path
    watch: Watch = field(default_factory=Watch)
    pairs: list[tuple[Took, Took]] = field(default_factory=list)
    waited: list[int] = field(default_factory=list)
    _read: int = 0
    _is_on: bool = False

    def __call__(self, event: Event) -> None:
        """Take the time at which ours goes from one issue to the next."""
        if not isinstance(event, PlanningStarted | RunEnded):
            return
        ours, waits = self.watch.took(), self.watch.waits
        bodies = self._bodies()
        if self._is_on and isinstance(event, PlanningStarted):
            self.watch.start()
            self.bare.issue(bodies, waits)
            self.pairs.append((ours, self.watch.took()))
            self.waited.append(len(waits))
            self._bodies()
        self._is_on = True
        self.watch.start()

    def _bodies(self) -> list[dict[str, JsonValue]]:
        """Return the requests that came since the last time."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(self._read)
            lines = file.readlines()
            self._read = file.tell()
        return [orjson.loads(line)["body"] for line in lines]


def main() -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(description="what our loop costs, and what overlap gains")
    parser.add_argument("--issues", type=int, default=60)
    parser.add_argument("--nights", type=int, default=20, help="issues of each night")
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    kept = [loop(chosen.issues)] if chosen.issues else []
    kept += [nights(chosen.nights, chosen.latency)] if chosen.nights else []
    return 1 if chosen.check and not all(kept) else 0


def loop(issues: int) -> bool:
    """Print the first table; tell whether its bar is kept."""
    with place(issues, latency=0.0) as (root, url):
        project = open_project(root)
        sandbox = find_sandbox("bwrap")
        own = root.parent / "bare"
        own.mkdir()
        bare = Bare(
            anthropic.Anthropic(api_key="rehearsal", base_url=url, max_retries=0),
            own,
            sandbox,
            Workspaces(project.repo, project.places, sandbox).open(
                "bare", head_commit(project.repo)
            ),
        )
        turns = InTurn(bare, root.parent / "requests.jsonl")
        work(root, {}, Wanted(execution=False), turns)
    pairs = turns.pairs[WARM:]
    waits = statistics.median(turns.waited)
    print(
        f"a planning turn: 2 calls, 1 command, {waits:.0f} waits for the disk; {len(pairs)} issues"
    )
    print(f"{'':<8}{'ours':>12}{'bare loop':>12}{'ratio':>8}")
    ratio = row("wall", [(ours.wall, bare.wall) for ours, bare in pairs])
    row("cpu", [(ours.cpu, bare.cpu) for ours, bare in pairs])
    tenth = max(len(pairs) // 10, 1)
    first, last = (
        statistics.median(o.wall - b.wall for o, b in part)
        for part in (pairs[: tenth * 3], pairs[-tenth * 3 :])
    )
    print(f"ours - bare, first and last three tenths: {first * 1000:.1f} ms, {last * 1000:.1f} ms")
    print(f"bar: wall <= {LOOP_BAR} x: {'kept' if ratio <= LOOP_BAR else 'missed'}\n")
    return ratio <= LOOP_BAR


def row(name: str, pairs: list[tuple[float, float]]) -> float:
    """Print one line of the first table; return the median ratio."""
    ours, bare = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    ratio = statistics.median(mine / other for mine, other in pairs)
    print(f"{name:<8}{ours:>9.1f} ms{bare:>9.1f} ms{ratio:>8.2f}")
    return ratio


def nights(issues: int, latency: float) -> bool:
    """Print the second table; tell whether its bar is kept."""
    took = {}
    for overlap in (False, True):
        with place(issues, latency=latency) as (root, _url):
            seen: list[tuple[str, float]] = []
            wanted = Wanted(auto_approve=RiskLevel.MEDIUM)
            began = time.perf_counter()
            work(root, {"run.overlap": overlap}, wanted, Phases(seen))
            took[overlap] = time.perf_counter() - began
            if not overlap:
                planned = next(at for name, at in seen if name == "AttemptStarted") - began
    gain = took[False] / took[True]
    print(f"a night of {issues} issues, {latency:g} s an answer")
    print(f"one after the other  {took[False]:6.1f} s (planning {planned:.1f} s of it)")
    print(f"with --overlap       {took[True]:6.1f} s   {gain:.2f} x")
    print(f"bar: >= {OVERLAP_BAR} x: {'kept' if gain >= OVERLAP_BAR else 'missed'}")
    return gain >= OVERLAP_BAR


@dataclass
class Phases:
    """A listener that notes when what happened."""

    seen: list[tuple[str, float]]

    def __call__(self, event: Event) -> None:
        """Note one event."""
        self.seen.append((type(event).__name__, time.perf_counter()))


def work(
    root: Path,
    flags: Mapping[str, object],
    wanted: Wanted,
    listen: Callable[[Event], None] | EventBus,
) -> None:
    """Work through a backlog in this process; `listen` is a listener, or a whole bus."""
    project = open_project(root, flags)
    bus = listen if isinstance(listen, EventBus) else EventBus([listen])
    work_through(project, wanted, bus=bus, stop=lambda: False)


@contextmanager
def place(issues: int, *, latency: float) -> Iterator[tuple[Path, str]]:
    """Make a repository with a backlog; its models answer from another process, at the URL."""
    here, there = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory(prefix="pipeline-bench-") as name:
        log = Path(name) / "requests.jsonl"
        models = multiprocessing.get_context("spawn").Process(
            target=serve, args=(there, log, latency)
        )
        models.start()
        try:
            url = here.recv()
            root = make_repository(Path(name), url, 0)
            backlog = root / ".workflow" / "issues" / "issues.jsonl"
            backlog.write_text("".join(ISSUE.format(number) for number in range(issues)))
            yield root, url
        finally:
            here.send("enough")
            models.join()


def serve(orders: Connection, log: Path, latency: float) -> None:
    """Be the models until something is sent."""

    def reply(view: RequestView) -> ReplySpec:
        time.sleep(latency)
        return (NIGHT if latency else PLANS).reply(view)

    with StandIn(Script.from_function(reply), log=log) as models:
        orders.send(models.url)
        orders.recv()


def cpu_s() -> float:
    """Return the CPU time of this process and of its children that have ended (seconds)."""
    own, children = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    sys.exit(main())
