"""What an error that ends a turn makes of its issue, and which errors end the whole run."""

from pipeline.agents.turn import OutcomeStatus
from pipeline.domain.results import FailureClass
from pipeline.errors import (
    BudgetSpent,
    DiskProblem,
    IssueBudgetSpent,
    PipelineError,
    QuotaPause,
    Stopped,
)

ENDS_THE_RUN = (QuotaPause, BudgetSpent, Stopped, DiskProblem)
"""Nothing else can be tried after these; the run is resumed later."""

FAILURE_OF: dict[type[PipelineError], FailureClass] = {
    QuotaPause: FailureClass.QUOTA,
    BudgetSpent: FailureClass.INTERRUPTED,
    IssueBudgetSpent: FailureClass.BUDGET,
    Stopped: FailureClass.INTERRUPTED,
    DiskProblem: FailureClass.INTERRUPTED,
    PipelineError: FailureClass.INFRASTRUCTURE,
}
"""The first that matches holds."""


FAILURE_OF_TURN: dict[OutcomeStatus, FailureClass | None] = {
    "answered": None,
    "failed": FailureClass.AGENT,
    "stuck": FailureClass.AGENT,
    "timed_out": FailureClass.AGENT,
    "interrupted": FailureClass.INTERRUPTED,
}
"""What the end of a turn without an answer makes of its issue."""


def failure_of(error: PipelineError) -> FailureClass:
    """Return the failure class of an issue whose turn was ended by `error`."""
    return next(failure for kind, failure in FAILURE_OF.items() if isinstance(error, kind))
