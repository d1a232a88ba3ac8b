"""The tables of docs/safety.md say what the tables of the code say."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from pipeline.domain.plan import RiskLevel, Role
from pipeline.domain.solution import FileAction
from pipeline.paths import Places, UserPlaces
from pipeline.plans.privileges import TERMS
from pipeline.plans.risk import STEP_RISK
from pipeline.plans.risk_commands import COMMAND_RULES
from pipeline.plans.risk_paths import PATH_RULES, PathRule
from pipeline.safety.policy import NEEDED_ROLE
from pipeline.settings import load_settings
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "safety.md").read_text().splitlines()
SHOWN = 4
"""So many globs and commands of a row are named."""
DONE = {FileAction.CREATE: "created", FileAction.MODIFY: "modified", FileAction.DELETE: "deleted"}


def named(words: tuple[str, ...]) -> str:
    more = " and others" if len(words) > SHOWN else ""
    return ", ".join(f"`{word}`" for word in words[:SHOWN]) + more


def path_row(rule: PathRule) -> str:
    when = ", ".join(DONE[action] for action in FileAction if action in rule.actions)
    return f"| {rule.kind}: {named(rule.globs)} | {when} | {rule.level} | {rule.reason} |"


TABLES: dict[str, list[str]] = {
    "| a step | risk |": [f"| `{kind}` | {level} |" for kind, level in STEP_RISK.items()],
    "| path | when | risk | because |": [path_row(rule) for rule in PATH_RULES],
    "| command | risk | because |": [
        f"| {rule.kind}: {named(rule.commands)} | {rule.level} | {rule.reason} |"
        for rule in COMMAND_RULES
    ],
    "| privilege | allows | risk | needs at least |": [
        f"| `{operation}` | {terms.means} | {terms.risk} | "
        f"{'granted to nobody yet' if terms.refused else terms.role} |"
        for operation, terms in TERMS.items()
    ],
    "| risk | needs at least |": [f"| {risk} | {role} |" for risk, role in NEEDED_ROLE.items()],
}


@pytest.mark.parametrize("head", TABLES)
def test_a_table_of_the_page_is_the_table_of_the_code(head):
    begin = PAGE.index(head) + 2
    rows = TABLES[head]
    assert PAGE[begin : begin + len(rows)] == rows
    rest = PAGE[begin + len(rows)]
    assert not rest.startswith("|") or rest.startswith("| with a word")


def test_the_example_of_a_policy_is_one(tmp_path: Path) -> None:
    found = re.search(r"(?m)^    \[roles\]\n(?:    .*\n|\n)+", "\n".join(PAGE))
    assert found is not None
    (tmp_path / "config.toml").write_text(dedent(found[0]))
    places = Places(tmp_path / "repo", UserPlaces(tmp_path, tmp_path, tmp_path), tmp_path)

    settings = load_settings(places, {})

    assert settings.roles == {"ann": Role.MAINTAINER, "bob": Role.REVIEWER}
    assert settings.policy.required == {RiskLevel.LOW: Role.REVIEWER}
    assert [rule.name for rule in settings.policy.auto_approve] == ["documentation"]
