"""Gate: nothing passes without a decision; say what waits and what to type next."""

from pipeline.events import GateWaits
from pipeline.phases.work import Work


def gate(work: Work) -> tuple[str, ...]:
    """Tell which plans wait for a person and return their ids; approved ones go on regardless."""
    work.book.catch_up()
    waiting = tuple(
        row.record.key for row in work.standings() if row.awaits_decision and row.record is not None
    )
    if waiting and waiting != work.told_waiting:
        work.bus.emit(GateWaits(waiting))
    work.told_waiting = waiting
    return waiting
