"""The linter's rules: an id, what is wrong, why that matters, and what looks for it.

Unless a reason says otherwise, a rule comes from OpenAI's PLANS.md (seed 003; the skeleton:
openai/openai-cookbook, `articles/codex_exec_plans.md`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.plans.execplan import content, structure
from pipeline.plans.execplan.document import Document, Problem


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong with a plan."""

    id: str
    what: str
    """What is found, in a few words."""
    reason: str
    """Why it is wrong."""
    find: Callable[[Document], Iterator[Problem]]


RULES: tuple[Rule, ...] = (
    Rule(
        "EP101",
        "text before a plan that has no fence",
        "where a text holds more than the plan, only a fence says where the plan begins and ends",
        structure.text_before,
    ),
    Rule(
        "EP102",
        "a fence around a file that holds nothing else",
        "a file that is only the plan is Markdown itself; a fence would show it as code",
        structure.needless_fence,
    ),
    Rule(
        "EP103",
        "an outer fence that is not three backticks and `md`",
        "the label is how people and programs find the plan in a longer text",
        structure.fence_label,
    ),
    Rule(
        "EP104",
        "an outer fence that is not closed",
        "everything behind the plan would be taken for a part of it",
        structure.unclosed_fence,
    ),
    Rule(
        "EP105",
        "a code fence inside the plan",
        "it ends the plan's own fence early; code and transcripts are indented by four instead",
        structure.nested_fence,
    ),
    Rule(
        "EP106",
        "a second plan in the same text",
        "each plan is one fenced block and stands for itself",
        structure.second_plan,
    ),
    Rule(
        "EP201",
        "no title, or a second one",
        "the one `#` heading says what the plan does",
        structure.title,
    ),
    Rule(
        "EP202",
        "a section is missing",
        "a reader who has nothing but the plan needs all twelve",
        structure.missing_section,
    ),
    Rule(
        "EP203",
        "sections out of order",
        "purpose and progress come first; who knows one plan finds the way in the next",
        structure.section_order,
    ),
    Rule(
        "EP204",
        "a section is there twice",
        "one of the two would not be kept up to date",
        structure.repeated_section,
    ),
    Rule(
        "EP205",
        "a section's heading written otherwise",
        "agents and programs look for the exact heading, with `##`",
        structure.section_heading,
    ),
    Rule(
        "EP206",
        "no blank line after a heading",
        "two newlines follow every heading; some parsers take the next line into it otherwise",
        structure.blank_after_heading,
    ),
    Rule(
        "EP207",
        "a heading that is underlined, or has no space after `#`",
        "headings are written with `#`, `##` and so on; without the space it is plain text",
        structure.heading_form,
    ),
    Rule(
        "EP208",
        "a section without text",
        "an empty section does not tell whether there is nothing to say or nobody said it",
        structure.empty_section,
    ),
    Rule(
        "EP301",
        "no checklist in Progress",
        "the checklist is mandatory there: whoever takes over must see what is done",
        content.progress_checklist,
    ),
    Rule(
        "EP302",
        "a check box outside Progress",
        "two checklists disagree sooner or later; every other section is prose",
        content.box_elsewhere,
    ),
    Rule(
        "EP303",
        "a ticked step without its time",
        "times show how fast the work goes, and what happened before what",
        content.done_without_time,
    ),
    Rule(
        "EP304",
        "a time that does not exist",
        "it was written by nobody who looked at a clock",
        content.impossible_time,
    ),
    Rule(
        "EP305",
        "something meant as a check box that is none",
        "it is shown as text, and programs do not count it",
        content.box_form,
    ),
    Rule(
        "EP401",
        "a list marker without a space behind it",
        "Markdown shows it as running text",
        content.marker_space,
    ),
    Rule(
        "EP402",
        "a bullet that Markdown does not know",
        "all items of such a list run into one paragraph",
        content.foreign_bullet,
    ),
    Rule(
        "EP403",
        "an ordered list that does not count up",
        "Markdown counts by itself, so readers of the text and of the page see other numbers",
        content.list_numbers,
    ),
    Rule(
        "EP501",
        "the living document line is missing, or does not name its four sections",
        "it tells whoever works from the plan to keep it up to date",
        content.living_line,
    ),
    Rule(
        "EP502",
        "a revision note that is not at the bottom",
        "notes about changes stand at the bottom, where the newest is found",
        content.revision_place,
    ),
    Rule(
        "EP503",
        "a revision note that says nothing",
        "a note describes the change and its reason",
        content.revision_says,
    ),
)
