"""What a person wants an agent to keep in mind: Markdown in `.workflow/memory/`.

both.md       for both agents
planner.md    for one of them, after that
executor.md

Read when an agent is spawned and when its ledger is folded, at no other time: in between every
request has to begin with the same bytes. All of it together has `NOTES_TOKENS`.
"""

import stat
from pathlib import Path

from pipeline.agents.limits import NOTES_TOKENS, cut
from pipeline.plans.sanitize import clean
from pipeline.store.redaction import Redact

HEAD = "Notes by the people who work on this project:"
MOST_BYTES = 65_536
ROOM_FOR_NOTE = 15
"""Tokens: what is cut off says so."""


def read_notes(folder: Path, role: str, redact: Redact) -> str:
    """Return a role's notes as text for its memory, cleaned and without secrets; "" for none."""
    found = [_text(folder / name) for name in ("both.md", f"{role}.md")]
    text = redact("\n\n".join(one for one in found if one))
    return f"{HEAD}\n{cut(text, NOTES_TOKENS - ROOM_FOR_NOTE)}" if text else ""


def no_notes() -> str:
    """Return what an agent is told of whom nobody has written a note."""
    return ""


def _text(path: Path) -> str:
    """Return a file's text; "" for what is no regular file: a link may lead out of the project."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return ""
        with path.open("rb") as file:
            return clean(file.read(MOST_BYTES).decode("utf-8", "replace")).strip()
    except OSError:
        return ""
