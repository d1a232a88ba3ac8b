"""What the rules about a plan's fence, headings and sections look for.

Each yields line numbers (from 0) and messages.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest

from pipeline.plans.execplan.document import Document, Heading, Problem
from pipeline.plans.execplan.envelope import label
from pipeline.plans.execplan.skeleton import SECTIONS

UNSPACED = re.compile(r"#{1,6}(?=[A-Za-z])")


def text_before(plan: Document) -> Iterator[Problem]:
    """Find text around a plan that has no fence."""
    titles = [heading.line for heading in plan.headings if heading.level == 1]
    if plan.envelope.opener is None and titles and titles[0] != plan.first:
        yield (
            plan.first,
            "text stands before the plan: put the plan into one ```md fence, or the text elsewhere",
        )


def needless_fence(plan: Document) -> Iterator[Problem]:
    """Find a fence around all that a file holds."""
    envelope = plan.envelope
    if envelope.opener is None or not plan.in_file:
        return
    around = [*plan.lines[: envelope.opener], *plan.lines[envelope.end + 1 :]]
    if not any(line.strip() for line in around):
        yield envelope.opener, "the file is nothing but the plan: take the fence around it away"


def fence_label(plan: Document) -> Iterator[Problem]:
    """Find an outer fence that is not three backticks and `md`."""
    opener = plan.envelope.opener
    if opener is not None and label(plan.lines[opener]) != "md":
        yield opener, f"the plan's fence is {plan.lines[opener].strip()!r}: begin it with ```md"


def unclosed_fence(plan: Document) -> Iterator[Problem]:
    """Find an outer fence that nothing closes."""
    if not plan.envelope.is_closed and plan.envelope.opener is not None:
        yield plan.envelope.opener, "the plan's fence is not closed: end it with ```"


def second_plan(plan: Document) -> Iterator[Problem]:
    """Find another plan in the same text."""
    if plan.envelope.second is not None:
        yield plan.envelope.second, "a second plan: one text holds one plan, in one fence"


def nested_fence(plan: Document) -> Iterator[Problem]:
    """Find fences inside the plan."""
    for line in plan.fences:
        yield line, "a code fence inside the plan: indent the code by four instead"


# headings and sections


def title(plan: Document) -> Iterator[Problem]:
    """Find a plan without a title, or with two."""
    titles = [heading for heading in plan.headings if heading.level == 1]
    if not titles:
        yield plan.first, "no title: begin with '# ' and a short description of the action"
    for extra in titles[1:]:
        yield (
            extra.line,
            f"a second title, {extra.text!r}: sections begin with '##'",
        )


def missing_section(plan: Document) -> Iterator[Problem]:
    """Find sections that are not there; their place is before the next one that is."""
    there = {heading.section: heading.line for heading in reversed(plan.sections)}
    names = list(SECTIONS)
    for number, name in enumerate(names):
        if name not in there:
            after = [there[one] for one in names[number + 1 :] if one in there]
            yield after[0] if after else plan.last, f"the section '## {name}' is missing"


def section_order(plan: Document) -> Iterator[Problem]:
    """Find sections that stand behind one that belongs after them."""
    names, highest = list(SECTIONS), 0
    for heading in plan.sections:
        number = names.index(heading.section or "")
        if number < highest:
            yield heading.line, f"'{heading.text}' belongs before '{names[highest]}'"
        highest = max(number, highest)


def repeated_section(plan: Document) -> Iterator[Problem]:
    """Find sections that are there twice."""
    seen: set[str | None] = set()
    for heading in plan.sections:
        if heading.section in seen:
            yield heading.line, f"'{heading.text}' is there already: keep one of them"
        seen.add(heading.section)


def section_heading(plan: Document) -> Iterator[Problem]:
    """Find sections whose heading is not written as in the skeleton."""
    for heading in plan.sections:
        if heading.level != 2 or heading.text != heading.section:
            yield heading.line, f"write this heading '## {heading.section}'"


def blank_after_heading(plan: Document) -> Iterator[Problem]:
    """Find headings that are not followed by a blank line."""
    for heading in plan.headings:
        if heading.end < plan.envelope.end and plan.lines[heading.end].strip():
            yield heading.line, f"no blank line after the heading '{heading.text}'"


def heading_form(plan: Document) -> Iterator[Problem]:
    """Find headings that are underlined, or have no space behind `#`."""
    for heading in plan.headings:
        if heading.underlined:
            yield heading.line, f"an underlined heading: write '## {heading.text}' on one line"
    for paragraph in plan.paragraphs:
        if UNSPACED.match(paragraph.text):
            yield paragraph.line, "no space behind '#', so this is no heading"


def empty_section(plan: Document) -> Iterator[Problem]:
    """Find sections that say nothing."""
    for heading, following in zip_longest(plan.headings, plan.headings[1:]):
        if heading.level > 1 and _is_empty(plan, heading, following):
            yield heading.line, f"'{heading.text}' says nothing: write 'None so far.' if that is so"


def _is_empty(plan: Document, heading: Heading, following: Heading | None) -> bool:
    if following is not None and following.level > heading.level:
        return False
    end = following.line if following else plan.envelope.end
    return not any(line.strip() for line in plan.lines[heading.end : end])
