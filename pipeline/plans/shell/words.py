"""Words out of the parser's tree: quotes and backslashes removed, expansions noticed."""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from pipeline.plans.shell.nouns import Word


class Node(Protocol):
    """What is used of a node of tree-sitter."""

    @property
    def type(self) -> str:
        """Return the kind of node, as tree-sitter-bash's grammar names it."""

    @property
    def children(self) -> "Sequence[Node]":
        """Return all children, signs included."""

    @property
    def start_byte(self) -> int:
        """Return where it begins in the source."""

    @property
    def end_byte(self) -> int:
        """Return where it ends in the source."""

    @property
    def start_point(self) -> tuple[int, int]:
        """Return line and column of its beginning, from 0."""

    @property
    def has_error(self) -> bool:
        """Tell whether it or anything in it could not be read."""

    @property
    def is_missing(self) -> bool:
        """Tell whether the parser put it in to be able to go on."""

    @property
    def is_named(self) -> bool:
        """Tell whether it is more than a sign."""


EXPANSIONS = frozenset(
    {
        *("simple_expansion", "expansion", "arithmetic_expansion", "command_substitution"),
        *("process_substitution", "brace_expression", "array"),
    }
)
UNQUOTED = re.compile(r"\\(\n|.)", re.DOTALL)
QUOTED = re.compile(r'\\([$`"\\\n])')
ANSI = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[0-7]{1,3}|.)", re.DOTALL)
ANSI_SIGNS = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
GLOB = re.compile(r"[*?\[]")


def source_of(node: Node, source: bytes) -> str:
    """Return the text of a node as it stands in the script."""
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def word_of(node: Node, source: bytes) -> Word:
    """Return the word that a node of an argument, name or value is."""
    pieces = list(_pieces(node, source))
    if any(kind == "expansion" for kind, _ in pieces) or _has_braces(pieces):
        return Word(source_of(node, source), literal=False)
    bare = [text for kind, text in pieces if kind == "bare"]
    globs = any(GLOB.search(UNQUOTED.sub("", text)) for text in bare)
    home = pieces[:1] and pieces[0][0] == "bare" and pieces[0][1].startswith("~")
    text = "".join(_unescape(kind, text) for kind, text in pieces)
    return Word(text, bare=bool(globs or home))


def _pieces(node: Node, source: bytes) -> Iterator[tuple[str, str]]:
    """Yield the parts of a word: how each is quoted, and its text without its quotes."""
    text = source_of(node, source)
    if node.type in EXPANSIONS:
        yield "expansion", text
    elif node.type in ("concatenation", "command_name"):
        for child in node.children:
            yield from _pieces(child, source)
    elif node.type == "raw_string":
        yield "single", text[1:-1]
    elif node.type == "ansi_c_string":
        yield "ansi", text[2:-1]
    elif node.type in ("string", "translated_string"):
        if any(child.type in EXPANSIONS or child.type == "string" for child in node.children):
            inner = node.children[-1]
            if node.type == "translated_string" and inner.type == "string":
                yield from _pieces(inner, source)
            else:
                yield "expansion", text
        else:
            yield "double", text.removeprefix("$")[1:-1]
    else:
        yield "bare", text


def _has_braces(pieces: Sequence[tuple[str, str]]) -> bool:
    """Tell whether bash makes several words of one: `{a,b}`, `{1..3}`, not `{}`."""
    bare = "".join(UNQUOTED.sub("", text) if kind == "bare" else "q" for kind, text in pieces)
    return re.search(r"\{[^{}]*(,|\.\.)[^{}]*\}", bare) is not None or "{{" in bare


def _unescape(kind: str, text: str) -> str:
    if kind == "bare":
        return UNQUOTED.sub(lambda m: "" if m.group(1) == "\n" else m.group(1), text)
    if kind == "double":
        return QUOTED.sub(lambda m: "" if m.group(1) == "\n" else m.group(1), text)
    return ANSI.sub(_ansi, text) if kind == "ansi" else text


def _ansi(match: re.Match[str]) -> str:
    sign = match.group(1)
    if sign[0] in "xu" and len(sign) > 1:
        return chr(int(sign[1:], 16))
    return chr(int(sign, 8) & 0xFF) if sign[0] in "01234567" else ANSI_SIGNS.get(sign, sign)
