"""A Markdown backlog: an issue for each `## Title`, or one issue for a whole file.

    # Backlog                   what stands above the first ## is not read

    ## Dates before 1970 are wrong
    id: ISS-7
    priority: high
    depends on: #12

    `parse("1969-12-31")` raises.

A file is one issue when its front matter has an id or a title, or when it has no `##`: its title is
then that key, else its `# Title`. Front matter of any other file holds for each of its issues.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.domain.issue import COMPLETED, Issue
from pipeline.errors import PipelineError
from pipeline.store.importing.batch import (
    NOTHING,
    PRIORITIES,
    Batch,
    Document,
    Incoming,
    checked,
)
from pipeline.store.importing.markdown_keys import Key, Line, front_matter, key_lines

SLUG_LENGTH = 40
DONE = {"completed": True, "closed": True, "done": True, "open": False, "todo": False}

_HEADING = re.compile(r" {0,3}(?P<marks>#{1,2})[ \t]+(?P<title>.*?)(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class _Section:
    """A heading and what stands below it."""

    level: int
    title: str
    line: int
    body: tuple[Line, ...]


def read_markdown(documents: Sequence[Document]) -> Batch:
    """Read Markdown documents; raises for two issues with one id, and when there is no issue."""
    incoming: list[Incoming] = []
    place_of: dict[str, str] = {}
    for document in documents:
        for where, one in _issues(document):
            name = one.issue.id
            if name in place_of:
                raise PipelineError(
                    f"{where}: issue {name!r} is there already ({place_of[name]}): "
                    f"give one of them another id: {NOTHING}"
                )
            place_of[name] = where
            incoming.append(one)
    return Batch(tuple(incoming))


def _issues(document: Document) -> list[tuple[str, Incoming]]:
    rows = document.text.replace("\r\n", "\n").split("\n")
    lines = [Line(number, text) for number, text in enumerate(rows, start=1)]
    keys, lines = front_matter(lines, document=document.name)
    sections = _sections(lines)
    whole = any(key.name in ("id", "title") for key in keys)
    listed = [one for one in sections if one.level == 2]
    if whole or not listed:
        return [_whole_file(document, keys, lines, sections)]
    return [_listed(document, keys, section) for section in listed]


def _listed(document: Document, shared: list[Key], section: _Section) -> tuple[str, Incoming]:
    """Return the issue of one `## Title`; its own keys come before those of the file."""
    where = f"'{document.name}' line {section.line}"
    own, text = key_lines(list(section.body), document=document.name)
    names = {key.name for key in own}
    keys = [*own, *(key for key in shared if key.name not in names)]
    return where, _incoming(document, where, section.title, keys, text)


def _whole_file(
    document: Document, keys: list[Key], lines: list[Line], sections: list[_Section]
) -> tuple[str, Incoming]:
    """Return the issue of a file: its first `# Title` is taken from its text."""
    first = next((one for one in sections if one.level == 1), None)
    title, where, text = "", f"'{document.name}' line 1", lines
    if first is not None:
        title, where = first.title, f"'{document.name}' line {first.line}"
        own, below = key_lines(
            [one for one in lines if one.number > first.line], document=document.name
        )
        text = [*(one for one in lines if one.number < first.line), *below]
        names = {key.name for key in own}
        keys = [*own, *(key for key in keys if key.name not in names)]
    titles = [key.value for key in keys if key.name == "title"]
    if not titles and not title:
        raise PipelineError(
            f"'{document.name}' holds no issue: begin each one with '## Title': {NOTHING}"
        )
    return where, _incoming(document, where, title, keys, text)


def _incoming(
    document: Document, where: str, title: str, keys: list[Key], text: Sequence[Line]
) -> Incoming:
    fields: dict[str, object] = {"title": title, "source": "markdown"}
    lists: dict[str, list[str]] = {"labels": [], "depends_on": [], "test_commands": []}
    for key in keys:
        if key.name in lists:
            lists[key.name].append(key.value)
        else:
            read = READ.get(key.name, str)
            try:
                fields[key.name] = read(key.value)
            except ValueError as error:
                raise PipelineError(
                    f"'{document.name}' line {key.line}: {key.name} is {key.value!r}: {error}: "
                    f"{NOTHING}"
                ) from error
    if not str(fields["title"]).strip():
        raise PipelineError(f"{where}: the title is empty: {NOTHING}")
    fields["labels"], fields["test_commands"] = lists["labels"], lists["test_commands"]
    fields["description"] = "\n".join(line.text for line in text).strip()
    fields.setdefault("id", slug(str(fields["title"])))
    issue = checked(where, Issue.model_validate, fields)
    unsaid = {"author_trust"} if issue.closed else {"author_trust", "status"}
    return Incoming(issue, tuple(lists["depends_on"]), frozenset(unsaid))


def slug(title: str) -> str:
    """Return an id made of a title: the same title has the same id at every import."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    short = words if len(words) <= SLUG_LENGTH else words[:SLUG_LENGTH].rpartition("-")[0]
    lost = short != words or any(sign.isalnum() and not sign.isascii() for sign in title)
    mark = hashlib.sha256(title.encode()).hexdigest()[:8] if lost or not short else ""
    return "-".join(part for part in (short, mark) if part)


def _sections(lines: list[Line]) -> list[_Section]:
    """Return the headings of the first two levels, outside of code blocks."""
    heads: list[tuple[int, str, int]] = []
    fence = ""
    for place, line in enumerate(lines):
        mark = _FENCE.match(line.text)
        if fence:
            if mark and mark["fence"].startswith(fence):
                fence = ""
        elif mark:
            fence = mark["fence"]
        elif found := _HEADING.fullmatch(line.text):
            heads.append((len(found["marks"]), found["title"].strip(), place))
    ends = [*(place for _, _, place in heads[1:]), len(lines)][: len(heads)]
    return [
        _Section(level, title, lines[place].number, tuple(lines[place + 1 : end]))
        for (level, title, place), end in zip(heads, ends, strict=True)
    ]


def _priority(text: str) -> int:
    number = PRIORITIES.get(text.lower()) or (int(text) if text.isdecimal() else 0)
    if not 1 <= number <= 5:
        raise ValueError("write 1 (critical) to 5, or critical, high, medium, low, trivial")
    return number


def _status(text: str) -> str | None:
    if text.lower() not in DONE:
        raise ValueError(f"write one of {', '.join(DONE)}")
    return COMPLETED if DONE[text.lower()] else None


def _created_at(text: str) -> str:
    return f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text


READ: dict[str, Callable[[str], object]] = {
    "priority": _priority,
    "status": _status,
    "created_at": _created_at,
}
"""Field -> how its value is read; every other one is text as it stands."""
