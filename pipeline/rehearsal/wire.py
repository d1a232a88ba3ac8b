"""What a vendor's wire has to offer so that one server speaks for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from pipeline.rehearsal.caching import Counted, PromptCache
from pipeline.rehearsal.checks import Refused
from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.view import RequestView

Json = dict[str, JsonValue]


@dataclass(frozen=True)
class Rendered:
    """An answer in a vendor's form: as one document, and as the events of a stream."""

    document: Json
    events: tuple[tuple[str, Json], ...]
    """Name (or nothing) and data of each server-sent event."""
    usage: Json


@dataclass(frozen=True)
class Layout:
    """Where the frozen part of a request ends and the ledger stands."""

    head_sha256: str
    ledger: tuple[str, ...]


class Wire(Protocol):
    """A vendor's API."""

    vendor: str
    ping: bytes
    """Bytes that keep a stream open and say nothing."""
    ending: bytes
    """Bytes after the last event of a stream."""
    unknown_event: tuple[str, Json]
    """An event that no client has heard of."""

    def check(self, body: Json, headers: Mapping[str, str]) -> None:
        """Raise `Refused` where the vendor would answer with an error."""
        ...

    def view(self, body: Json) -> RequestView:
        """Read the request without the vendor's words."""
        ...

    def layout(self, body: Json) -> Layout:
        """Return the request's frozen part, as a hash, and its ledger."""
        ...

    def count(self, body: Json, cache: PromptCache) -> Counted:
        """Count the input tokens against `cache`."""
        ...

    def render(self, body: Json, reply: ReplySpec, counted: Counted) -> Rendered:
        """Write `reply` in the vendor's form."""
        ...

    def refusal(self, refused: Refused) -> Json:
        """Write an error in the vendor's form."""
        ...

    def failure(self, refused: Refused) -> tuple[str, Json]:
        """Write an error as the event with which a stream reports it."""
        ...


def pieces(text: str) -> Sequence[str]:
    """Cut `text` into the deltas of a stream, some thousands at most; nothing has no delta."""
    size = max(80, len(text) // 2000)
    return [text[i : i + size] for i in range(0, len(text), size)]


def objects(value: JsonValue) -> list[Json]:
    """Return the objects in a JSON list; a request whose shape was checked has nothing else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: JsonValue, kinds: Sequence[str]) -> list[str]:
    """Return the texts of content that is a string or a list of parts of these types."""
    if isinstance(value, str):
        return [value]
    return [str(part["text"]) for part in objects(value) if part.get("type") in kinds]
