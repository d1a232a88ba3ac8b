"""Prompt caching as the vendors account for it, over a token count that is always the same.

A request is a row of blocks; an entry is the hash of all blocks up to a mark. Reading finds the
longest prefix that is stored; writing stores the prefixes at the marks. Lifetimes are not modelled.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

BYTES_PER_TOKEN = 4
ANTHROPIC_LOOKBACK = 20
"""How many blocks before a mark are looked at (vendor's page on prompt caching)."""

SMALLEST_PREFIX = {"anthropic": 512, "openai": 1024}
"""Tokens below which nothing is cached; Anthropic's 512 is that of the newest models."""


def count_tokens(size: int) -> int:
    """Return the tokens of `size` bytes."""
    return -(-size // BYTES_PER_TOKEN)


@dataclass(frozen=True)
class Mark:
    """A cache breakpoint after the block with index `after`; `ttl` in the vendor's words."""

    after: int
    ttl: str


@dataclass(frozen=True)
class Counted:
    """Input tokens of a request, each counted once; `written` by lifetime."""

    fresh: int
    read: int
    written: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return all input tokens."""
        return self.fresh + self.read + sum(self.written.values())


@dataclass
class PromptCache:
    """What has been stored so far; shared by all requests to one stand-in."""

    _entries: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)
    """Protects `_entries` between the server's threads."""

    def account(
        self,
        blocks: Sequence[bytes],
        *,
        marks: Sequence[Mark],
        scope: str,
        smallest: int,
        lookback: int | None,
    ) -> Counted:
        """Count one request and store its prefixes. `scope` keeps models and keys apart."""
        hashes, tokens = _prefixes(blocks, scope)
        total = tokens[-1] if tokens else 0
        marks = sorted((m for m in marks if tokens[m.after] >= smallest), key=lambda m: m.after)
        with self._lock:
            read = self._longest(hashes, tokens, marks, lookback)
            self._entries.update(hashes[mark.after] for mark in marks)
        written: dict[str, int] = {}
        so_far = read
        for mark in marks:
            new = max(0, tokens[mark.after] - so_far)
            written[mark.ttl] = written.get(mark.ttl, 0) + new
            so_far += new
        return Counted(fresh=total - so_far, read=read, written=written)

    def _longest(
        self, hashes: list[str], tokens: list[int], marks: Sequence[Mark], lookback: int | None
    ) -> int:
        looked_at = {
            index
            for mark in marks
            for index in range(mark.after + 1)
            if lookback is None or mark.after - index <= lookback
        }
        return max((tokens[i] for i in looked_at if hashes[i] in self._entries), default=0)


def _prefixes(blocks: Sequence[bytes], scope: str) -> tuple[list[str], list[int]]:
    """Return for each block the hash and the tokens of everything up to it."""
    running = hashlib.sha256(scope.encode())
    hashes: list[str] = []
    tokens: list[int] = []
    size = 0
    for block in blocks:
        running.update(len(block).to_bytes(8, "big") + block)
        size += len(block)
        hashes.append(running.hexdigest())
        tokens.append(count_tokens(size))
    return hashes, tokens
