"""All rules, in the order in which their findings are told."""

from collections.abc import Mapping

from pipeline.domain.nearest import no_such
from pipeline.errors import PipelineError
from pipeline.plans.validation import (
    acceptance,
    asked,
    commands,
    content,
    files,
    paths,
    programs,
    tasks,
    whole,
)
from pipeline.plans.validation.rule import Rule

FAMILIES: dict[str, tuple[Rule, ...]] = {
    "The whole": whole.RULES,
    "Privileges": asked.RULES,
    "Tasks": tasks.RULES,
    "Paths": paths.RULES,
    "Files": files.RULES,
    "Commands": commands.RULES,
    "Programs": programs.RULES,
    "Acceptance": acceptance.RULES,
    "Content": content.RULES,
}
"""Heading -> the rules of one file."""

RULES: dict[str, Rule] = {rule.id: rule for family in FAMILIES.values() for rule in family}


def find_rule(name: str) -> Rule:
    """Return a rule by its id; raises `PipelineError` with the nearest one."""
    if name in RULES:
        return RULES[name]
    raise no_such("rule", name, RULES, "`pipeline rules` lists them")


def require_switchable(off: Mapping[str, str]) -> None:
    """Raise `PipelineError` for the first id in `validation.off` that cannot stand there."""
    for name in off:
        try:
            rule = find_rule(name)
        except PipelineError as error:
            raise PipelineError(f"validation.off: {error}") from error
        if rule.always:
            raise PipelineError(
                f"validation.off: {name!r} cannot be switched off: {rule.always}; remove the line"
            )
