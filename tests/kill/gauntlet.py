"""One story that dies once at every kind of point, one death after the other."""

from tests.kill import scenario
from tests.kill.checks import Checkout, Kept, after_kill, at_end
from tests.kill.lane import Lane

SPARED = frozenset({"update-ref:start:refs/pipeline/failed"})
"""A death here makes the next attempt at ISS-D the second one, which succeeds: nobody retries."""


def run_gauntlet(lane: Lane) -> list[str]:
    """Take the story to its end; each command dies at the first point where none died before.

    Returns the points in the order of the deaths.
    """
    checkout = Checkout.of(lane)
    kept = Kept(b"", b"", {"planning": {}, "execution": {}})
    deaths: list[str] = []
    for step in scenario.STEPS:
        with lane.models(step.faults):
            while (words := _still_to_say(lane, step)) is not None:
                ended = lane.run(*words, spared=SPARED.union(deaths))
                if not ended.was_killed:
                    break
                kept = after_kill(lane, ended, checkout, kept)
                deaths.append(ended.points[-1])
    with lane.models():
        lane.finish()
        at_end(lane, kept, checkout)
    return deaths


def _still_to_say(lane: Lane, step: scenario.Step) -> tuple[str, ...] | None:
    """Return the words of a step without decisions that were made before a death."""
    name, *rest = step.words
    if name not in ("approve", "reject"):
        return step.words
    left = [word for word in rest if word in lane.waiting()]
    return (name, *left) if left else None
