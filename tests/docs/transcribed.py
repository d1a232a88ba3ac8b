"""Pages that show what commands print: their files, their commands, and the text below each.

Save this as `NAME`:       the block that follows is that file
    $ command              a block whose lines begin with `$ ` is typed
    what it prints         compared; `...` stands for any lines, or for any words in one
"""

import re
from dataclasses import dataclass
from difflib import unified_diff

from tests.docs.pages import Page

CHANGES: tuple[tuple[str, str], ...] = (
    (r"\d{8}-\d{6}-[0-9a-f]{4}", "<run>"),
    (r"\d{4}-\d\d-\d\d", "<date>"),
    (r"\d\d:\d\d(:\d\d)?", "<time>"),
    (r"\b[0-9a-f]{7,64}\b", "<hash>"),
    (r"\d+\.\d+\.\d+", "<version>"),
    (r"\d+(\.\d+)? ?(s|min)\b", "<seconds>"),
    (r"\d+\.\d\d USD", "<usd>"),
    (r"[\d,]+ tokens|[\d,]+ read from", "<tokens>"),
    (r"[~/]\S*/\.workflow", "<place>/.workflow"),
    (r"\bpython3\b", "python"),
    (r"(?m)[ \t]+$", ""),
    (r"  +", "  "),
)
"""What differs from run to run -> what stands for it."""

RUN = re.compile(CHANGES[0][0])


@dataclass
class Typed:
    """One command of a page and what the page says that it prints."""

    line: str
    shown: list[str]


def steps(page: Page) -> list[Typed | tuple[str, str]]:
    """Return the page's commands and files (name, text), in their order."""
    found: list[Typed | tuple[str, str]] = []
    prose, block = "", list[str]()
    for line in [*page.text.splitlines(), "the end"]:
        if line.startswith("    ") or (block and not line):
            block.append(line[4:])
            continue
        found += _block(prose, block)
        prose, block = (line if block else f"{prose} {line}"), []
    return found


def _block(prose: str, block: list[str]) -> list[Typed | tuple[str, str]]:
    text = "\n".join(block).rstrip() + "\n"
    named = re.search(r"as `([^`]+)`:\s*$", prose)
    return [(named.group(1), text)] if named else [*_typed(text)]


def _typed(text: str) -> list[Typed]:
    found: list[Typed] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Typed(line[2:], []))
        elif found:
            found[-1].shown.append(line)
    return found


def differences(typed: Typed, printed: str) -> str:
    """Return how what was printed differs from what the page shows; "" when it does not."""
    wanted, seen = _plain("\n".join(typed.shown)), _plain(printed)
    pattern = r"\n".join(
        r"(?:.*(?:\n.*)*?)" if line == "..." else r".*".join(map(re.escape, line.split("...")))
        for line in wanted
    )
    if re.fullmatch(pattern, "\n".join(seen)):
        return ""
    return "\n".join(unified_diff(wanted, seen, "the page", typed.line, lineterm=""))


def _plain(text: str) -> list[str]:
    for pattern, instead in CHANGES:
        text = re.sub(pattern, instead, text)
    return [line for line in text.strip("\n").splitlines() if line.strip()]
