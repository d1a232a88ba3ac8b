"""The text of a results document: a header line, one record per line, an end.

    {"phase":"planning","created_at":"...","schema_version":1,"journal_seq":12,"journal":"..","results":[
    {"issue_id":...},
    {"issue_id":...}
    ]}

We write this layout; we read any JSON.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import orjson
from pydantic import JsonValue, ValidationError

from pipeline.domain.results import SCHEMA_VERSION, Header
from pipeline.errors import PipelineError

DocumentName = Literal["planning", "execution"]


@dataclass(frozen=True)
class Found:
    """What a document on disk says; `records` are JSON values, unchecked."""

    journal_seq: int | None
    journal: str | None
    records: list[JsonValue]


def compose(header: Header, records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the document in pieces; `records` are lines of JSON without a newline."""
    yield header.model_dump_json().encode()[:-1] + b',"results":[\n'
    between = b""
    for record in records:
        yield between + record
        between = b",\n"
    yield b"\n]}\n" if between else b"]}\n"


def head_of(path: Path) -> Header | None:
    """Return the header of a document in our own layout, reading one line of it."""
    with path.open("rb") as file:
        line = file.readline()
    try:
        return Header.model_validate_json(line.rstrip(b"\n") + b"]}")
    except ValidationError:
        return None


def holds(path: Path, records: Iterable[bytes]) -> bool:
    """Tell whether a document in our own layout has exactly these records; read as a stream."""
    with path.open("rb") as file:
        file.readline()
        for line, record in zip_longest(_record_lines(file), records):
            if line != record:
                return False
    return True


def read(raw: bytes, *, file: str) -> Found | None:
    """Return what a document says, or None when it is not JSON of the right shape.

    Raises `PipelineError` when a newer version of this program wrote it.
    """
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("results"), list):
        return None
    version = document.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise PipelineError(
            f"'{file}' has schema_version {version}, this version knows up to "
            f"{SCHEMA_VERSION}: use a newer pipeline"
        )
    seq, journal = document.get("journal_seq"), document.get("journal")
    return Found(
        journal_seq=seq if isinstance(seq, int) and not isinstance(seq, bool) else None,
        journal=journal if isinstance(journal, str) else None,
        records=document["results"],
    )


def _record_lines(file: Iterable[bytes]) -> Iterator[bytes]:
    ended = False
    for line in file:
        if line != b"]}\n":
            yield line.rstrip(b",\n")
        ended = line == b"]}\n"
    if not ended:
        yield b""
