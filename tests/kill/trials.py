"""One kill: put a lane back, kill a command, look, resume to the end, look again."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tests.kill import scenario
from tests.kill.checks import Checkout, Kept, after_kill, at_end
from tests.kill.driver import Grain
from tests.kill.lane import Ended, Lane, Wrong

SOON_S = 0.01
Kind = Literal["directed", "random", "effect", "twice"]


@dataclass(frozen=True)
class Tried:
    """What one command of the story does when nobody kills it."""

    points: tuple[str, ...]
    """Journal lines, renders and `update-ref`s, in their order."""
    effects: tuple[str, ...]
    """The same and every other effect on files and processes."""
    seconds: float


@dataclass(frozen=True)
class Kill:
    """Where a command of the story is killed: at a point, or after a time."""

    kind: Kind
    number: int
    """Which step of the story, from 0."""
    at: int = 0
    after_s: float | None = None
    grain: Grain = "probes"
    point: str = ""
    again: tuple[int, ...] = ()
    """At which of its points each resumed run is killed in turn."""
    at_once: bool = False
    """Resume without waiting for the killed command's processes to be gone."""

    @property
    def name(self) -> str:
        """Return what a person needs to find the kill again."""
        step = scenario.STEPS[self.number]
        then = f", then at {', '.join(map(str, self.again))}" if self.again else ""
        words = " ".join(step.words[:2])
        return f"{self.kind} {self.number} ({step.phase}: {words}) at {self.at} {self.point}{then}"

    def followed_by(self, again: tuple[int, ...]) -> "Kill":
        """Return the same kill with kills of the resumed runs."""
        return replace(self, kind="twice", again=again)


@dataclass(frozen=True)
class Result:
    """What came of a kill; no problem: all is as it must be."""

    kill: Kill
    problem: str | None = None
    was_late: bool = False
    """The command had ended before the moment came."""


class Stage:
    """A lane with the state before each step of the story saved."""

    def __init__(self, base: Path) -> None:
        self.lane = Lane(base)
        self.checkout = Checkout.of(self.lane)
        self.before: list[Kept] = []
        for number, step in enumerate(scenario.STEPS):
            self.lane.save(str(number))
            self.before.append(_kept(self.lane, self.checkout))
            with self.lane.models(step.faults):
                self.lane.must(*step.words, codes=(step.code,))
        at_end(self.lane, self.before[-1], self.checkout)

    def learn(self) -> list[Tried]:
        """Return what each command does, at both grains, and how long it takes."""
        found = []
        for number, step in enumerate(scenario.STEPS):
            with self._put_back(number):
                effects = self.lane.run(*step.words, grain="effects").points
            with self._put_back(number):
                begun = time.monotonic()
                points = self.lane.run(*step.words).points
                found.append(Tried(points, effects, time.monotonic() - begun))
        return found

    def try_kill(self, kill: Kill) -> Result:
        """Kill, look, resume, look; a moment that comes too late is moved forward."""
        result = self._try(kill)
        while result.was_late and kill.after_s is not None and kill.after_s > SOON_S:
            kill = replace(kill, after_s=kill.after_s * 0.7)
            result = self._try(kill)
        return result

    def _try(self, kill: Kill) -> Result:
        step = scenario.STEPS[kill.number]
        with self._put_back(kill.number):
            ended = self.lane.run(
                *step.words, kill_at=kill.at, kill_after_s=kill.after_s, grain=kill.grain
            )
            if not ended.was_killed:
                missed = f"the point was not reached; exit {ended.code}: {ended.err[-300:]}"
                return Result(kill, missed if kill.at else None, was_late=True)
            try:
                self._resume(kill, ended)
            except Wrong as wrong:
                return Result(kill, str(wrong))
        return Result(kill)

    def _resume(self, kill: Kill, ended: Ended) -> None:
        """Go on from a kill to the end; raises `Wrong` when something does not hold."""
        lane, checkout = self.lane, self.checkout
        before = self.before[kill.number]
        kept = after_kill(lane, ended, checkout, before, at_once=kill.at_once)
        for at in kill.again:
            kept = after_kill(lane, lane.run("run", kill_at=at), checkout, kept)
        lane.finish(set_up=scenario.STEPS[kill.number].phase == "init")
        at_end(lane, kept, checkout)

    @contextmanager
    def _put_back(self, number: int) -> Iterator[None]:
        self.lane.restore(str(number))
        with self.lane.models(scenario.STEPS[number].faults):
            yield


def _kept(lane: Lane, checkout: Checkout) -> Kept:
    return after_kill(lane, Ended((), 0, (), "", ""), checkout)


_stages: list[Stage] = []
"""Of this process."""


def prepare(folder: Path) -> None:
    """Make the stage of this process in a folder of its own."""
    _stages.append(Stage(folder / str(os.getpid())))


def learn() -> list[Tried]:
    """Return what each command does when nobody kills it."""
    return _stages[0].learn()


def try_kill(kill: Kill) -> Result:
    """Try one kill on the stage of this process."""
    return _stages[0].try_kill(kill)
