"""What makes a phase stop short of its work until a person acts: enough plans, a checkpoint.

plan      Room                 gate.max_pending
execute   may_execute          gate.checkpoint_every
"""

from dataclasses import dataclass

from pipeline.domain.results import PlanningRecord
from pipeline.events import ConfirmationWanted, PlanningPaused
from pipeline.phases.work import Work
from pipeline.plans.waiting import waiting
from pipeline.store.entries import CheckpointReached


@dataclass
class Room:
    """How many more plans may be made before enough of them wait for a decision."""

    work: Work
    _left: int = 0

    def is_there(self) -> bool:
        """Tell whether another plan may be made; that there is no room is said once."""
        if self._left <= 0:  # counted only when used up, not for each issue
            count = self._waiting()
            self._left = self.work.settings.gate.max_pending - count
            if self._left <= 0 and not self.work.told_paused:
                self.work.bus.emit(PlanningPaused(count))
            self.work.told_paused = self._left <= 0
        return self._left > 0

    def take(self) -> None:
        """Note that a plan was made."""
        self._left -= 1

    def _waiting(self) -> int:
        pages = waiting(self.work.backlog.issues(), self.work.book.state)
        return sum(page.kind == "plan" for page in pages)


def may_execute(work: Work, record: PlanningRecord) -> bool:
    """Tell whether no confirmation is wanted before this plan; a checkpoint is journaled once.

    A solution that was begun before the checkpoint may be begun again: a kill costs nobody a
    confirmation.
    """
    state, every = work.book.state, work.settings.gate.checkpoint_every
    done = len(state.unconfirmed)
    if state.checkpoint is None:
        if every is None or done < every or record.key in state.unconfirmed:
            work.told_checkpoint = False
            return True
        work.book.record(CheckpointReached(solutions=done))
    if not work.told_checkpoint:
        work.told_checkpoint = True
        work.bus.emit(ConfirmationWanted(done))
    return False
