"""The journal's state for a first look: one pass over the file, no lock, nothing written."""

from pipeline.paths import Places
from pipeline.store.line import scan
from pipeline.store.state import FOLDS, State

BUFFER = 1 << 20


def glance(places: Places) -> State:
    """Return the state as the journal tells it now; empty when there is no journal."""
    state = State(places.journal)
    if places.journal.exists():
        with places.journal.open("rb", buffering=BUFFER) as file:
            scan(file, offset=0, seq=0, wanted=FOLDS, take=state.apply)
    return state
