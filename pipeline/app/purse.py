"""Wiring of the purse."""

from collections.abc import Callable

from pipeline.safety.budget import Purse
from pipeline.settings import BudgetSettings
from pipeline.store.state import State


def open_purse(
    caps: BudgetSettings, state: State, clock: Callable[[], float], rest: Callable[[], None]
) -> Purse:
    """Return the open run's purse as earlier processes left it."""
    return Purse(
        caps,
        state.spent,
        clock() - state.worked_s,
        clock,
        spent_usd=state.spent_usd,
        rest=rest,
        bill=state.bill,
    )
