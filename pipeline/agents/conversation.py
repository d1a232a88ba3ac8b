"""The conversation of a long-lived agent: a frozen prefix, a ledger, and one open turn.

    head (tools, system, context) | memory | ledger: one digest per finished issue | open turn

A finished turn leaves only its digest. Everything before the open turn stays byte-identical from
request to request, so that a vendor's cache answers for it.

history    what a request sends besides head and open turn
ledger     memory and ledger
fresh      nothing: each turn knows its own issue alone
full       memory and ledger as they were at the spawn, and all turns since, whole

Digests are kept in any case: what is sent can be set anew for each process.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from pipeline.agents.limits import (
    FOLDED_TOKENS,
    LEDGER_TOKENS,
    LEDGER_TOKENS_AFTER_FOLD,
    tokens,
)
from pipeline.agents.messages import Head, ModelRequest, Reply, Results, Said, TurnItem
from pipeline.domain.results import Usage
from pipeline.settings import History

Block = Head | TurnItem | str


@dataclass(frozen=True)
class Fold:
    """A ledger that outgrew its ceiling: the memory after it, and how many digests stay."""

    memory: str
    kept: int


class Conversation:
    """What an agent remembers between turns, and how a request is laid out."""

    def __init__(
        self,
        head: Head,
        *,
        memory: str = "",
        ledger: Sequence[str] = (),
        cache_key: str,
        history: History = "ledger",
    ) -> None:
        self._head = head
        self._memory = memory
        self._ledger = tuple(ledger)
        self._cache_key = cache_key
        self._history = history
        self._cached: tuple[Block, ...] = ()
        self._at_spawn = (memory, self._ledger)
        self._earlier: tuple[TurnItem, ...] = ()
        """With `full` history: the items of finished turns."""

    @property
    def memory(self) -> str:
        """Return what is left of digests that were folded away."""
        return self._memory

    @property
    def ledger(self) -> tuple[str, ...]:
        """Return the digests of finished turns, oldest first."""
        return self._ledger

    def request(self, turn: Sequence[TurnItem], max_output_tokens: int) -> ModelRequest:
        """Return the next request of the open turn."""
        memory, ledger, items = self._sent(turn)
        return ModelRequest(
            head=self._head,
            memory=memory,
            ledger=ledger,
            turn=items,
            max_output_tokens=max_output_tokens,
            cache_key=self._cache_key,
        )

    def uncached_tokens(self, turn: Sequence[TurnItem]) -> int:
        """Return about how many input tokens the next request has beyond the vendor's cache."""
        blocks = self.blocks(turn)
        known = 0
        for block, cached in zip(blocks, self._cached, strict=False):
            if block != cached:
                break
            known += 1
        return sum(size(block) for block in blocks[known:])

    def note_usage(self, turn: Sequence[TurnItem], usage: Usage) -> None:
        """Remember what a request sent, when its usage shows that the vendor keeps it cached."""
        caching = usage.cache_read_tokens or usage.cache_write_tokens
        self._cached = self.blocks(turn) if caching else ()

    def tokens(self, turn: Sequence[TurnItem]) -> int:
        """Return about how many input tokens the next request has in all."""
        return sum(map(size, self.blocks(turn)))

    def replace(self, summary: Sequence[TurnItem]) -> None:
        """Put a summary in the place of all earlier turns; it begins with a `Reply` (`full`)."""
        self._earlier = tuple(summary)

    def add(self, digest: str, turn: Sequence[TurnItem] = ()) -> Fold | None:
        """Close a turn with its digest and items; return the fold when that outgrew the ledger.

        The items are those of an answered turn, every tool call in them with its result.
        """
        if self._history == "full":
            self._earlier += tuple(turn)
        self._ledger += (digest,)
        if sum(map(tokens, self._ledger)) <= LEDGER_TOKENS:
            return None
        fold = folded(self._memory, self._ledger)
        self._memory = fold.memory
        self._ledger = self._ledger[len(self._ledger) - fold.kept :]
        return fold

    def _sent(self, turn: Sequence[TurnItem]) -> tuple[str, tuple[str, ...], tuple[TurnItem, ...]]:
        """Return memory, ledger and items of the next request; a summary stands for the first."""
        items = (*self._earlier, *turn)
        if self._history == "fresh" or (items and isinstance(items[0], Reply)):
            return "", (), items
        if self._history == "full":
            return *self._at_spawn, items
        return self._memory, self._ledger, items

    def blocks(self, turn: Sequence[TurnItem]) -> tuple[Block, ...]:
        """Return the parts of the next request, in their order."""
        memory, ledger, items = self._sent(turn)
        return (self._head, memory, *ledger, *items)


def folded(memory: str, ledger: Sequence[str]) -> Fold:
    """Return the fold of a ledger: the newest digests stay, older ones become a line each.

    Lines of memory are dropped from the oldest on until they fit `FOLDED_TOKENS`.
    """
    kept, room = 0, LEDGER_TOKENS_AFTER_FOLD
    for digest in reversed(ledger):
        room -= tokens(digest)
        if room < 0:
            break
        kept += 1
    lines = memory.splitlines() + [first_line(digest) for digest in ledger[: len(ledger) - kept]]
    while lines and tokens("\n".join(lines)) > FOLDED_TOKENS:
        lines.pop(0)
    return Fold("\n".join(lines), kept)


def first_line(digest: str) -> str:
    """Return the first line of a digest, which says what the turn came to."""
    return digest.strip().partition("\n")[0][:300]


def size(block: Block) -> int:
    """Return about how many tokens a part of a request is."""
    match block:
        case str():
            return tokens(block)
        case Said():
            return tokens(block.text)
        case Reply():
            return tokens(json.dumps(block.raw, ensure_ascii=False))
        case Results():
            return sum(tokens(result.text) for result in block.results)
        case Head():
            return tokens(block.system) + tokens(block.context) + tokens(tool_bytes(block))


def tool_bytes(head: Head) -> bytes:
    """Return the tools of a head as canonical JSON."""
    return orjson.dumps(
        [[tool.name, tool.description, tool.schema] for tool in head.tools],
        option=orjson.OPT_SORT_KEYS,
    )
