"""One death, or one broken disk, at one system call: then look, resume to the end, look again."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from tests.crash.poller import Poller
from tests.crash.story import STEPS, STORY
from tests.crash.troubles import TROUBLES, Trouble
from tests.kill.checks import Checkout, Kept, after_kill, at_end, whole_lines
from tests.kill.lane import Ended, Lane, Wrong
from tests.kill.watcher import Decide, Point, Watcher, go_on

NEW_WORK = frozenset({"call_begun", "rollback_begun"})
"""Journal lines with which work begins that costs money or changes the branch."""


@dataclass(frozen=True)
class Place:
    """One system call of the story."""

    step: int
    number: int
    """The how manieth point of the step, from 1."""
    name: str


@dataclass(frozen=True)
class Trial:
    """What is to happen where."""

    trouble: str
    """A key of `TROUBLES`."""
    place: Place

    @property
    def name(self) -> str:
        """Return what a person needs to find it again."""
        words = " ".join(STEPS[self.place.step][0][:2])
        return (
            f"{self.trouble} {self.place.step} ({words}) at {self.place.number} {self.place.name}"
        )


@dataclass(frozen=True)
class Result:
    """What came of a trial; no problem: all is as it must be."""

    trial: Trial
    problem: str | None = None
    was_late: bool = False
    """The step had fewer points this time."""
    first_work_s: float | None = None
    """Seconds from the start of the command that resumed to its first new work."""
    reads: int = 0
    """So many times jq read a whole document meanwhile."""


class Stage:
    """A lane with the state before each step of the story saved."""

    def __init__(self, base: Path) -> None:
        self.lane = Lane(base, STORY)
        self.checkout = Checkout.of(self.lane)
        self._line = base / "line"
        self._poller = Poller(self.lane.workflow, base / "polled")
        self._before: list[Kept] = []
        self.points: list[list[Point]] = []
        for number, (words, code) in enumerate(STEPS):
            self.lane.save(str(number))
            self._before.append(after_kill(self.lane, Ended((), 0, (), "", ""), self.checkout))
            with self.lane.models(), self._watched(go_on) as watcher:
                ended = self.lane.run(*words, watch=watcher.line)
            if ended.code != code:
                raise Wrong(f"{words} ended with {ended.code}: {ended.err[-500:]}")
            self.points.append(watcher.points)
        at_end(self.lane, self._before[-1], self.checkout)

    def places(self, trouble: Trouble) -> list[Place]:
        """Return where the trouble can come."""
        return [
            Place(step, point.number, point.name)
            for step, points in enumerate(self.points)
            for point in points
            if trouble.comes_at(point)
        ]

    def try_out(self, trial: Trial) -> Result:
        """Let the trouble come, look, resume, look again."""
        reads = self._poller.reads
        try:
            first_work_s = self._try(trial)
        except Wrong as wrong:
            return Result(trial, str(wrong))
        except TooLate:
            return Result(trial, was_late=True)
        return Result(trial, first_work_s=first_work_s, reads=self._poller.reads - reads)

    def _try(self, trial: Trial) -> float | None:
        lane, place, trouble = self.lane, trial.place, TROUBLES[trial.trouble]
        words, code = STEPS[place.step]
        lane.restore(str(place.step))
        with lane.models(), self._poller:
            decide = trouble.at(place.number)
            with self._watched(decide) as watcher:
                ended = lane.run(*words, watch=watcher.line)
            if len(watcher.points) < place.number:
                raise TooLate
            trouble.judge(ended, code)
            kept = after_kill(lane, ended, self.checkout, self._before[place.step])
            lane.starts.clear()
            lane.finish(set_up=place.step < len(STORY.set_up))
        at_end(lane, kept, self.checkout)
        return first_work_s(lane, kept)

    @contextmanager
    def _watched(self, decide: Decide) -> Iterator[Watcher]:
        with Watcher(self._line, self.lane.live, decide) as watcher:
            yield watcher


class TooLate(Exception):
    """The step came to its end before it reached the point."""


def first_work_s(lane: Lane, kept: Kept) -> float | None:
    """Return the seconds from a command's start to the first new work after a kill; None: none."""
    journal = whole_lines(lane.workflow / "journal.jsonl")[len(kept.journal) :]
    for line in map(orjson.loads, journal.splitlines()):
        if line["kind"] in NEW_WORK:
            at = datetime.fromisoformat(line["at"])
            start = max(one for one in lane.starts if one <= at)
            return (at - start).total_seconds()
    return None


_stages: list[Stage] = []
"""Of this process."""


def prepare(folder: Path) -> None:
    """Make the stage of this process in a folder of its own."""
    _stages.append(Stage(folder / str(os.getpid())))


def places(trouble: str) -> Sequence[Place]:
    """Return where a trouble can come."""
    return _stages[0].places(TROUBLES[trouble])


def try_out(trial: Trial) -> Result:
    """Try one trial on the stage of this process."""
    return _stages[0].try_out(trial)
