"""Thinking that is bound to its prefix: signed over everything that came before it.

Anthropic refuses a thinking block in a conversation other than its own since the 5.5 models;
blocks may be dropped from the start of a conversation, never from its middle. The encrypted
reasoning of OpenAI is treated alike. See "preserved thinking" in the vendors' documentation.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pydantic import JsonValue

_KEY = b"the stand-in signs what it made itself"


@dataclass(frozen=True)
class Seal:
    """What a signature says: the how-manieth block it is, and over what it was made."""

    position: int
    digest: str

    def __str__(self) -> str:
        return f"standin.{self.position}.{self.digest}"


def canonical(value: JsonValue) -> bytes:
    """Return `value` as JSON bytes with sorted keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def seal(prefix: Sequence[bytes], text: str, position: int) -> Seal:
    """Sign `text` as the thinking that follows `prefix`."""
    mac = hmac.new(_KEY, digestmod=hashlib.sha256)
    for part in (*prefix, text.encode(), str(position).encode()):
        mac.update(len(part).to_bytes(8, "big") + part)
    return Seal(position, mac.hexdigest()[:40])


def read_seal(signature: str) -> Seal | None:
    """Read a signature; None when it was not made here."""
    parts = signature.split(".")
    if len(parts) != 3 or parts[0] != "standin" or not parts[1].isdigit():
        return None
    return Seal(int(parts[1]), parts[2])


def next_position(seals: Sequence[Seal]) -> int:
    """Return the position of the block that would follow `seals`."""
    return seals[-1].position + 1 if seals else 0


def in_a_row(seals: Sequence[Seal]) -> bool:
    """Tell whether none is missing between the first and the last."""
    return all(b.position == a.position + 1 for a, b in pairwise(seals))
