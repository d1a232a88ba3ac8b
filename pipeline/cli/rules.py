"""`pipeline rules`: what a plan has to be before anyone is asked about it."""

import shutil
from typing import Annotated

import typer

from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_table, print_text
from pipeline.plans.validation import (
    RULES,
    Rule,
    explanation,
    find_rule,
    require_switchable,
    standing,
)


def command(
    rule: Annotated[
        str | None, typer.Argument(metavar="[RULE]", help="A rule to explain; all if left out.")
    ] = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """List the rules of validation, or explain one: why it is, what trips it, how to switch it off.

    Errors go back to the Planning agent, warnings to the reviewer.

    Example: pipeline rules dangerous-command
    """
    off = open_project(repo).settings.validation.off
    require_switchable(off)
    if rule is not None:
        found = find_rule(rule)
        print_json(_fields(found, off)) if as_json else print_text(explanation(found, off))
    elif as_json:
        print_json([_fields(one, off) for one in RULES.values()])
    else:
        rows = [(one.id, one.severity, standing(one, off), one.summary) for one in RULES.values()]
        width = shutil.get_terminal_size((100, 24)).columns
        print_table(("RULE", "SEVERITY", "", "FINDS"), rows, width=width)


def _fields(rule: Rule, off: dict[str, str]) -> dict[str, object]:
    return {
        "id": rule.id,
        "severity": rule.severity,
        "on": rule.id not in off,
        "off_because": off.get(rule.id),
        "always_because": rule.always or None,
        "summary": rule.summary,
        "reason": rule.reason,
        "wrong": rule.wrong,
        "right": rule.right,
    }
