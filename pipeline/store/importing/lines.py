"""JSON lines in the backlog's own form; those of the origin system are recognised."""

from collections.abc import Sequence

import orjson

from pipeline.domain.issue import Issue
from pipeline.store.backlog import parse_lines
from pipeline.store.importing.batch import NOTHING, Batch, Document, Incoming
from pipeline.store.importing.origin import ONLY_THERE, read_origin


def read_lines(documents: Sequence[Document]) -> Batch:
    """Read JSON lines; a document with a field that only the origin system writes is its own."""
    found = [read_origin([one]) if is_origin(one.text) else Batch(_own(one)) for one in documents]
    return Batch(
        incoming=tuple(one for batch in found for one in batch.incoming),
        notes=tuple(note for batch in found for note in batch.notes),
    )


def is_origin(text: str) -> bool:
    """Tell whether a line holds a field that only the origin system writes."""
    return any(
        not ONLY_THERE.isdisjoint(_keys(line))
        for line in text.splitlines()
        if any(f'"{name}"' in line for name in ONLY_THERE)
    )


def _own(document: Document) -> tuple[Incoming, ...]:
    issues = parse_lines(document.text.encode(), source=document.name, advice=NOTHING)
    return tuple(Incoming(issue, unsaid=_unsaid(issue)) for issue in issues)


def _unsaid(issue: Issue) -> frozenset[str]:
    silent = {"author", "author_trust"} - issue.model_fields_set
    return frozenset(silent if issue.closed else silent | {"status"})


def _keys(line: str) -> frozenset[str]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return frozenset()
    return frozenset(value) if isinstance(value, dict) else frozenset()
