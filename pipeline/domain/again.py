"""Why an issue is taken up again, in words; alone here, so that `status` imports no models."""

INTERRUPTED = "interrupted"
"""The failure class of what was stopped: nothing came of it, so the next run goes on with it."""


def why_again(failure: str | None, error: str | None) -> str | None:
    """Return class and error as a reason, without saying the class twice; None of neither."""
    if not failure or not error or error.startswith(failure):
        return error or failure
    return f"{failure}: {error}"
