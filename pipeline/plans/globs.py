"""Which paths a glob of `may_touch` covers.

**/x      x in any folder, the root included        dir/**   everything below dir
*  ?      anything inside one path part             [ab]     one of these characters
*.lock    no slash: the name in any folder
"""

import re
from collections.abc import Iterable
from functools import lru_cache

_TOKEN = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|\[!?[^\]/]+\]|.", re.DOTALL)
_MEANING = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matches(path: str, glob: str) -> bool:
    """Tell whether a path (relative, with `/`) is covered by one glob; case counts."""
    return _compiled(glob).fullmatch(path) is not None


def matches_any(path: str, globs: Iterable[str]) -> bool:
    """Tell whether a path is covered by at least one of the globs."""
    return any(matches(path, glob) for glob in globs)


def together(globs: Iterable[str]) -> "re.Pattern[str]":
    """Return what matches a whole path that at least one of the globs covers: for fixed tables."""
    return re.compile("|".join(f"(?:{_compiled(glob).pattern})" for glob in globs) or "(?!)", re.S)


def exactly(path: str) -> str:
    """Return the glob that covers this path and no other, wherever its name appears too."""
    plain = re.sub(r"[*?\[]", r"[\g<0>]", path)
    return plain if "/" in plain else f"/{plain}"


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> "re.Pattern[str]":
    glob = glob.removeprefix("./")
    if glob.endswith("/"):
        glob += "**"
    anchored = glob.removeprefix("/")
    prefix = "" if "/" in glob else "(?:.*/)?"
    return re.compile(prefix + "".join(map(_translated, _TOKEN.findall(anchored))), re.DOTALL)


def _translated(token: str) -> str:
    if token in _MEANING:
        return _MEANING[token]
    if len(token) > 2 and token.startswith("["):
        inverted, members = token.startswith("[!"), token[1:-1].removeprefix("!")
        return f"[{'^/' if inverted else ''}{_class_body(members)}]"
    return re.escape(token)


def _class_body(members: str) -> str:
    return re.sub(r"([\\\[\]^&~|])", r"\\\1", members)
