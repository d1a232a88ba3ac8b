"""Overlap: the Planning agent plans the next issue while the Execution agent works on this one.

    planning    plan -> gate -> plan -> gate -> ...      a thread of its own
    execution   gate -> execute -> gate -> ...           the caller's thread

Each lane goes round until it finds nothing to do, rests until the records have changed, and ends
when every lane has seen all of them. What ends the run in one lane interrupts the other one's turn;
the first such error is raised when both have ended. `floor.py` says how they share everything.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.errors import StopAsked
from pipeline.phases.work import Work

Round = Callable[[], int]
"""Does what there is to do now, and returns how much that was."""

REST_S = 0.25
"""How often a lane without work looks at the stop flag and at what other processes recorded."""

Mark = tuple[object, ...]
"""What has to change before a lane can have something to do again."""


@dataclass
class Lane:
    """One phase that goes on beside another."""

    go_round: Round
    mark: Callable[[], Mark]
    seen: Mark | None = None
    """The mark as it was when there was nothing to do; None while it works."""


def overlap(work: Work, plan: Round, execute: Round) -> int:
    """Plan and execute at the same time until neither finds more to do; return how much was done.

    `plan` lets the gate decide after each plan. Raises what ended the first lane that failed.
    """
    state = work.book.state

    def concerns_planning() -> Mark:
        return (state.planning.changed_at, len(state.replan))

    def concerns_execution() -> Mark:
        records = (state.planning.changed_at, state.execution.changed_at)
        return (*records, len(state.rerun), state.checkpoint is None)

    lanes = (Lane(plan, concerns_planning), Lane(execute, concerns_execution))
    return _Overlap(work, lanes).run()


@dataclass
class _Overlap:
    """Lanes that work at the same time."""

    work: Work
    lanes: tuple[Lane, ...]
    done: int = 0
    _problem: BaseException | None = field(default=None, init=False)

    def run(self) -> int:
        """Keep all lanes going, the last one in this thread; no thread is left in any case."""
        *others, own = self.lanes
        threads = [
            threading.Thread(target=self._keep_going, args=(lane,), name="lane") for lane in others
        ]
        for thread in threads:
            thread.start()
        self._keep_going(own)
        for thread in threads:
            thread.join()
        if self._problem is not None:
            raise self._problem
        return self.done

    def _keep_going(self, lane: Lane) -> None:
        with self.work.floor.taken():
            try:
                while not self._is_over():
                    lane.seen, mark = None, lane.mark()
                    done = lane.go_round()
                    self.done += done
                    if not done:
                        lane.seen = mark
                        self._rest(lane)
            except BaseException as problem:  # noqa: BLE001 - `run` raises it again
                self._problem = self._problem or problem
                if not isinstance(problem, StopAsked):  # else the other lane ends its step first
                    self.work.halt.is_set = True

    def _rest(self, lane: Lane) -> None:
        while lane.mark() == lane.seen and not self._is_over():
            self.work.floor.rest(REST_S)
            self.work.check_stop()
            self.work.book.catch_up()

    def _is_over(self) -> bool:
        ended = all(lane.seen == lane.mark() for lane in self.lanes)
        return ended or self._problem is not None
