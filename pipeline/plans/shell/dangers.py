"""Why a script is dangerous wherever it runs: one line for each thing found."""

from pipeline.plans.shell.nouns import Script


def dangers(script: Script) -> list[str]:
    """Return why a script is dangerous, one line for each reason; empty when nothing is found.

    Text that only mentions a dangerous command (`echo "rm -rf /"`) is no danger.
    """
    return []
