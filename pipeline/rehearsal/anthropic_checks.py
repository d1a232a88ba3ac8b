"""What Anthropic Messages refuses, in the words that it uses.

Sources: the SDK's types of a request, and the vendor's pages on errors, prompt caching, tool use
and preserved thinking.
"""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise

from pipeline.rehearsal import checks
from pipeline.rehearsal.anthropic_blocks import (
    THINKING,
    content_of,
    is_paused,
    is_summary,
    lifetime,
    prefix,
    row,
    seals,
    sign_summary,
    system_of,
)
from pipeline.rehearsal.binding import in_a_row, read_seal, seal
from pipeline.rehearsal.checks import Refused
from pipeline.rehearsal.wire import Json, objects

MOST_MARKS = 4
COMPACTION_BETA = "compact-2026-09-04"
COMPACTS = re.compile(
    r"claude-((opus|sonnet|haiku)-5-5|(fable|mythos)-5(-1)?|opus-(4-[6-9]|5)|sonnet-(4-6|5))"
    r"(-\d{8})?$"
)
"""Models that summaries are written for (vendor's page on compaction on demand)."""
SMALLEST_THINKING_BUDGET = 1024


def check(body: Json, headers: Mapping[str, str]) -> None:
    """Raise `Refused` for the first thing that the vendor would not take."""
    from anthropic.types.beta.message_create_params import MessageCreateParamsBase as Beta
    from anthropic.types.message_create_params import MessageCreateParamsBase

    _check_headers(headers)
    is_beta = COMPACTION_BETA in headers.get("anthropic-beta", "").split(",")
    checks.check_shape(body, Beta if is_beta else MessageCreateParamsBase)
    for rule in RULES:
        rule(body)


def _check_headers(headers: Mapping[str, str]) -> None:
    if not headers.get("x-api-key") and not headers.get("authorization"):
        raise Refused("x-api-key header is required", 401, "authentication_error")
    if not headers.get("anthropic-version"):
        raise Refused("anthropic-version: header is required")


def _limits(body: Json) -> None:
    most = body["max_tokens"]
    assert isinstance(most, int)
    if most < 0:
        raise Refused("max_tokens: Input should be greater than or equal to 0")
    thinking = body.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if isinstance(budget, int) and not SMALLEST_THINKING_BUDGET <= budget < most:
        raise Refused(
            f"thinking.enabled.budget_tokens: Input should be at least {SMALLEST_THINKING_BUDGET} "
            "and less than `max_tokens`"
        )


def _roles(body: Json) -> None:
    messages = objects(body["messages"])
    if not messages:
        raise Refused("messages: at least one message is required")
    if messages[0]["role"] != "user" and not any(map(is_summary, content_of(messages[0]))):
        raise Refused("messages: first message must use the 'user' role")
    for before, after in pairwise(messages):
        if before["role"] == after["role"] and not is_paused(before):
            raise Refused('messages: roles must alternate between "user" and "assistant"')


def _text_blocks(body: Json) -> None:
    for index, block in enumerate(system_of(body)):
        if not block["text"]:
            raise Refused(f"system.{index}: text content blocks must be non-empty")
    for index, message in enumerate(objects(body["messages"])):
        content = content_of(message)
        if not content:
            raise Refused(f"messages.{index}: all messages must have non-empty content")
        if any(b.get("type") == "text" and not b["text"] for b in content):
            raise Refused(f"messages.{index}: text content blocks must be non-empty")


def _tools(body: Json) -> None:
    tools = objects(body.get("tools"))
    checks.check_tool_names([str(tool["name"]) for tool in tools])
    for index, tool in enumerate(tools):
        if tool.get("strict"):
            where = f"tools.{index}.custom.input_schema"
            checks.check_strict_schema(tool.get("input_schema"), vendor="anthropic", where=where)
    choice, thinking = body.get("tool_choice"), body.get("thinking")
    forced = isinstance(choice, dict) and choice["type"] in ("any", "tool")
    if forced and isinstance(thinking, dict) and thinking["type"] != "disabled":
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")


