"""Dependencies in words: "depends on #12", "blocked by #12, #13", "after ISS-3".

Only an issue that is in the backlog or in the same import becomes a dependency. Code, quotations,
comments of HTML and text that is struck out do not count, and neither does "no longer blocked by".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

GITHUB = "GH-"

_TOKEN = (
    r"(?:https?://[^\s,;)\]>]+/issues/\d+|[\w.-]+/[\w.-]+\#\d+|\#\d+|[A-Za-z0-9][A-Za-z0-9._-]*)"
)
_ITEM = r"[\ \t]{0,8}\n[\ \t]{0,8}(?:\n[\ \t]{0,8})?[-*][\ \t]{1,8}(?:\[\ \][\ \t]+)?"
_GAP = r"[\ \t]{0,8}"
_SAYS = re.compile(
    rf"""
    (?<!not\ )(?<!longer\ )(?<!never\ )(?<!n['\u2019]t\ )
    \b(?P<verb>depends?\ on|depending\ on|blocked\ (?:by|on)|requires|waits?\ for|after)\b
    (?:[:*_]{{0,4}}{_ITEM}|[\s:*_`]{{0,8}})(?:issues?[ ])?
    (?P<refs>{_TOKEN}`?
      (?:(?:{_ITEM}|{_GAP},{_GAP}(?:and\ )?|\ and\ |{_GAP}[&+]{_GAP}|\ (?=`?\#\d))`?{_TOKEN}`?)*)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_REFERENCE = re.compile(_TOKEN)
_URL = re.compile(r"https?://[^/]+/(?P<repo>[\w.-]+/[\w.-]+)/issues/(?P<number>\d+)")
_FAR = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)#(?P<number>\d+)")
_HIDDEN = re.compile(
    r"(?ms)^ {0,3}(?P<fence>`{3,}|~{3,}).*?(?:^ {0,3}(?P=fence)|\Z)"
    r"|<!--.*?(?:-->|\Z)|~~.{1,2000}?~~|^ {0,3}>[^\n]*"
    r"|`[^`\n]{0,200}[ \t][^`\n]{0,200}`"
)
_LINK = re.compile(r"\[([^\[\]\n]{1,200})\]\([^()\s]{0,500}\)")


@dataclass(frozen=True)
class Reference:
    """One issue that a text names as coming before."""

    words: str
    """As it is written there: `#12`."""
    verb: str
    """`depends on`, as it is written there."""


class Names:
    """The ids that a reference can mean."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._exact = {name.casefold(): name for name in ids}
        self._numbered: dict[tuple[str, int], str] = {}
        for name in self._exact.values():
            if key := _numbered(name):
                self._numbered.setdefault(key, name)
        self._prefixes = {prefix for prefix, _ in self._numbered}

    def find(self, words: str, *, source_url: str | None = None) -> str | None:
        """Return the id that `words` mean: `#12` is GH-12, and ISS-3 may be called ISS-003.

        `source_url` tells of which repository the text is; None for an issue that is not there.
        """
        plain = meant(words, source_url=source_url)
        if plain is None:
            return None
        key = _numbered(plain)
        return self._exact.get(plain.casefold()) or (self._numbered.get(key) if key else None)

    def looks_like_one(self, words: str) -> bool:
        """Tell whether `words` can be meant as an id at all: "after lunch" is none."""
        if "#" in words or "/" in words:
            return True
        key = _numbered(words)
        return key is not None and key[0] in self._prefixes | {GITHUB.casefold()}


def meant(words: str, *, source_url: str | None = None) -> str | None:
    """Return the id that `words` stand for; None when it is an issue of another repository."""
    far = _URL.fullmatch(words) or _FAR.fullmatch(words)
    if far:
        home = _URL.match(source_url or "")
        same = home is not None and home["repo"].casefold() == far["repo"].casefold()
        return f"{GITHUB}{far['number']}" if same else None
    return f"{GITHUB}{words[1:]}" if words.startswith("#") else words


def references(text: str) -> Iterator[Reference]:
    """Yield what `text` names as coming before."""
    for found in _SAYS.finditer(_plain(text)):
        verb = " ".join(found["verb"].split()).lower()
        for token in _REFERENCE.finditer(found["refs"]):
            words = token[0].rstrip("._-")
            if words.casefold() != "and":
                yield Reference(words, verb)


def named_in(
    text: str, names: Names, *, source_url: str | None = None
) -> tuple[list[str], list[Reference]]:
    """Return the ids that `text` names as coming before, and what it names that is not there."""
    found: list[str] = []
    missing: list[Reference] = []
    for one in references(text):
        name = names.find(one.words, source_url=source_url)
        if name is not None and (names.looks_like_one(one.words) or not name.isalpha()):
            found.append(name)
        elif name is None and names.looks_like_one(one.words):
            missing.append(one)
    return list(dict.fromkeys(found)), missing


def _plain(text: str) -> str:
    """Return `text` without what does not count, its links as their words."""
    return _LINK.sub(r"\1", _HIDDEN.sub(" ", text.replace("\r\n", "\n")))


def _numbered(name: str) -> tuple[str, int] | None:
    """Return prefix (with its dash) and number of an id, so that ISS-3 and ISS-003 are the same."""
    prefix, dash, number = name.rpartition("-")
    if not dash or not prefix or not number.isascii() or not number.isdigit():
        return None
    return f"{prefix}-".casefold(), int(number)
