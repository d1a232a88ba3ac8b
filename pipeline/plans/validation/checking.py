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
    off: tuple[tuple[str, str], ...] = ()
    """Rules that were not applied, each with the reason."""

    @property
    def errors(self) -> tuple[str, ...]:
        """Return what keeps it from being a plan, one line each, for its author."""
        lines = self._lines(Severity.ERROR)
        more = len(lines) - MOST_LINES
        return (*lines[:MOST_LINES], f"and {more} more") if more > 0 else lines

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what a reviewer should know, one line each, rules that were off included."""
        unheard = tuple(f"{name} was off: {reason}" for name, reason in self.off)
        return (*self._lines(Severity.WARNING), *unheard)

    def _lines(self, severity: Severity) -> tuple[str, ...]:
        return tuple(str(one) for one in self.findings if one.severity is severity)


def check_solution(
    solution: Solution,
    *,
    around: Surroundings,
    issue: Issue | None = None,
    settings: ValidationSettings | None = None,
    may_touch: tuple[str, ...] = (),
    untested_ok: bool = False,
) -> Checked:
    """Apply every rule that is on. `issue`: the one that was asked about."""
    limits = settings or ValidationSettings()
    context = Context(solution, around, issue, limits, may_touch, untested_ok)
    off = tuple((name, limits.off[name]) for name in RULES if name in limits.off)
    return Checked(tuple(_findings(context)), off)


def _findings(context: Context) -> Iterator[Finding]:
    for rule in RULES.values():
        if rule.id not in context.limits.off:
            for place, text in rule.check(context):
                yield Finding(rule.id, rule.severity, place, text)
