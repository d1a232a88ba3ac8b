"""What kind of change a path has gone through: mode, link, binary, size, rename, formatting.

The fence asks it for paths that only a glob opens: those may hold text and nothing else. What a
reviewer should look at becomes findings of the record.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from pipeline.domain.results import Finding, FindingKind
from pipeline.execution.junit import name_of_test
from pipeline.git import (
    GONE,
    LINK,
    BlobChange,
    Repository,
    blob_sizes,
    changed_blobs,
    read_blobs,
    renames,
)

LARGE = 2**20
"""So many bytes more than before make a file large."""
SNIFFED = 8_000
"""Bytes in which a NUL makes a file binary, as git sees it."""
LEAST_CHURN = 3
"""Lines; fewer are not worth a word."""
MOST_LINES = 5_000
"""Of a file whose formatting is compared."""
MOST_COMPARED = 20_000
"""So many lines are compared in one change: lines can be written that take seconds a file."""
INDENTS = (".py", ".pyi", ".yml", ".yaml", ".mk", "Makefile", ".coffee", ".haml", ".sass")
"""Where white space at the beginning of a line is no formatting."""

NEEDS_A_PLAN: frozenset[FindingKind] = frozenset(
    {"mode changed", "symbolic link", "binary", "large"}
)
"""What no glob allows: a person has to have read the path."""

NOT_COMPARED: frozenset[FindingKind] = frozenset({"deleted", "symbolic link", "binary"})
"""What has no lines whose formatting could have changed."""


@dataclass(frozen=True)
class Nature:
    """One changed path, and what a reviewer would want to know of how it changed."""

    path: str
    said: Mapping[FindingKind, str]
    """Kind -> the rest of it in words."""
    renamed_from: str | None = None

    @property
    def is_gone(self) -> bool:
        """Tell whether the path is not there any more."""
        return "deleted" in self.said


def natures(repo: Repository, base: str, tree: str) -> list[Nature]:
    """Return what differs between two commits or trees, in git's order, with its nature."""
    changed = changed_blobs(repo, base, tree)
    blobs = [blob for one in changed for blob in (one.old, one.new) if blob]
    sizes = blob_sizes(repo, blobs)
    contents = read_blobs(repo, blobs, LARGE)
    appeared = any(one.old_mode == GONE for one in changed)
    gone = any(one.new_mode == GONE for one in changed)
    origin = renames(repo, base, tree) if appeared and gone else {}
    found, left = [], MOST_COMPARED
    for one in changed:
        said = dict(_said(one, sizes, contents, origin.get(one.path)))
        old, new = contents.get(one.old or "", b""), contents.get(one.new or "", b"")
        size = max(old.count(b"\n"), new.count(b"\n"))
        if old and new and size <= left and not NOT_COMPARED & said.keys():
            left -= size
            if (lines := churn(one.path, old, new)) >= LEAST_CHURN:
                said["formatting only"] = f"{lines} lines"
        found.append(Nature(one.path, said, origin.get(one.path)))
    return found


def findings(seen: Sequence[Nature]) -> tuple[Finding, ...]:
    """Return what a reviewer should look at, besides content."""
    return tuple(
        Finding(kind=kind, path=name_of_test(one.path), detail=name_of_test(words))
        for one in seen
        for kind, words in one.said.items()
    )


def _said(
    one: BlobChange,
    sizes: Mapping[str, int],
    contents: Mapping[str, bytes],
    origin: str | None,
) -> Iterator[tuple[FindingKind, str]]:
    if one.new_mode == GONE:
        yield "deleted", ""
        return
    if origin is not None:
        yield "renamed", f"was {origin}"
    if one.new_mode == LINK:
        target = contents.get(one.new or "", b"").decode("utf-8", "replace")
        yield "symbolic link", f"to {target}"
        return
    if one.old_mode not in (GONE, one.new_mode):
        yield "mode changed", f"{one.old_mode} to {one.new_mode}"
    size = sizes.get(one.new or "", 0)
    if size - sizes.get(one.old or "", 0) > LARGE:
        yield "large", f"{size:,} bytes"
    if b"\0" in contents.get(one.new or "", b"")[:SNIFFED]:
        yield "binary", f"{size:,} bytes"


def churn(path: str, old: bytes, new: bytes) -> int:
    """Return how many lines of a text file changed in nothing but their formatting."""
    before, after = (one.decode("utf-8", "replace").splitlines(True) for one in (old, new))
    if max(len(before), len(after)) > MOST_LINES:
        return 0
    indented = path.endswith(INDENTS)
    count = 0
    for kind, i, j, k, m in SequenceMatcher(None, before, after).get_opcodes():
        if kind == "replace":
            count += _reformatted(before[i:j], after[k:m], indented)
    return count


def _reformatted(before: Sequence[str], after: Sequence[str], indented: bool) -> int:
    """Return how many lines of one replaced piece say what they said."""
    same_start = not indented or _indent(before[0]) == _indent(after[0])
    if same_start and _plain("".join(before)) == _plain("".join(after)):
        return max(len(before), len(after))
    keys = [Counter(_key(line) for line in lines) for lines in (before, after)]
    return sum((keys[0] & keys[1]).values())


def _key(line: str) -> tuple[int, str]:
    """Return what a line says, with its indentation; empty lines say where they stand."""
    return _indent(line), _plain(line) or line


def _indent(line: str) -> int:
    return len(line.expandtabs()) - len(line.expandtabs().lstrip())


def _plain(text: str) -> str:
    """Return text without what formatters change: white space, quotes, trailing commas."""
    text = re.sub(r"\s+", "", text).replace("'", '"')
    return re.sub(r",(?=[)\]}])|;(?=\}|$)", "", text)
