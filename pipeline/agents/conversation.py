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

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from pipeline.agents.cache_alarm import Sent
from pipeline.agents.lessons import lessons_in
from pipeline.agents.limits import (
    FOLDED_TOKENS,
    LEDGER_TOKENS,
    LEDGER_TOKENS_AFTER_FOLD,
    LESSON_TOKENS,
    tokens,
)
from pipeline.agents.messages import (
    Head,
    Lifetimes,
    ModelRequest,
    Reply,
    Results,
    Said,
    TurnItem,
)
from pipeline.domain.results import Usage
from pipeline.settings import History

Block = Head | TurnItem | str


@dataclass(frozen=True)
class Fold:
    """A ledger that outgrew its ceiling: the memory after it, and how many digests stay."""

    memory: str
    kept: int
    tokens_before: int = 0
    """Of memory and ledger."""
    tokens_after: int = 0


class Conversation:
    """What an agent remembers between turns, and how a request is laid out."""

    def __init__(
        self,
        head: Head,
        *,
        memory: str = "",
        ledger: Sequence[str] = (),
        notes: str = "",
        cache_key: str,
        history: History = "ledger",
    ) -> None:
        self._head = head
        self._head_sha256 = head_sha256(head)
        self._memory = memory
        self._ledger = tuple(ledger)
        self.notes = notes
        """A person's, sent before memory; changed only where the prefix changes anyway."""
        self._cache_key = cache_key
        self._history = history
        self._cached: tuple[Block, ...] = ()
        self._at_spawn = (self._sent_memory(), self._ledger)
        self._earlier: tuple[TurnItem, ...] = ()
        """With `full` history: the items of finished turns."""
        self.summaries = 0
        """How many summaries were made."""
        self.folds = 0
        """How often the ledger was folded."""

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

    def sent(
        self,
        turn: Sequence[TurnItem],
        *,
        at: float,
        model: str,
        fallback: bool,
        turn_id: str,
        lifetimes: Lifetimes,
        usage: Usage,
    ) -> Sent:
        """Return what a request sent, as far as a cache has to do with it."""
        memory, ledger, items = self._sent(turn)
        prefix = size(self._head) + sum(map(tokens, (memory, *ledger)))
        return Sent(
            at=at,
            model=model,
            fallback=fallback,
            cache_key=self._cache_key,
            head=self._head_sha256,
            memory=memory,
            ledger=ledger,
            turn_id="all" if self._history == "full" else turn_id,
            compacted=self.summaries,
            folded=self.folds,
            prefix_share=prefix / max(1, prefix + sum(map(size, items))),
            lifetimes=lifetimes,
            usage=usage,
        )

    def tokens(self, turn: Sequence[TurnItem]) -> int:
        """Return about how many input tokens the next request has in all."""
        return sum(map(size, self.blocks(turn)))

    @property
    def has_earlier(self) -> bool:
        """Tell whether requests send turns before the open one that no summary stands for."""
        return len(self._earlier) > 1

    def compacted(self, summary: Reply | Said, again: Said) -> list[TurnItem]:
        """Put a summary in the place of all that was sent; return what the open turn goes on with.

        With `full` history it replaces the earlier turns; else it lasts as long as the turn.
        """
        self.summaries += 1
        if self._history != "full":
            return [summary, again]
        self._earlier = (summary,)
        return [again]

    def add(self, digest: str, turn: Sequence[TurnItem] = ()) -> Fold | None:
        """Close a turn with its digest and items; return the fold when that outgrew the ledger.

        The items are those of an answered turn, every tool call in them with its result.
        """
        if self._history == "full":
            self._earlier += tuple(turn)
        self._ledger += (digest,)
        before = sum(map(tokens, self._ledger))
        if before <= LEDGER_TOKENS:
            return None
        before += tokens(self._memory)
        fold = folded(self._memory, self._ledger)
        self.folds += 1
        self._memory = fold.memory
        self._ledger = self._ledger[len(self._ledger) - fold.kept :]
        after = tokens(self._memory) + sum(map(tokens, self._ledger))
        return replace(fold, tokens_before=before, tokens_after=after)

    def _sent(self, turn: Sequence[TurnItem]) -> tuple[str, tuple[str, ...], tuple[TurnItem, ...]]:
        """Return memory, ledger and items of the next request; a summary stands for the first."""
        items = (*self._earlier, *turn)
        if self._history == "fresh" or (items and isinstance(items[0], Reply)):
            return "", (), items
        if self._history == "full":
            return *self._at_spawn, items
        return self._sent_memory(), self._ledger, items

    def _sent_memory(self) -> str:
        return "\n\n".join(part for part in (self.notes, self._memory) if part)

    def blocks(self, turn: Sequence[TurnItem]) -> tuple[Block, ...]:
        """Return the parts of the next request, in their order."""
        memory, ledger, items = self._sent(turn)
        return (self._head, memory, *ledger, *items)


def folded(memory: str, ledger: Sequence[str]) -> Fold:
    """Return the fold of a ledger: the newest digests stay, older ones become a line each.

    Their lessons stay too, before those lines. Of both the oldest are dropped until all of it fits
    `FOLDED_TOKENS`, lessons `LESSON_TOKENS`.
    """
    kept, room = 0, LEDGER_TOKENS_AFTER_FOLD
    for digest in reversed(ledger):
        room -= tokens(digest)
        if room < 0:
            break
        kept += 1
    gone = ledger[: len(ledger) - kept]
    learned = lessons_in("\n".join((memory, *gone)))
    lessons = newest(dict.fromkeys(learned), LESSON_TOKENS)
    before = [line for line in memory.splitlines() if line not in learned]
    lines = newest((*before, *map(first_line, gone)), FOLDED_TOKENS - tokens("\n".join(lessons)))
    return Fold("\n".join((*lessons, *lines)), kept)


def newest(lines: Iterable[str], most_tokens: int) -> list[str]:
    """Return the last of `lines`, as many as fit, each with its line end."""
    kept: list[str] = []
    for line in reversed(list(lines)):
        most_tokens -= tokens(f"{line}\n")
        if most_tokens < 0:
            break
        kept.insert(0, line)
    return kept


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
            return tokens(block.system) + tokens(block.context) + tokens(block.tool_bytes)


def head_fields(head: Head) -> dict[str, JsonValue]:
    """Return a head as JSON: `tools` as [name, description, schema], `system`, `context`."""
    tools: JsonValue = json.loads(head.tool_bytes)
    return {"tools": tools, "system": head.system, "context": head.context}


def head_sha256(head: Head) -> str:
    """Return the SHA-256 (hex) of all bytes of a head."""
    parts = (head.tool_bytes, head.system.encode(), head.context.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
