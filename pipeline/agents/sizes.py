"""How large a request can be at most, before its vendor has counted it.

A token holds at least one byte of what was sent, so bytes are a bound for what nobody has counted
yet. What a vendor has counted bounds every request that begins in the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.agents.conversation import Block, size
from pipeline.agents.limits import BYTES_PER_TOKEN
from pipeline.agents.messages import Reply, Results
from pipeline.domain.results import Usage

FRAME_TOKENS = 64
"""What a vendor puts around a part at most: roles, ids, marks."""
PREAMBLE_TOKENS = 2_000
"""What a vendor adds to a request that has tools (Anthropic names 290 to 806 tokens for its
models: docs, "tool use", pricing)."""


@dataclass(frozen=True)
class _Counted:
    """A request as its vendor has counted it."""

    blocks: tuple[Block, ...]
    input_tokens: int
    output_tokens: int

    def bound(self, blocks: Sequence[Block]) -> int:
        """Return the most that a request can be that shares its beginning with this one."""
        shared = 0
        for ours, theirs in zip(self.blocks, blocks, strict=False):
            if ours != theirs:
                break
            shared += 1
        most, new = self.input_tokens, blocks[shared:]
        if shared == len(self.blocks) and new and isinstance(new[0], Reply):
            most, new = most + self.output_tokens + FRAME_TOKENS, new[1:]
        return most + sum(map(most_tokens, new))


class Sizes:
    """What the vendor has counted of this conversation."""

    def __init__(self) -> None:
        self._first: _Counted | None = None
        """The newest request that opened a turn: later turns begin like it."""
        self._last: _Counted | None = None

    def forget(self) -> None:
        """Forget everything: another model counts in another way."""
        self._first = self._last = None

    def note(self, blocks: tuple[Block, ...], usage: Usage) -> None:
        """Remember what a request came to."""
        sent = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        if not sent:
            return
        self._last = _Counted(blocks, sent, usage.output_tokens)
        if not any(isinstance(block, Reply) for block in blocks):
            self._first = self._last

    def most(self, blocks: Sequence[Block]) -> int:
        """Return the most input tokens that a vendor can count in a request."""
        bounds = [one.bound(blocks) for one in (self._first, self._last) if one is not None]
        return min([PREAMBLE_TOKENS + sum(map(most_tokens, blocks)), *bounds])


def most_tokens(block: Block) -> int:
    """Return the most tokens that a part of a request can be."""
    parts = len(block.results) if isinstance(block, Results) else 1
    return size(block) * BYTES_PER_TOKEN + parts * FRAME_TOKENS
