"""What a rule is, what it finds, and what it may look at.

    Context (solution, surroundings, limits) -> Rule.check -> (place, text) -> Finding

A place reads `tasks[0].files[1].path`, counted from 0 as in the JSON of the solution.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from pipeline.plans.validation.context import Context

Found = tuple[str, str]
"""Place, and what is wrong there with what to do about it."""


class Severity(StrEnum):
    """Who hears of a finding."""

    ERROR = "error"
    """The Planning agent, which has to send a better plan."""
    WARNING = "warning"
    """The reviewer, who decides."""


@dataclass(frozen=True)
class Rule:
    """One thing that a plan has to be."""

    id: str
    """Kebab-case and stable: settings, records and people name it."""
    severity: Severity
    summary: str
    """What it finds, in one line."""
    reason: str
    """Why that is no plan, or what a reviewer should think of."""
    wrong: str
    """A part of a solution that it finds something in, as JSON; a test holds it to that."""
    right: str
    """The same part as it is fine."""
    check: Callable[[Context], Iterable[Found]]
    always: str = ""
    """Why nobody can switch it off; empty: one can."""


@dataclass(frozen=True)
class Finding:
    """Something that a rule found in a plan."""

    rule: str
    severity: Severity
    place: str
    text: str
    off: str = ""
    """Why its rule is switched off; empty: it is on."""

    def __str__(self) -> str:
        """Return it as one line: place, text, rule."""
        said = f"{self.rule}, off: {self.off}" if self.off else self.rule
        return f"{self.place}: {self.text} [{said}]"
