"""`kill -9` of the whole process group at random moments, over one long backlog.

One run works through it: each command goes on where the one before it was killed. When nothing is
left, the last words are checked and a new backlog of the same size is begun, until there have been
so many kills.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from pipeline.domain.base import utc_now
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import execute, plan, write
from tests.crash.poller import Poller
from tests.crash.trials import first_work_s
from tests.kill.checks import Checkout, Kept, after_kill, at_end
from tests.kill.lane import Ended, Lane, Wrong
from tests.kill.scenario import PROJECT, TEST_COMMAND
from tests.kill.story import Story

SHORTEST_S, LONGEST_S = 0.02, 2.5
"""A command lives so long: some die before they have done anything, most in the middle of work."""
NOTHING_MOVES = 40
"""So many kills in a row without a new record, and it is stuck."""
REALLY = 0.1
"""So many of the commands are processes of their own, with the start of Python in their time."""
PYTHON_S = 3.0
"""They live so much longer, or many of them would never get to work."""
ISSUE_S = 10.0
"""One issue takes no longer, on the slowest machine."""
RUN = ("run", "--auto-approve", "CRITICAL")


@dataclass
class Told:
    """What came of it."""

    kills: int = 0
    landed: int = 0
    reads: int = 0
    first_work_s: list[float] = field(default_factory=list)
    """Of processes that were forked with everything imported."""
    really_s: list[float] = field(default_factory=list)
    """Of those that were started as a person starts them."""
    problems: list[str] = field(default_factory=list)
    longest_s: float = LONGEST_S
    """A forked process lives no longer."""


def script() -> Script:
    """Return what both agents say of any issue: a file of its own, one task."""
    name = "work/{issue_id}.txt"
    return plan(
        files={name: "create"}, tests=["grep -qx '{issue_id}' 'work/{issue_id}.txt'"]
    ) + execute(edits=[write(name, "{issue_id}\n")])


def story(issues: int) -> Story:
    """Return a story of so many issues."""
    return Story(
        project=PROJECT,
        settings={"PIPELINE_TESTS_COMMAND": TEST_COMMAND, "PIPELINE_LIMITS_PROVIDER_RETRIES": "0"},
        set_up=(("init",),),
        script=script,
        states={f"ISS-{number}": "completed" for number in range(issues)},
        run=RUN,
    )


def try_kills(
    folder: Path,
    *,
    kills: int,
    issues: int,
    seed: int = 0,
    longest_s: float = LONGEST_S,
    say: Callable[[str], None],
) -> Told:
    """Kill so many times; tell at once about what goes wrong."""
    told, chance, backlog = Told(longest_s=longest_s), random.Random(seed), 0
    while told.kills < kills and not told.problems:
        backlog += 1
        lane = Lane(folder / f"backlog-{backlog}", story(issues))
        lane.patience_s += issues * ISSUE_S
        try:
            _kill_through(lane, chance, told, kills, Poller(lane.workflow, folder / f"p{backlog}"))
        except Wrong as wrong:
            told.problems.append(str(wrong))
            say(f"WRONG groups, kill {told.kills}, seed {seed}: {wrong}")
        shutil.rmtree(lane.base)
    return told


def _kill_through(
    lane: Lane, chance: random.Random, told: Told, kills: int, poller: Poller
) -> None:
    """Kill and resume until the backlog is done or there were enough kills, then finish."""
    with lane.models():
        lane.must("init")
        _fill(lane)
        checkout, kept = Checkout.of(lane), Kept(b"", b"", {"planning": {}, "execution": {}})
        still, is_over = 0, False
        with poller:
            while told.kills < kills and not is_over:
                lane.starts.clear()
                after_s = chance.uniform(SHORTEST_S, told.longest_s)
                really = chance.random() < REALLY
                start = _start_really if really else _start_forked
                ended = start(lane, after_s + (PYTHON_S if really else 0))
                is_over = not ended.was_killed
                if is_over and ended.code != 0:
                    raise Wrong(f"it ended with {ended.code}: {ended.err[-500:]}")
                before = kept
                kept = after_kill(lane, ended, checkout, before, at_once=chance.random() < 0.5)
                told.kills += ended.was_killed
                if (took := first_work_s(lane, before)) is not None:
                    (told.first_work_s if not really else told.really_s).append(took)
                still = still + 1 if _count(kept) == _count(before) else 0
                if still == NOTHING_MOVES:
                    raise Wrong(f"no new record after {still} kills: {ended.err[-500:]}")
            if not is_over:
                lane.finish()
        at_end(lane, kept, checkout)
        told.landed += len(lane.story.states)
    told.reads += poller.reads


def _start_forked(lane: Lane, after_s: float) -> Ended:
    return lane.run(*lane.story.run, kill_after_s=after_s)


def _start_really(lane: Lane, after_s: float) -> Ended:
    """Do the same with an interpreter of its own."""
    words = [sys.executable, "-m", "pipeline", *lane.story.run, "-C", str(lane.root)]
    lane.starts.append(utc_now())
    with subprocess.Popen(
        words,
        env=lane.environment(),
        cwd=lane.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            _, said = process.communicate(timeout=after_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            _, said = process.communicate()
    return Ended(lane.story.run, process.returncode, (), "", said)


def _count(kept: Kept) -> int:
    return sum(map(len, kept.records.values()))


def _fill(lane: Lane) -> None:
    """Write the backlog at once."""
    rows = [{"id": n, "title": f"do {n}", "author_trust": "owner"} for n in lane.story.states]
    lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    (lane.workflow / "issues" / "issues.jsonl").write_bytes(lines)
