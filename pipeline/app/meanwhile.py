"""What to do after a decision: a run that is at work may take it up by itself."""

from pipeline.paths import Places
from pipeline.safety.decisions import Again
from pipeline.store.now import Now, load_now
from pipeline.store.run_info import alive

TAKEN_UP = "the run at work takes it up"


def then(places: Places, again: Again, command: str, *names: str) -> str:
    """Return the line after a decision: `command` comes next, or a run at work takes it up.

    `again`: which phase does. `names`: the issues and plans that were decided on. A run that does
    not go through that phase, or was started for others, takes nothing up.
    """
    worker = alive(places)
    if worker is None:
        return f"next: {command}"
    now = load_now(places, worker.pid)
    if worker.run_id is not None and now is not None and _takes(now, again, names):
        return TAKEN_UP
    return f"next: {command}, when the run at work has ended"


def _takes(now: Now, again: Again, names: tuple[str, ...]) -> bool:
    goes = now.plans if again == "plan" else now.executes
    return goes and (not now.only or any(name in now.only for name in names))
