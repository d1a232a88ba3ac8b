"""What the rules about a plan's checklist, its lists and its life look for.

Each yields line numbers (from 0) and messages.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from pipeline.plans.execplan.document import Document, Problem
from pipeline.plans.execplan.skeleton import LIVING_SECTIONS

TIME = re.compile(r"\((\d{4}-\d{2}-\d{2} \d{2}:\d{2})Z\)")
NO_BOX = re.compile(r"\[(?:\]|[-*✓✔✗✘]\]|[ xX]\](?=[^\s(\[:]))")
UNSPACED = re.compile(r"[-+](?=[A-Za-z`\[])|\*(?=[A-Za-z`\[][^*]*$)|\d{1,9}[.)](?=[A-Za-z`\[])")
BULLETS = "•‣◦▪●·"
LIVES = "This ExecPlan is a living document"
NOTE = re.compile(r"[*_]{0,2}(?:revision|change) notes?[*_]{0,2}[ \t]*(?=[:(])", re.IGNORECASE)
NOTE_HEADING = re.compile(r"(?:revision|change) (?:notes?|history)", re.IGNORECASE)
NOTE_SAYS = re.compile(r"[ \t]*(?:\([^)]*\))?[*_]{0,2}:?[*_]{0,2}(.*)", re.DOTALL)


def progress_checklist(plan: Document) -> Iterator[Problem]:
    """Find a Progress section without check boxes."""
    boxes = [item for item in plan.items if item.box and plan.section_at(item.line) == "Progress"]
    for heading in plan.sections:
        if heading.section == "Progress" and not boxes:
            yield heading.line, "'Progress' has no check boxes: list each step as '- [ ] step'"


def box_elsewhere(plan: Document) -> Iterator[Problem]:
    """Find check boxes outside Progress."""
    for item in plan.items:
        if item.box and plan.section_at(item.line) != "Progress":
            yield item.line, "a check box outside 'Progress': say it in a sentence"


def done_without_time(plan: Document) -> Iterator[Problem]:
    """Find ticked boxes that do not begin with a time."""
    for item in plan.items:
        if item.box == "x" and not TIME.match(item.said):
            yield (
                item.line,
                "a ticked step without its time: '- [x] (2025-10-01 13:00Z) step'",
            )


def impossible_time(plan: Document) -> Iterator[Problem]:
    """Find times of steps that no calendar has."""
    for item in plan.items:
        found = TIME.match(item.said) if item.box else None
        if found and not _is_time(found[1]):
            yield item.line, f"there is no time {found[1]}Z"


def box_form(plan: Document) -> Iterator[Problem]:
    """Find what is meant as a check box and is none."""
    for item in plan.items:
        if item.box is None and NO_BOX.match(item.text):
            yield item.line, "no check box: write '- [ ] step' or '- [x] (time) step'"


# lists


def marker_space(plan: Document) -> Iterator[Problem]:
    """Find list markers without a space behind them."""
    for paragraph in plan.paragraphs:
        found = UNSPACED.match(paragraph.text)
        if found:
            yield paragraph.line, f"no space behind '{found[0]}', so this is no list"


def foreign_bullet(plan: Document) -> Iterator[Problem]:
    """Find bullets that Markdown does not know."""
    for paragraph in plan.paragraphs:
        for number, line in enumerate(paragraph.text.split("\n")):
            if line.lstrip().startswith(tuple(BULLETS)):
                yield paragraph.line + number, f"'{line.lstrip()[0]}' makes no list: write '- '"


def list_numbers(plan: Document) -> Iterator[Problem]:
    """Find ordered lists whose numbers do not count up; each may begin again at 1."""
    before: dict[int, int] = {}
    for item in plan.items:
        if item.number is None:
            continue
        last = before.get(item.parent)
        if last is not None and item.number not in (1, last + 1):
            yield item.line, f"number {item.number} follows {last}: count up by one"
        before[item.parent] = item.number


# what a living plan says of itself


def living_line(plan: Document) -> Iterator[Problem]:
    """Find a plan that does not say, above its sections, that it is a living document."""
    heads = [heading.line for heading in plan.headings if heading.level > 1]
    above = [p for p in plan.paragraphs if not heads or p.line < heads[0]]
    for paragraph in above:
        text = " ".join(paragraph.text.split())
        if LIVES in text:
            missing = [name for name in LIVING_SECTIONS if name not in text]
            if missing:
                yield paragraph.line, f"the living document line does not name {missing[0]!r}"
            return
    yield plan.first, f"no line says '{LIVES}', with the sections that are kept up to date"


def revision_place(plan: Document) -> Iterator[Problem]:
    """Find revision notes that do not stand at the bottom."""
    notes = [p.line for p in plan.paragraphs if p.is_outermost and NOTE.match(p.text)]
    others = [p.line for p in plan.paragraphs if p.line not in notes]
    end = max([*others, *(h.line for h in plan.headings)], default=0)
    if not any(h.level > 1 and NOTE_HEADING.match(h.text) for h in plan.headings):
        for line in notes:
            if line < end:
                yield line, "a revision note that is not at the bottom: move it behind everything"
    for heading in plan.headings:
        behind = [one for one in plan.sections if one.line > heading.line]
        if heading.level > 1 and NOTE_HEADING.match(heading.text) and behind:
            yield heading.line, f"'{heading.text}' is not at the bottom: move it behind everything"


def revision_says(plan: Document) -> Iterator[Problem]:
    """Find revision notes that say nothing."""
    for paragraph in plan.paragraphs:
        found = NOTE.match(paragraph.text)
        if found and paragraph.is_outermost:
            said = NOTE_SAYS.match(paragraph.text, found.end())
            if said and not said[1].strip():
                yield paragraph.line, "an empty revision note: say what was changed, and why"


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
