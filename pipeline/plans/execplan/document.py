"""An ExecPlan as its rules see it: lines, headings, sections, list items, each with its place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.plans.execplan.envelope import Envelope, find_envelope
from pipeline.plans.execplan.skeleton import SECTIONS

Problem = tuple[int, str]
"""A line (from 0) and what is wrong there."""

BOX = re.compile(r"\[([ xX])\][ \t]+(.*)", re.DOTALL)


@dataclass(frozen=True)
class Heading:
    """A heading; `line` is where it starts and `end` the line behind it, from 0."""

    level: int
    text: str
    line: int
    end: int
    underlined: bool

    @property
    def section(self) -> str | None:
        """Return which of the plan's sections it means, however it is written."""
        return _KNOWN.get(_plain(self.text))


@dataclass(frozen=True)
class Item:
    """One item of a list; `text` is its first paragraph."""

    line: int
    text: str
    number: int | None
    """What an ordered list calls it."""
    parent: int
    """Which list it is in."""

    @property
    def box(self) -> str | None:
        """Return what its check box holds (a space or an x); None: it has none."""
        found = BOX.match(self.text)
        return found[1].lower() if found else None

    @property
    def said(self) -> str:
        """Return what stands behind the check box."""
        found = BOX.match(self.text)
        return found[2] if found else self.text


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, inside a list or not, without the headings."""

    line: int
    text: str
    is_outermost: bool


class Document:
    """One text with a plan in it. All line numbers count from 0 at the text's beginning."""

    def __init__(self, text: str, *, in_file: bool) -> None:
        """`in_file`: the text is a file of its own, and no message."""
        self.lines: Sequence[str] = text.replace("\r\n", "\n").split("\n")
        self.in_file = in_file
        self.envelope: Envelope = find_envelope(self.lines)

    @property
    def first(self) -> int:
        """The line on which the plan begins to say something."""
        inside = range(self.envelope.begin, self.envelope.end)
        return next((n for n in inside if self.lines[n].strip()), self.envelope.begin)

    @property
    def last(self) -> int:
        """The last line of the plan that says something."""
        inside = range(self.envelope.end - 1, self.envelope.begin - 1, -1)
        return next((n for n in inside if self.lines[n].strip()), self.envelope.begin)

    @cached_property
    def headings(self) -> list[Heading]:
        """The headings that divide the plan; one in a quotation or a list divides nothing."""
        found = []
        for token, inline in zip(self._tokens, self._tokens[1:], strict=False):
            if token.type == "heading_open" and token.level == 0:
                line, end = self._place(token)
                underlined = token.markup in ("=", "-")
                found.append(Heading(int(token.tag[1]), inline.content, line, end, underlined))
        return found

    @cached_property
    def sections(self) -> list[Heading]:
        """The headings that mean one of the plan's twelve sections."""
        return [heading for heading in self.headings if heading.section]

    @cached_property
    def items(self) -> list[Item]:
        """All items of all lists."""
        return list(self._items())

    @cached_property
    def paragraphs(self) -> list[Paragraph]:
        """All paragraphs."""
        pairs = zip(self._tokens, self._tokens[1:], strict=False)
        return [
            Paragraph(self._place(token)[0], inline.content, token.level == 0)
            for token, inline in pairs
            if token.type == "paragraph_open"
        ]

    @cached_property
    def fences(self) -> list[int]:
        """The lines on which a fence is opened inside the plan."""
        return [self._place(token)[0] for token in self._tokens if token.type == "fence"]

    def section_at(self, line: int) -> str | None:
        """Return in which section a line is."""
        before = [h for h in self.headings if h.line <= line and (h.level <= 2 or h.section)]
        return before[-1].section if before else None

    @cached_property
    def _tokens(self) -> list[Token]:
        inside = self.lines[self.envelope.begin : self.envelope.end]
        return MarkdownIt("commonmark").parse("\n".join(inside))

    def _place(self, token: Token) -> tuple[int, int]:
        begin, end = token.map or (0, 0)
        return begin + self.envelope.begin, end + self.envelope.begin

    def _items(self) -> Iterator[Item]:
        lists: list[int] = []
        for index, token in enumerate(self._tokens):
            if token.type in ("bullet_list_open", "ordered_list_open"):
                lists.append(index)
            elif token.type in ("bullet_list_close", "ordered_list_close"):
                lists.pop()
            elif token.type == "list_item_open":
                inline = self._tokens[index + 2]
                text = inline.content if inline.type == "inline" else ""
                number = int(token.info) if token.info else None
                yield Item(self._place(token)[0], text, number, lists[-1])


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[&/]|\band\b", " ", text.casefold()).split())


_KNOWN = {_plain(name): name for name in SECTIONS}
