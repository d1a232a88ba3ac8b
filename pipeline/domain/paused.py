"""Why planning pauses, in words; they stand alone, so that `status` imports no models."""

from pipeline.domain.counting import counted


def planning_paused(waiting: int) -> str:
    """Say that planning pauses, and why."""
    plans = counted(waiting, "plan waits", "plans wait")
    return f"planning paused: {plans} (gate.max_pending)"
