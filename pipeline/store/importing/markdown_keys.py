"""Keys of an issue in Markdown: front matter, or lines below its heading.

---                         ## Dates before 1970 are wrong
priority: high              id: ISS-7
labels: [bug, dates]        - **labels:** bug, dates
depends_on:                 depends on: #12, ISS-3
  - ISS-3
---
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.domain.nearest import nearest
from pipeline.errors import PipelineError
from pipeline.store.importing.batch import NOTHING

KEYS: dict[str, str] = {
    "id": "id",
    "title": "title",
    "priority": "priority",
    "label": "labels",
    "labels": "labels",
    "tag": "labels",
    "tags": "labels",
    "depends on": "depends_on",
    "blocked by": "depends_on",
    "after": "depends_on",
    "author": "author",
    "url": "source_url",
    "source url": "source_url",
    "test": "test_commands",
    "test command": "test_commands",
    "test commands": "test_commands",
    "created": "created_at",
    "created at": "created_at",
    "status": "status",
}
"""Key as people write it (lower case, `_` and `-` as a space) -> what it sets."""

LISTS = frozenset({"labels", "depends_on"})
"""What is written as several values with commas between them."""

NO_VALUE = frozenset({"", "-", "none", "n/a"})

_LINE = re.compile(
    r"\s*(?:[-*]\s+)?(?:\*\*|__)?(?P<key>[A-Za-z][A-Za-z _-]{0,30}?)(?:\*\*|__)?\s*:"
    r"(?:\*\*|__)?(?P<value>(?:\s.*)?)"
)
_REFERENCE = re.compile(r"#\d+|[\w.-]+/[\w.-]+#\d+|https?://\S+|[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Line:
    """One line of a document and its number, from 1."""

    number: int
    text: str


@dataclass(frozen=True)
class Key:
    """One value of one key; a list has one for each of its items."""

    name: str
    """What it sets, as in the values of `KEYS`."""
    value: str
    line: int


def front_matter(lines: list[Line], *, document: str) -> tuple[list[Key], list[Line]]:
    """Return the keys between the two `---` at the beginning, and the lines after them."""
    if not lines or lines[0].text.rstrip() != "---":
        return [], lines
    end = next((n for n, one in enumerate(lines[1:], 1) if one.text.rstrip() in ("---", "...")), 0)
    if not end:
        raise PipelineError(f"'{document}' line 1: the front matter has no end: {NOTHING}")
    keys: list[Key] = []
    name = ""
    for line in lines[1:end]:
        text = line.text.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("- ") and name:
            keys.append(Key(name, _bare(text[2:]), line.number))
            continue
        found = _LINE.fullmatch(line.text)
        if found is None or _known(found["key"]) is None:
            word = found["key"] if found else text
            raise PipelineError(
                f"'{document}' line {line.number}: {word!r} is no key{_advice(word)}: {NOTHING}"
            )
        name = KEYS[_plain(found["key"])]
        keys += _values(name, found["value"], line.number)
    return keys, lines[end + 1 :]


def key_lines(lines: list[Line], *, document: str) -> tuple[list[Key], list[Line]]:
    """Return the keys on the first lines below a heading, and the text after them."""
    rest = list(lines)
    while rest and not rest[0].text.strip():
        rest.pop(0)
    keys: list[Key] = []
    while rest and (found := _LINE.fullmatch(rest[0].text)):
        name = _known(found["key"])
        if name is None and nearest(_plain(found["key"]), KEYS, likeness=0.8):
            raise PipelineError(
                f"'{document}' line {rest[0].number}: {found['key']!r} is no key"
                f"{_advice(found['key'])}: {NOTHING}"
            )
        values = _values(name, found["value"], rest[0].number) if name else []
        if name is None or (name == "depends_on" and not _only_references(values)):
            break
        keys += values
        rest.pop(0)
    return keys, rest


def _known(key: str) -> str | None:
    return KEYS.get(_plain(key))


def _plain(key: str) -> str:
    return re.sub(r"[\s_-]+", " ", key).strip().lower()


def _advice(word: str) -> str:
    near = nearest(_plain(word), KEYS)
    return f", did you mean {near!r}?" if near else f" (there are {', '.join(KEYS)})"


def _values(name: str, text: str, line: int) -> list[Key]:
    text = text.strip()
    if name not in LISTS:
        return [Key(name, _bare(text), line)] if text else []
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    parts = (_bare(part) for part in re.split(r",|\s+and\s+(?=#?\w)", inner))
    return [Key(name, part, line) for part in parts if part.lower() not in NO_VALUE]


def _bare(text: str) -> str:
    """Return a value without the quotes around it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        return text[1:-1]
    return text


def _only_references(keys: Iterable[Key]) -> bool:
    return all(_REFERENCE.fullmatch(key.value) for key in keys)
