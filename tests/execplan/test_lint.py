"""The linter of ExecPlans: each broken plan fails with its rule and line, whole ones pass."""

import re
from pathlib import Path

import pytest

from pipeline.plans.execplan.lint import lint
from pipeline.plans.execplan.rules import RULES
from pipeline.plans.execplan.skeleton import LIVING, SECTIONS, skeleton

PLANS = Path(__file__).parent.parent / "fixtures" / "execplans"
BROKEN = {
    "EP101-text-before": ["EP101:1"],
    "EP102-needless-fence": ["EP102:1"],
    "EP103-fence-label": ["EP103:3"],
    "EP104-unclosed-fence": ["EP104:3"],
    "EP105-nested-fence": ["EP105:53"],
    "EP105-nested-in-a-fence": ["EP105:75"],
    "EP106-second-plan": ["EP106:82"],
    "EP201-no-title": ["EP201:1"],
    "EP201-second-title": ["EP201:45"],
    "EP202-missing-section": ["EP202:60"],
    "EP203-section-order": ["EP203:17", "EP203:27"],
    "EP204-repeated-section": ["EP203:64", "EP204:64"],
    "EP205-section-heading": ["EP205:21"],
    "EP206-blank-after-heading": ["EP206:36"],
    "EP207-underlined-heading": ["EP207:40"],
    "EP207-no-space": ["EP207:45"],
    "EP208-empty-section": ["EP208:64"],
    "EP301-progress-without-boxes": ["EP301:11"],
    "EP302-box-elsewhere": ["EP302:43"],
    "EP303-done-without-time": ["EP303:16"],
    "EP304-impossible-time": ["EP304:16"],
    "EP305-box-form": ["EP305:17"],
    "EP401-marker-space": ["EP401:28"],
    "EP402-foreign-bullet": ["EP402:62", "EP402:63"],
    "EP403-list-numbers": ["EP403:43"],
    "EP501-no-living-line": ["EP501:1"],
    "EP501-living-line-names-three": ["EP501:3"],
    "EP502-revision-note-above": ["EP502:34"],
    "EP503-empty-revision-note": ["EP503:74"],
}
"""File -> the rules that it breaks, with their lines."""

HEADINGS = (
    "Purpose / Big Picture",
    "Progress",
    "Surprises & Discoveries",
    "Decision Log",
    "Outcomes & Retrospective",
    "Context and Orientation",
    "Plan of Work",
    "Concrete Steps",
    "Validation and Acceptance",
    "Idempotence and Recovery",
    "Artifacts and Notes",
    "Interfaces and Dependencies",
)
"""Of the public skeleton: openai/openai-cookbook, articles/codex_exec_plans.md."""


def found(text: str, *, in_file: bool = True) -> list[str]:
    return [f"{one.rule}:{one.line}" for one in lint(text, in_file=in_file)]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plan_fails_with_its_rule_and_line(name: str) -> None:
    assert found((PLANS / "broken" / f"{name}.md").read_text()) == BROKEN[name]


def test_every_rule_has_a_plan_that_breaks_it_and_every_file_is_looked_at() -> None:
    assert {path.stem for path in (PLANS / "broken").iterdir()} == set(BROKEN)
    assert {name.split("-")[0] for name in BROKEN} == {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("name", ["good.md", "in-a-message.md", "public-skeleton.md"])
def test_a_plan_that_breaks_no_rule_passes(name: str) -> None:
    assert found((PLANS / name).read_text()) == []


def test_the_sections_are_those_of_the_public_skeleton() -> None:
    assert tuple(SECTIONS) == HEADINGS
    public = (PLANS / "public-skeleton.md").read_text()
    assert tuple(re.findall(r"(?m)^## (.*)$", public)) == HEADINGS
    assert LIVING in public


@pytest.mark.parametrize("title", ["Add a flag", "# odd", "[x] 1. <b>", "{now}", "- a"])
def test_a_new_plan_passes(title: str) -> None:
    text = skeleton(title, now="2026-11-21 02:29Z")
    assert found(text) == []
    assert text.startswith(f"# {title}\n\n{LIVING}\n\n")


def test_a_fence_belongs_around_a_message_and_not_around_a_file() -> None:
    fenced = f"```md\n{skeleton('Add a flag', now='2026-11-21 02:29Z')}```\n"
    assert found(fenced, in_file=False) == []
    assert found(fenced) == ["EP102:1"]


def test_line_ends_of_windows_change_nothing() -> None:
    text = (PLANS / "broken" / "EP303-done-without-time.md").read_text()
    assert found(text.replace("\n", "\r\n")) == ["EP303:16"]


def test_a_plan_in_a_longer_page_is_found_among_other_fences() -> None:
    plan = (PLANS / "good.md").read_text()
    page = f"# How we plan\n\n```md\n# ExecPlans\n\nUse them.\n```\n\n````md\n# Rules\n\n```md\n{plan}```\n\nEnd.\n````\n\n```sh\nls\n```\n"  # noqa: E501
    assert found(page) == []


@pytest.mark.parametrize("text", ["", "\n\n", "no plan at all", "```md\n```\n", "\x00", "- [ ] a"])
def test_any_text_is_checked(text: str) -> None:
    rules = {one.rule for one in lint(text)}
    assert {"EP201", "EP202", "EP501"} <= rules


def test_headings_inside_quotations_and_code_are_no_sections() -> None:
    plan = (PLANS / "good.md").read_text()
    quoted = plan.replace("None so far.", "> ## Progress\n\n    ## Progress\n    - [ ] box", 1)
    assert found(quoted) == []
