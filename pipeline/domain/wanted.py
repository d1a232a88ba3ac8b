"""What a command wants of a run."""

from collections.abc import Collection
from dataclasses import dataclass

from pipeline.domain.plan import RiskLevel


@dataclass(frozen=True)
class Wanted:
    """Which phases to go through, and for what."""

    planning: bool = True
    execution: bool = True
    issues: Collection[str] = ()
    """Only these issues are planned; none: all."""
    solutions: Collection[str] = ()
    """Only these solutions are executed; none: all."""
    base: str | None = None
    new: bool = False
    auto_approve: RiskLevel | None = None
    """Plans up to this risk are approved by rule, besides those of the settings' rules."""
