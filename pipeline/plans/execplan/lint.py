"""`lint`: which rules a text breaks, and where."""

from dataclasses import dataclass

from pipeline.plans.execplan.document import Document
from pipeline.plans.execplan.rules import RULES


@dataclass(frozen=True)
class Finding:
    """One broken rule; `line` counts from 1."""

    line: int
    rule: str
    message: str


def lint(text: str, *, in_file: bool = True) -> list[Finding]:
    """Return what is wrong with the ExecPlan in a text, in the order of its lines.

    `in_file`: it is a file of its own, not a message, where a fence belongs around it.
    """
    plan = Document(text, in_file=in_file)
    found = [
        Finding(line + 1, rule.id, message) for rule in RULES for line, message in rule.find(plan)
    ]
    return sorted(found, key=lambda one: (one.line, one.rule))
