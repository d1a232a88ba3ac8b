"""Every rule over one plan: what goes back to the agent, what the reviewer is told."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.domain.issue import Issue
from pipeline.domain.solution import Solution
from pipeline.plans.validation.context import Context
from pipeline.plans.validation.registry import RULES
from pipeline.plans.validation.rule import Finding, Severity
from pipeline.plans.validation.surroundings import Surroundings
from pipeline.settings import ValidationSettings

MOST_LINES = 40
"""So many errors are told at once; a plan with more is made anew anyway."""


@dataclass(frozen=True)
class Checked:
    """What the rules found in one plan."""

    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[str, ...]:
        """Return what keeps it from being a plan, one line each, for its author."""
        errors = [one for one in self.findings if one.severity is Severity.ERROR and not one.off]
        more = len(errors) - MOST_LINES
        lines = tuple(map(str, errors[:MOST_LINES]))
        return (*lines, f"and {more} more") if more > 0 else lines

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what its reviewer should know, one line each: warnings, and errors of rules that
        are off. A warning that is off is silent."""
        return tuple(
            str(one) for one in self.findings if bool(one.off) is (one.severity is Severity.ERROR)
        )


def check_solution(
    solution: Solution,
    *,
    around: Surroundings,
    issue: Issue | None = None,
    settings: ValidationSettings | None = None,
    may_touch: tuple[str, ...] = (),
    untested_ok: bool = False,
) -> Checked:
    """Apply every rule. `issue`: the one that was asked about."""
    limits = settings or ValidationSettings()
    context = Context(solution, around, issue, limits, may_touch, untested_ok)
    return Checked(tuple(_findings(context)))


def _findings(context: Context) -> Iterator[Finding]:
    for rule in RULES.values():
        off = context.limits.off.get(rule.id, "")
        for place, text in rule.check(context):
            yield Finding(rule.id, rule.severity, place, text, off)
