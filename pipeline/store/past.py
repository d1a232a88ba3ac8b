"""What happened to one plan so far, for its living document."""

from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.issue import Feedback
from pipeline.domain.plan import Plan
from pipeline.domain.results import ExecutionRecord


@dataclass(frozen=True)
class Change:
    """One change of a plan's envelope: a decision, drift, an expiry."""

    at: datetime
    event: str
    by: str
    plan: Plan
    """The envelope after it."""


@dataclass(frozen=True)
class Past:
    """Everything oldest first."""

    changes: tuple[Change, ...] = ()
    attempts: tuple[ExecutionRecord, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    """What was learned about the plan's issue, for this plan and for others of it."""


NOTHING = Past()
"""Of a plan that was just made."""
