"""Signals at every kind of moment: how soon a run has stopped.

    python -m tests.races.stops

SIGTERM and SIGHUP, to `run` and to `execute`: exit code 130 within ten seconds, nothing of the
agent's left running, the attempt recorded as interrupted, the lock free. SIGSTOP and SIGCONT: the
run pauses and goes on as if nothing had been. Exits 1 when it was otherwise once.
"""

import contextlib
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.rehearsal.faults import Fault, rate_limited
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import execute, plan, write
from tests.e2e.live import WAITS, Live, live
from tests.e2e.night import Night
from tests.surroundings import own_surroundings

LATEST_S = 10.0
PATIENCE_S = 60.0
NAP = "sleep 7654.3"
SHORT_NAP = "sleep 0.876543"
PATH = "work/{issue_id}.txt"


def napping(command: str) -> Script:
    """Return a script whose executor runs a command that takes its time, and then works."""
    planned = plan(files={PATH: "create"}, tests=[f"test -f '{PATH}'", command])
    return planned + execute(edits=[write(PATH, "{issue_id}\n")])


def at_once() -> Script:
    """Return a script whose executor works without a pause."""
    return plan(files={PATH: "create"}) + execute(edits=[write(PATH, "{issue_id}\n")])


def until(true: Callable[[], object], run: Live) -> None:
    """Wait until something is so; raises when the run ends first, or nothing comes."""
    latest = time.monotonic() + PATIENCE_S
    while not true():
        if run.process.poll() is not None or time.monotonic() > latest:
            raise AssertionError(f"it never came so far: {run.ended()}")
        select.select([], [], [], 0.02)


def running(command: str) -> bool:
    """Tell whether some process is exactly this command."""
    wanted = command.replace(" ", "\0").encode() + b"\0"
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if place.read_bytes() == wanted:
                return True
    return False


@dataclass(frozen=True)
class Moment:
    """When the signal comes: what the run is busy with."""

    name: str
    words: tuple[str, ...]
    script: Callable[[], Script] = at_once
    faults: tuple[Fault, ...] = ()
    approved: bool = True
    said: str = ""
    """A line of the run that says that it has come so far."""
    command: str = ""
    """A command that runs then."""


MOMENTS = (
    Moment("a command of the agent", ("run",), lambda: napping(NAP), command=NAP),
    Moment("the same, of execute", ("execute",), lambda: napping(NAP), command=NAP),
    Moment("a model that says nothing", ("run",), faults=(Fault("hang", agent="executor"),)),
    Moment("the gate", ("run", "--wait-gate", "1h"), approved=False, said=WAITS),
    Moment(
        "a quota",
        ("execute", "--wait-quota", "6h"),
        faults=(rate_limited(3600, agent="executor", call=0),),
        said="used up until",
    ),
    Moment(
        "a vendor's short pause",
        ("run",),
        faults=(rate_limited(50, agent="executor", call=0),),
    ),
)


def stop_at(moment: Moment, number: signal.Signals, folder: Path) -> float:
    """Send the signal at the moment; return after how many seconds the run had ended.

    Raises `AssertionError` when it did not end as it must.
    """
    with Night(folder / "repo", moment.script(), faults=moment.faults) as night:
        night.add("ISS-1")
        assert night.run("plan").code == 3
        if moment.approved:
            night.approve_all()
        with live(night, *moment.words) as run:
            come_to(moment, night, run)
            began = time.monotonic()
            ended = run.stop(number)
        seconds = time.monotonic() - began
        assert ended.code == 130, ended
        assert "Traceback" not in ended.err, ended.err
        assert not moment.command or not running(moment.command), "the agent's command lives"
        assert not (night.root / ".workflow" / "run.json").exists()
        assert night.run("audit", "verify").code == 0
        attempts = [one["failure_class"] for one in night.executed()] if moment.approved else []
        assert set(attempts) <= {"interrupted"}, attempts
    return seconds


def come_to(moment: Moment, night: Night, run: Live) -> None:
    """Wait until the run is busy with what the moment names."""
    if moment.said:
        run.until(moment.said)
    elif moment.command:
        until(lambda: running(moment.command), run)
    else:
        until(lambda: night.requests("executor"), run)


def pause(folder: Path) -> None:
    """Stop a run while a command of its agent runs, let it go on when that has ended."""
    with Night(folder / "repo", napping(SHORT_NAP)) as night:
        night.add("ISS-1")
        assert night.run("plan").code == 3
        night.approve_all()
        with live(night, "run") as run:
            until(lambda: running(SHORT_NAP), run)
            run.process.send_signal(signal.SIGSTOP)
            until(lambda: not running(SHORT_NAP), run)
            assert "is at work" in night.run("run").err, "who is paused still holds the lock"
            ended = run.stop(signal.SIGCONT)
        assert ended.code == 0, ended
        (record,) = night.executed()
        assert (record["status"], record["attempt"]) == ("completed", 1)
        assert len(night.commits()) == 1


def main(_words: Sequence[str] = ()) -> int:
    """Try them all and say what came of each."""
    problems = 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        for moment in MOMENTS:
            with tempfile.TemporaryDirectory(prefix="pipeline-stops-") as folder:
                place = Path(folder)
                with own_surroundings(place / "user"):
                    try:
                        seconds = stop_at(moment, number, place)
                        said = f"{seconds:5.2f} s"
                        problems += seconds >= LATEST_S
                    except AssertionError as error:
                        said, problems = f"WRONG {error}", problems + 1
            print(f"{number.name:<8} {moment.name:<28} {said}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="pipeline-stops-") as folder,
        own_surroundings(Path(folder) / "user"),
    ):
        pause(Path(folder))
    print("SIGSTOP, SIGCONT: goes on, nothing lost")
    print(f"{problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
