"""A Messages request as a row of blocks: tools, system, messages; with the marks on them."""

from dataclasses import dataclass

from pydantic import JsonValue

from pipeline.rehearsal.binding import Seal, canonical, read_seal, seal
from pipeline.rehearsal.caching import Mark
from pipeline.rehearsal.wire import Json, objects

THINKING = ("thinking", "redacted_thinking")

PAUSE_MARK = "(paused by the stand-in)"
"""The last text of a paused answer; only such an answer may come back as the last message."""


@dataclass(frozen=True)
class Row:
    """All blocks of a request; `messages_from` is where its messages begin."""

    blocks: tuple[bytes, ...]
    marks: tuple[Mark, ...]
    messages_from: int


def content_of(message: Json) -> list[Json]:
    """Return the blocks of a message; a string stands for one block of text."""
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else objects(content)


def system_of(body: Json) -> list[Json]:
    """Return the blocks of the system prompt."""
    system = body.get("system")
    return [{"type": "text", "text": system}] if isinstance(system, str) else objects(system)


def row(body: Json) -> Row:
    """Lay the request out in the order in which the cache sees it."""
    parts: list[tuple[str, Json]] = [("tool", tool) for tool in objects(body.get("tools"))]
    parts += [("system", block) for block in system_of(body)]
    before = len(parts)
    for message in objects(body.get("messages")):
        parts += [(str(message["role"]), block) for block in content_of(message)]
    marks = [
        Mark(index, mark) for index, (_, block) in enumerate(parts) if (mark := lifetime(block))
    ]
    if (top := lifetime(body)) and parts and len(parts) - 1 not in {m.after for m in marks}:
        marks.append(Mark(len(parts) - 1, top))
    blocks = [canonical([role, without_mark(block)]) for role, block in parts]
    if len(blocks) > before:
        blocks[before] = _messages_tier(body) + blocks[before]
    return Row(tuple(blocks), tuple(marks), before)


def lifetime(block: Json) -> str | None:
    """Return how long the mark on `block` asks to be kept; None without a mark."""
    mark = block.get("cache_control")
    return str(mark.get("ttl", "5m")) if isinstance(mark, dict) else None


def without_mark(block: Json) -> Json:
    """Return `block` as the model sees it: a mark is no content."""
    return {name: value for name, value in block.items() if name != "cache_control"}


def prefix(body: Json, messages: int) -> list[bytes]:
    """Return what the answer after the first `messages` messages is bound to.

    Earlier thinking is left out of it: it may be dropped from the start of a conversation.
    """
    parts = [canonical(["tool", without_mark(tool)]) for tool in objects(body.get("tools"))]
    parts += [canonical(["system", without_mark(block)]) for block in system_of(body)]
    for message in objects(body.get("messages"))[:messages]:
        kept = [b for b in content_of(message) if b.get("type") not in THINKING]
        parts.append(canonical([message["role"], [without_mark(block) for block in kept]]))
    return parts


def seals(body: Json, messages: int) -> list[Seal]:
    """Return the signatures of the thinking in the first `messages` messages."""
    found = [
        read_seal(str(block.get("signature")))
        for message in objects(body.get("messages"))[:messages]
        for block in content_of(message)
        if block.get("type") == "thinking"
    ]
    return [one for one in found if one]


def _messages_tier(body: Json) -> bytes:
    """Return what, when it changes, makes the cache forget the messages and nothing else."""
    names = ("thinking", "output_config", "tool_choice")
    settings: list[JsonValue] = [body.get(name) for name in names]
    return canonical(settings)


def is_summary(block: Json) -> bool:
    """Tell whether `block` stands for what was said before."""
    return block.get("type") == "compaction"


def sign_summary(text: str) -> str:
    """Sign a summary, so that one that was changed is noticed."""
    return str(seal((), text, 0))


def is_paused(message: Json) -> bool:
    """Tell whether `message` is an answer that was paused and is to be gone on with."""
    content = content_of(message)
    return message["role"] == "assistant" and content[-1].get("text") == PAUSE_MARK
