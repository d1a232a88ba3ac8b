"""What an agent remembers, read back from its transcript: enough to go on after a crash.

    spawned     head_sha256, head, notes, memory, ledger     the whole, once for each spawn
    settled     text                                         a digest joins the ledger
    folded      notes, memory, kept                          older digests became memory

The journal is what counts; a test holds the two together.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pydantic import JsonValue

from pipeline.store.transcript_lines import Line, Note


@dataclass(frozen=True)
class Remembered:
    """Head, memory and ledger of an agent."""

    head_sha256: str = ""
    head: JsonValue = None
    """`tools` as [name, description, schema], `system`, `context`."""
    notes: str = ""
    """A person's, as they were read last."""
    memory: str = ""
    ledger: tuple[str, ...] = ()


def remembered(lines: Iterable[Line]) -> Remembered:
    """Return what the agent of a transcript remembers after its last line."""
    now = Remembered()
    for line in lines:
        if not isinstance(line, Note):
            continue
        if line.kind == "spawned":
            now = Remembered(
                line.text("head_sha256"),
                line.fields.get("head"),
                line.text("notes"),
                line.text("memory"),
                _texts(line.fields.get("ledger")),
            )
        elif line.kind == "settled":
            now = replace(now, ledger=(*now.ledger, line.text("text")))
        elif line.kind == "folded":
            kept = line.fields.get("kept")
            left = now.ledger[len(now.ledger) - kept :] if isinstance(kept, int) else now.ledger
            now = replace(now, notes=line.text("notes"), memory=line.text("memory"), ledger=left)
    return now


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
