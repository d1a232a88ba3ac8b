"""Every rule has a part of a plan that trips it and the same part as it is fine; both are tried."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.domain.issue import Issue
from pipeline.domain.solution import Solution, StepType
from pipeline.errors import PipelineError
from pipeline.plans.validation import (
    FAMILIES,
    HEARS,
    RULES,
    Checked,
    Rule,
    Severity,
    Surroundings,
    check_solution,
    explanation,
    find_rule,
    require_switchable,
)
from pipeline.plans.validation.content import RULES as CONTENT_RULES
from pipeline.plans.validation.surroundings import LINK
from pipeline.plans.validation.syntax import LANGUAGES
from pipeline.settings import ValidationSettings
from tests.plans.nouns import issue

FILE = "100644"
BASE = {"app.py": FILE, "tests": "40000", "tests/test_app.py": FILE, "current": LINK}
"""The repository that the examples of the rules are about."""
PROGRAMS = {"python3", "make", "rm"}

WHOLE = {
    "solution_id": "SOL-ISS-1-1",
    "issue_id": "ISS-1",
    "title": "add two numbers",
    "tasks": [{}],
    "acceptance": {"criteria": ["it adds"]},
}
TASK = {
    "title": "add them",
    "files": [{"path": "app.py", "action": "modify"}],
    "tests": ["python3 -m unittest"],
}
MANY = re.compile(r"\[(\d+) of them\]")
ONE_OF = {
    "steps": '{"type": "modify_file", "target": "app.py"}',
    "files": '{"path": "f%d.py", "action": "create"}',
}


def solution_of(part: str) -> Solution:
    """Return a good solution with `part` in place of its own: of the whole, and of its tasks."""
    given = json.loads(re.sub(r'"(steps|files)": \[(\d+) of them\]', _many, part))
    tasks = [
        _with_files({"id": f"T{n}", **TASK, **task})
        for n, task in enumerate(given.get("tasks", WHOLE["tasks"]), start=1)
    ]
    return Solution.model_validate({**WHOLE, **given, "tasks": tasks})


def _many(match: re.Match[str]) -> str:
    rows = (ONE_OF[match[1]].replace("%d", str(n)) for n in range(int(match[2])))
    return f'"{match[1]}": [{", ".join(rows)}]'


def _with_files(task: dict[str, Any]) -> dict[str, Any]:
    """Add the files that steps which create something need."""
    created = [
        {"path": step["target"], "action": "create"}
        for step in task.get("steps", ())
        if step["type"] == StepType.CREATE_FILE
    ]
    return task | {"files": [*task["files"], *created]}


def checked(
    solution: Solution,
    *,
    off: Mapping[str, str] | None = None,
    untested_ok: bool = False,
    asked: Issue | None = None,
    **fields: Any,
) -> Checked:
    """Apply the rules in the repository of the examples."""
    around = {
        "modes": lambda paths: {path: BASE[path] for path in paths if path in BASE},
        "has_program": PROGRAMS.__contains__,
    }
    return check_solution(
        solution,
        around=Surroundings(**{**around, **fields}),
        issue=asked or issue(1),
        settings=ValidationSettings(off=dict(off or {})),
        untested_ok=untested_ok,
    )


def found_in(part: str, rule: Rule) -> list[str]:
    untested = rule.id == "criteria-unchecked"
    findings = checked(solution_of(part), untested_ok=untested).findings
    return [one.rule for one in findings]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_example_of_a_rule_trips_it_and_nothing_else(rule: Rule) -> None:
    assert set(found_in(rule.wrong, rule)) == {rule.id}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_mended_example_of_a_rule_trips_nothing(rule: Rule) -> None:
    assert found_in(rule.right, rule) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_rule_is_switched_off_or_says_why_not(rule: Rule) -> None:
    off = {rule.id: "we know better"}
    if rule.always:
        with pytest.raises(PipelineError, match=re.escape(rule.always)):
            require_switchable(off)
        return
    require_switchable(off)
    untested = rule.id == "criteria-unchecked"
    found = checked(solution_of(rule.wrong), off=off, untested_ok=untested)
    assert found.errors == ()
    silent = rule.severity is Severity.WARNING
    assert bool(found.warnings) is not silent
    assert all(line.endswith(f"[{rule.id}, off: we know better]") for line in found.warnings)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_rule_explains_itself(rule: Rule) -> None:
    text = explanation(rule, {})
    assert all(part in text for part in (rule.id, rule.reason, rule.wrong, rule.right))
    assert ("cannot be switched off" in text) is bool(rule.always)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
    assert not rule.summary.endswith(".")
    assert rule.reason.endswith(".")


def test_ids_are_there_once_and_every_severity_is_explained() -> None:
    assert len(RULES) == sum(map(len, FAMILIES.values()))
    assert set(HEARS) == set(Severity)
    assert {rule.severity for rule in RULES.values()} == set(Severity)


def test_every_language_that_is_parsed_has_a_rule() -> None:
    ids = {rule.id for rule in CONTENT_RULES}
    assert {f"syntax-{name.lower()}" for name in LANGUAGES} <= ids


def test_what_protects_the_repository_is_always_on() -> None:
    always = {rule.id for rule in RULES.values() if rule.always}
    protecting = {"path-form", "path-outside", "path-closed", "file-unwritable"}
    assert protecting | {"command-hidden", "step-undeclared", "privilege-request"} <= always


def test_a_mistyped_id_gets_the_nearest_one() -> None:
    with pytest.raises(PipelineError, match="there is no rule 'file-mising': did you mean 'file-m"):
        find_rule("file-mising")
    with pytest.raises(PipelineError, match="there is no rule 'x': `pipeline rules` lists them"):
        find_rule("x")


def test_a_rule_that_is_off_is_explained_with_its_reason() -> None:
    text = explanation(find_rule("file-missing"), {"file-missing": "a generator makes them"})
    assert text.endswith("It is off: a generator makes them\n")
