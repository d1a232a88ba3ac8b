"""The head: how far the journal was, kept in the user's state folder, which no sandbox sees.

A hash chain alone cannot tell that its end was cut off, or that all of it was written anew. The
head can: `{"journal", "seq", "hash", "end", "at", "earlier"}`. It is written when decisions have
been made and when a run ends, and only over a head that is still in the journal.
"""

import os
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from pipeline.domain.base import Noun, Time
from pipeline.paths import Places
from pipeline.store.files import write_whole
from pipeline.store.journal import Journal

TAIL = 64 + len('"}\n')
"""Bytes of a line from its hash on."""


class Gone(Noun):
    """A journal that was there before this one."""

    journal: str
    seq: int
    at: Time


class Head(Noun):
    """A line that is known to have been in the journal."""

    journal: str
    """Which journal: the first hex digits of its first line's hash."""
    seq: int
    hash: str
    end: int
    """Offset behind the line."""
    at: Time
    earlier: Gone | None = None
    """The journal in whose place the pipeline itself began this one, as it was missing."""


def read_head(places: Places) -> Head | None:
    """Return the head of this checkout's journal; None when there is none, or it is no head."""
    try:
        return Head.model_validate_json(places.journal_head.read_bytes())
    except (OSError, ValidationError):
        return None


def keep_head(places: Places, journal: Journal, now: datetime) -> None:
    """Note how far the journal is, unless what is noted already is not in it."""
    if journal.identity is None:
        return
    known = read_head(places)
    new = Head(
        journal=journal.identity,
        seq=journal.seq,
        hash=journal.last_hash,
        end=journal.end,
        at=now,
        earlier=known.earlier if known else None,
    )
    if known is not None and not _is_in(places.journal, known):
        if not journal.began_here:
            return
        gone = Gone(journal=known.journal, seq=known.seq, at=known.at)
        new = new.model_copy(update={"earlier": gone})
    if known is None or known.hash != new.hash:
        write_whole(places.journal_head, new.model_dump_json().encode())


def _is_in(path: Path, head: Head) -> bool:
    """Tell whether the journal holds the head's line, without reading the rest."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        tail = os.pread(handle, TAIL, max(head.end - TAIL, 0))
    finally:
        os.close(handle)
    return tail == head.hash.encode() + b'"}\n'