def _tool_results(body: Json) -> None:
    """Every call is answered at the start of the next message, and nothing else is."""
    asked: set[str] = set()
    seen: set[str] = set()
    for index, message in enumerate(objects(body["messages"])):
        content = content_of(message)
        answered = _leading_results(content, index)
        if missing := sorted(asked - answered):
            raise Refused(
                f"messages.{index}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a "
                "corresponding `tool_result` block in the next message."
            )
        if orphans := sorted(answered - asked):
            raise Refused(
                f"messages.{index}.content: unexpected `tool_use_id` found in `tool_result` "
                f"blocks: {', '.join(orphans)}. Each `tool_result` block must have a corresponding "
                "`tool_use` block in the previous message."
            )
        calls = [str(block["id"]) for block in content if block.get("type") == "tool_use"]
        asked = set(calls)
        if len(asked) != len(calls) or asked & seen:
            raise Refused(f"messages.{index}: `tool_use` ids must be unique")
        seen |= asked
    if asked:
        raise Refused(
            "messages: `tool_use` ids were found without `tool_result` blocks immediately after: "
            + ", ".join(sorted(asked))
        )


def _leading_results(content: list[Json], index: int) -> set[str]:
    found: list[str] = []
    for position, block in enumerate(content):
        if block.get("type") == "tool_result":
            if position != len(found):
                raise Refused(
                    f"messages.{index}: `tool_result` blocks must come first in the content, "
                    "immediately after the `tool_use` blocks that they answer"
                )
            found.append(str(block["tool_use_id"]))
    if len(set(found)) != len(found):
        raise Refused(f"messages.{index}: each tool_use must have a single result")
    return set(found)


def _marks(body: Json) -> None:
    laid_out = row(body)
    found = len(laid_out.marks)
    if found > MOST_MARKS:
        raise Refused(
            f"A maximum of {MOST_MARKS} blocks with cache_control may be provided. Found {found}."
        )
    lifetimes = [mark.ttl for mark in laid_out.marks]
    if "5m" in lifetimes and "1h" in lifetimes[lifetimes.index("5m") :]:
        raise Refused("a ttl='1h' cache_control block must not come after a ttl='5m' block")
    for message in objects(body["messages"]):
        for block in content_of(message):
            if block.get("type") == "text" and lifetime(block) and not str(block["text"]).strip():
                raise Refused("cache_control cannot be set for empty text blocks")


def _ending(body: Json) -> None:
    last = objects(body["messages"])[-1]
    if last["role"] == "assistant" and not is_paused(last):
        raise Refused(
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message."
        )


def _summaries(body: Json) -> None:
    """A summary comes first, alone, as it was signed; a request for one has nothing to answer."""
    for index, message in enumerate(objects(body["messages"])):
        content = content_of(message)
        for position, block in enumerate(content):
            if not is_summary(block):
                continue
            where = f"messages.{index}.content.{position}"
            if index or len(content) > 1 or message["role"] != "assistant":
                raise Refused(f"{where}: a `compaction` block must come first in `messages`, alone")
            text = block.get("content")
            if not isinstance(text, str) or not text:
                raise Refused(f"{where}.content: String should have at least 1 character")
            if block.get("signature") != sign_summary(text):
                raise Refused(f"{where}: Invalid `signature` in `compaction` block")
            _check_compacts(body, where)
    if body.get("compaction") is None:
        return
    _check_compacts(body, "compaction")
    for name in ("context_management", "stop_sequences", "output_format"):
        if body.get(name) is not None:
            raise Refused(f"compaction: cannot be combined with `{name}`")
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice["type"] in ("any", "tool"):
        raise Refused("compaction: cannot be combined with a `tool_choice` that forces tool use")
    if is_paused(objects(body["messages"])[-1]):
        raise Refused("compaction: the conversation must not end in the middle of a turn")


def _check_compacts(body: Json, where: str) -> None:
    if not COMPACTS.match(str(body["model"])):
        raise Refused(f"{where}: {body['model']} does not support compaction")


def _thinking(body: Json) -> None:
    """Thinking that comes back has to be the one made for exactly this prefix."""
    for index, message in enumerate(objects(body["messages"])):
        for position, block in enumerate(content_of(message)):
            if block.get("type") not in THINKING:
                continue
            where = f"messages.{index}.content.{position}"
            signed = read_seal(str(block.get("signature")))
            if message["role"] != "assistant" or signed is None:
                raise Refused(f"{where}: Invalid `signature` in `thinking` block")
            if seal(prefix(body, index), str(block["thinking"]), signed.position) != signed:
                raise Refused(f"{where}: The block is bound to a different conversation")
    if not in_a_row(seals(body, len(objects(body["messages"])))):
        raise Refused(
            "messages: `thinking` blocks may be removed from the start of a conversation only. "
            "The block is bound to a different conversation"
        )


RULES: tuple[Callable[[Json], None], ...] = (
    _limits,
    _text_blocks,
    _roles,
    _tools,
    _tool_results,
    _marks,
    _ending,
    _summaries,
    _thinking,
)
"""In the order in which they are looked at; each raises `Refused`."""
