"""Why planning pauses, in words; they stand alone, so that `status` imports no models."""


def planning_paused(waiting: int) -> str:
    """Say that planning pauses, and why."""
    plans = "1 plan waits" if waiting == 1 else f"{waiting} plans wait"
    return f"planning paused: {plans} (gate.max_pending)"
