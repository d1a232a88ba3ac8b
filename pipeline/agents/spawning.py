"""Why an agent takes the place of an earlier one of its role.

What it remembers is in the journal (memory, ledger), so another one can go on at any time. One is
spawned when a process begins, and when an error has left the old one's connections or conversation
in a state that nothing good can come of. Three failures in a row stop the run (D11), so that no
cause is answered with agent after agent.
"""

from pipeline.errors import (
    AuthProblem,
    BadRequest,
    ContextOverflow,
    NetworkProblem,
    Overloaded,
    PipelineError,
    ProviderError,
    QuotaReached,
    SpendLimit,
)
from pipeline.store.entries import AgentSpawned

BREAKS: dict[type[ProviderError], str | None] = {
    NetworkProblem: "its connections broke",
    BadRequest: "the vendor refused what it sent",
    AuthProblem: None,
    ContextOverflow: None,
    Overloaded: None,
    QuotaReached: None,
    SpendLimit: None,
}
"""What each error that ends a turn has done to the agent; None: nothing."""


GOES_ON = "another process goes on"


def broken_by(error: PipelineError) -> str | None:
    """Return in one line why an agent cannot go on after `error`; None when it can."""
    words = next((BREAKS[kind] for kind in BREAKS if type(error) is kind), None)
    return f"{words}: {error}" if words else None


def why_again(before: AgentSpawned | None, now: AgentSpawned) -> str | None:
    """Return what an agent takes over from another process of the run, or None for the first."""
    if before is None:
        return None
    if (before.provider, before.model) != (now.provider, now.model):
        return f"another model, before {before.model}"
    if before.head_sha256 != now.head_sha256:
        return "its prompts, tools or context have changed"
    return GOES_ON
