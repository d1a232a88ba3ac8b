"""How soon a run that waits at the gate acts upon a decision of another process.

    python bench/waiting.py [--rounds 10] [--others 50] [--wait 60s] [--check]

Makes a repository with `--rounds` issues and `--others` more, and starts `pipeline run --unattended
--wait-gate` with the stand-in model server. Each round approves one plan by a process of its own
while the run waits, and takes the time from the approval's line of the journal to the line that
begins the attempt. The others, on which nobody decides, have to be parked at the deadline, and the
run has to end with 3. The same again with `gate.checkpoint_every = 1`, approved plans and
`pipeline confirm`.
Prints the medians, the slowest, and what waiting costs in CPU; with `--check` it exits 1 when a
median is over the limit.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

from pipeline.rehearsal.scripting import any_issue
from pipeline.rehearsal.server import StandIn

LIMIT_S = 0.5
PATIENCE_S = 120
IDLE_S = 2.0


@dataclass
class Scene:
    """One repository with a run that waits in it."""

    root: Path
    run: "subprocess.Popen[bytes]"
    taken: list[float] = field(default_factory=list)
    """From each decision to the attempt that it set off (seconds)."""

    def decide(self, decision: str, *words: str) -> None:
        """Decide by a process of its own while the run waits; note what it took."""
        self.wait_for(self._waits)
        before = len(self.lines())
        pipeline(self.root, *words)
        self.wait_for(lambda: self._at("attempt_begun", before) is not None)
        decided, begun = self._at(decision, before), self._at("attempt_begun", before)
        assert decided is not None
        assert begun is not None
        self.taken.append((begun - decided).total_seconds())

    def cost_of_waiting(self) -> float:
        """Return the CPU time that the run uses in a second of waiting (seconds)."""
        self.wait_for(self._waits)
        before, begun = self._cpu(), time.monotonic()
        time.sleep(IDLE_S)
        return (self._cpu() - before) / (time.monotonic() - begun)

    def lines(self) -> list[dict[str, object]]:
        """Return the journal's complete lines."""
        raw = (self.root / ".workflow" / "journal.jsonl").read_bytes()
        return [orjson.loads(line) for line in raw.split(b"\n")[:-1]]

    def wait_for(self, fact: object) -> None:
        """Wait until `fact()` is true, as long as the run lives."""
        assert callable(fact)
        ends = time.monotonic() + PATIENCE_S
        while not fact():
            if self.run.poll() is not None or time.monotonic() > ends:
                said = (self.root.parent / "log").read_text()[-2000:]
                raise SystemExit(f"the run did not get there, exit {self.run.poll()}: {said}")
            time.sleep(0.01)

    def _waits(self) -> bool:
        try:
            found = orjson.loads((self.root / ".workflow" / "run.json").read_bytes())
        except FileNotFoundError:
            return False
        return bool(found["waits_until"])

    def _at(self, kind: str, after: int) -> datetime | None:
        for line in self.lines()[after:]:
            if line["kind"] == kind:
                return datetime.fromisoformat(str(line["at"]))
        return None

    def _cpu(self) -> float:
        stat = Path(f"/proc/{self.run.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(description="from a decision to the attempt it sets off")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--others", type=int, default=50)
    parser.add_argument("--wait", default="60s")
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    approved, code, parked, cpu = approvals(chosen.rounds, chosen.others, chosen.wait)
    confirmed = confirmations(chosen.rounds)
    medians = [
        row("pipeline approve -> attempt begun", approved),
        row("pipeline confirm -> attempt begun", confirmed),
    ]
    print(f"waiting costs {cpu * 1000:.1f} ms of CPU a second")
    print(f"at the deadline: {parked} parked, exit {code}")
    good = max(medians) <= LIMIT_S and (parked, code) == (chosen.others, 3)
    print(f"limit: {LIMIT_S} s at the median; " + ("kept" if good else "not kept"))
    return 1 if chosen.check and not good else 0


def row(name: str, taken: list[float]) -> float:
    """Print one line of the table; return its median."""
    median = statistics.median(taken)
    print(f"{name:<34}  median of {len(taken)}: {median:.3f} s, slowest {max(taken):.3f} s")
    return median


def approvals(rounds: int, others: int, wait: str) -> tuple[list[float], int, int, float]:
    """Approve one plan a round; return the times, exit code, parked plans, CPU a second."""
    with scene(rounds + others, "--wait-gate", wait) as here:
        for number in range(1, rounds + 1):
            here.decide("plan_changed", "approve", f"SOL-ISS-{number}-1")
        cost = here.cost_of_waiting()
        code = here.run.wait(PATIENCE_S)
        events = [line["data"] for line in here.lines() if line["kind"] == "plan_changed"]
        parked = sum(isinstance(one, dict) and one["event"] == "park" for one in events)
        return here.taken, code, parked, cost


def confirmations(rounds: int) -> list[float]:
    """Confirm once a round, with one plan between two checkpoints; return the times."""
    os.environ["PIPELINE_GATE_CHECKPOINT_EVERY"] = "1"
    names = [f"SOL-ISS-{number}-1" for number in range(1, rounds + 2)]
    with scene(rounds + 1, "--wait-gate", "1h", approved=names) as here:
        for _ in range(rounds):
            here.decide("confirmed", "confirm")
        if code := here.run.wait(PATIENCE_S):
            raise SystemExit(f"with every plan confirmed the run ends with {code}")
        return here.taken


@contextmanager
def scene(issues: int, *words: str, approved: list[str] | None = None) -> Iterator[Scene]:
    """Make a repository with plans, and start a run in it that waits."""
    with tempfile.TemporaryDirectory(prefix="pipeline-bench-") as name, StandIn(any_issue()) as ai:
        root = make_repository(Path(name), ai.url, issues)
        pipeline(root, "plan", may_fail=True)
        if approved:
            pipeline(root, "approve", *approved)
        command = [sys.executable, "-m", "pipeline", "run", "--unattended", *words, "-C", str(root)]
        log = (Path(name) / "log").open("wb")
        with log, subprocess.Popen(command, stdout=log, stderr=log) as run:
            try:
                yield Scene(root, run)
            finally:
                if run.poll() is None:
                    run.terminate()


def make_repository(folder: Path, url: str, issues: int) -> Path:
    """Make a project with a backlog whose agents are the stand-in; return its folder."""
    for kind in ("STATE", "CACHE", "CONFIG"):
        os.environ[f"XDG_{kind}_HOME"] = str(folder / kind.lower())
    os.environ.update(
        PIPELINE_RUN_REHEARSAL="true",
        PIPELINE_TESTS_COMMAND="true",
        PIPELINE_PLANNER_BASE_URL=url,
        PIPELINE_EXECUTOR_BASE_URL=url,
    )
    root = folder / "repository"
    root.mkdir()
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
    subprocess.run([*git, "init", "-q", "-b", "main"], cwd=root, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "start"], cwd=root, check=True)
    pipeline(root, "init")
    backlog = [f'{{"id":"ISS-{n}","title":"issue number {n}"}}\n' for n in range(1, issues + 1)]
    (root / ".workflow" / "issues" / "issues.jsonl").write_text("".join(backlog))
    return root


def pipeline(root: Path, *words: str, may_fail: bool = False) -> None:
    """Run one command as a process of its own."""
    command = [sys.executable, "-m", "pipeline", *words, "-C", str(root)]
    subprocess.run(command, check=not may_fail, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
