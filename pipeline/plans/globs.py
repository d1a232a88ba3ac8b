"""Globs of repository paths, as `may_touch` uses them.

    *     anything but `/`            docs/*.md     docs/a.md, not docs/x/a.md
    ?     one character but `/`
    **    any number of folders       **/tests/**   tests/a.py, a/tests/b/c.py

Everything else stands for itself, brackets too: `app/[id]/page.tsx` is a path of a real project.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

PARTS = {"**/": "(?:.*/)?", "/**": "/.+", "**": ".*", "*": "[^/]*", "?": "[^/]"}
TOKENS = re.compile(r"^\*\*/|(?<=/)\*\*/|/\*\*$|\*\*|\*|\?")


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    text, end = "", 0
    for token in TOKENS.finditer(glob):
        text += re.escape(glob[end : token.start()]) + PARTS[token.group()]
        end = token.end()
    return re.compile(text + re.escape(glob[end:]), re.DOTALL)


def matches(path: str, glob: str) -> bool:
    """Tell whether a repository path (with `/`) is one that `glob` names."""
    return _pattern(glob).fullmatch(path) is not None


def matches_any(path: str, globs: Iterable[str]) -> bool:
    """Tell whether one of `globs` names `path`."""
    return any(matches(path, glob) for glob in globs)
