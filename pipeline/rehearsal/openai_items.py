"""A Responses request as a row of blocks: tools, instructions, input; with the marks in it."""

import base64
from dataclasses import dataclass

from pydantic import JsonValue

from pipeline.rehearsal.binding import Seal, canonical, read_seal, seal
from pipeline.rehearsal.caching import Mark
from pipeline.rehearsal.wire import Json, objects

MOST_WRITES = {"implicit": 3, "explicit": 4}
"""How many of the latest explicit breakpoints are written; implicit mode adds one of its own."""

CALLS = {
    "function_call": "function_call_output",
    "apply_patch_call": "apply_patch_call_output",
}
"""Items that call a tool, and the items that answer them."""
FROM_MODEL = ("reasoning", *CALLS, "custom_tool_call", "compaction")


@dataclass(frozen=True)
class Row:
    """All blocks of a request and the breakpoints that are written."""

    blocks: tuple[bytes, ...]
    marks: tuple[Mark, ...]
    first_mark: int | None
    """Index of the first explicit breakpoint's block."""


def sign_summary(text: str) -> str:
    """Return a summary as an item carries it: signed, and not for anybody's eyes."""
    return f"{seal((), text, 0)}.{base64.b64encode(text.encode()).decode()}"


def read_summary(item: Json) -> str | None:
    """Return the text of a summary; None for other items and for one that is not the stand-in's."""
    if item.get("type") != "compaction":
        return None
    signature, _, packed = str(item.get("encrypted_content")).rpartition(".")
    try:
        text = base64.b64decode(packed, validate=True).decode()
    except ValueError:
        return None
    return text if str(seal((), text, 0)) == signature else None


def items_of(body: Json) -> list[Json]:
    """Return the input items; a string stands for one message of the user."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return objects(given)


def parts_of(item: Json) -> list[Json]:
    """Return the content parts of a message, or those of a tool's output; other items have none."""
    content = item.get("content") if "role" in item else item.get("output")
    if isinstance(content, str):
        return [{"type": "input_text", "text": content}]
    return objects(content)


def who_said(item: Json) -> JsonValue:
    """Return the role of a message, or the call that an output answers."""
    return item["role"] if "role" in item else ["output", item.get("call_id")]


def is_answer(item: Json) -> bool:
    """Tell whether the model made this item."""
    return item.get("role") == "assistant" or item.get("type") in FROM_MODEL


def row(body: Json) -> Row:
    """Lay the request out in the order in which the cache sees it."""
    parts: list[tuple[JsonValue, Json]] = [("tool", tool) for tool in objects(body.get("tools"))]
    if body.get("instructions"):
        parts.append(("instructions", {"text": body["instructions"]}))
    for item in items_of(body):
        parts += [(who_said(item), part) for part in parts_of(item)] or [("item", item)]
    options = body.get("prompt_cache_options")
    options = options if isinstance(options, dict) else {}
    mode, ttl = str(options.get("mode", "implicit")), str(options.get("ttl", "30m"))
    explicit = [
        Mark(index, str(mark.get("ttl", ttl)))
        for index, (_, part) in enumerate(parts)
        if isinstance(mark := part.get("prompt_cache_breakpoint"), dict)
    ]
    written = explicit[-MOST_WRITES[mode] :]
    if mode == "implicit" and parts and len(parts) - 1 not in {m.after for m in explicit}:
        written.append(Mark(len(parts) - 1, ttl))
    return Row(
        blocks=tuple(canonical([role, without_mark(part)]) for role, part in parts),
        marks=tuple(written),
        first_mark=explicit[0].after if explicit else None,
    )


def without_mark(part: Json) -> Json:
    """Return `part` as the model sees it: a breakpoint is no content."""
    return {name: value for name, value in part.items() if name != "prompt_cache_breakpoint"}


def prefix(body: Json, items: int) -> list[bytes]:
    """Return what the answer after the first `items` items is bound to (not earlier reasoning)."""
    parts = [canonical(["tool", tool]) for tool in objects(body.get("tools"))]
    parts.append(canonical(["instructions", body.get("instructions")]))
    for item in items_of(body)[:items]:
        if item.get("type") == "reasoning":
            continue
        if "role" in item:
            plain: list[JsonValue] = [without_mark(part) for part in parts_of(item)]
            parts.append(canonical([item["role"], plain]))
        else:
            parts.append(canonical(_unmarked_output(item)))
    return parts


def _unmarked_output(item: Json) -> Json:
    """Return a tool's output without breakpoints; every other item as it is."""
    blocks = item.get("output")
    if not isinstance(blocks, list):
        return item
    return {**item, "output": [without_mark(one) for one in objects(blocks)]}


def seals(body: Json, items: int) -> list[Seal]:
    """Return the signatures of the reasoning in the first `items` items."""
    found = [
        read_seal(str(item.get("encrypted_content")))
        for item in items_of(body)[:items]
        if item.get("type") == "reasoning"
    ]
    return [one for one in found if one]
