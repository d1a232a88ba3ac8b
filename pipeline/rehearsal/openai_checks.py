"""What OpenAI Responses refuses, in the words that it uses.

Sources: the SDK's types of a request, and the vendor's pages on function calling, structured
outputs, reasoning and prompt caching.
"""

from collections.abc import Callable, Mapping

from pipeline.rehearsal import checks
from pipeline.rehearsal.binding import in_a_row, read_seal, seal
from pipeline.rehearsal.checks import Refused
from pipeline.rehearsal.openai_items import (
    CALLS,
    is_answer,
    items_of,
    parts_of,
    prefix,
    read_summary,
    seals,
)
from pipeline.rehearsal.wire import Json, objects

LONGEST_CACHE_KEY = 64
FEWEST_OUTPUT_TOKENS = 16
MOST_MARKS = 80
"""Breakpoints that are looked at; more are sent in vain, so the stand-in refuses them."""


def check(body: Json, headers: Mapping[str, str]) -> None:
    """Raise `Refused` for the first thing that the vendor would not take."""
    from openai.types.responses.response_create_params import ResponseCreateParamsBase

    _check_key(headers)
    checks.check_shape(body, ResponseCreateParamsBase)
    for rule in RULES:
        rule(body)


def check_compact(body: Json, headers: Mapping[str, str]) -> None:
    """Raise `Refused` for what the vendor would not sum up."""
    from openai.types.responses.response_compact_params import ResponseCompactParams

    _check_key(headers)
    if "stream" in body:
        raise Refused("Unknown parameter: 'stream'.", param="stream")
    checks.check_shape(body, ResponseCompactParams)
    for rule in COMPACT_RULES:
        rule(body)


def _check_key(headers: Mapping[str, str]) -> None:
    if not headers.get("authorization", "").removeprefix("Bearer").strip():
        raise Refused("You didn't provide an API key.", 401, code="invalid_api_key")


def _summaries(body: Json) -> None:
    for item in items_of(body):
        if item.get("type") == "compaction" and read_summary(item) is None:
            raise _unverified({"id": item.get("id", "cmp")})


def _settings(body: Json) -> None:
    for name in ("model", "input"):
        if not body.get(name):
            raise Refused(f"Missing required parameter: '{name}'.", param=name)
    if len(str(body.get("prompt_cache_key") or "")) > LONGEST_CACHE_KEY:
        raise Refused(
            "Invalid 'prompt_cache_key': string too long. Expected a string with maximum length "
            f"{LONGEST_CACHE_KEY}.",
            param="prompt_cache_key",
            code="string_above_max_length",
        )
    most = body.get("max_output_tokens")
    if isinstance(most, int) and most < FEWEST_OUTPUT_TOKENS:
        raise Refused(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= "
            f"{FEWEST_OUTPUT_TOKENS}.",
            param="max_output_tokens",
            code="integer_below_min_value",
        )
    if body.get("previous_response_id") or body.get("conversation"):
        raise Refused(
            "Previous response or conversation not found: nothing is stored here.",
            param="previous_response_id",
            code="previous_response_not_found",
        )


def _tools(body: Json) -> None:
    tools = objects(body.get("tools"))
    checks.check_tool_names([str(tool["name"]) for tool in tools if "name" in tool])
    for index, tool in enumerate(tools):
        if tool.get("type") == "function" and tool.get("strict"):
            where = f"tools[{index}].parameters"
            checks.check_strict_schema(tool.get("parameters"), vendor="openai", where=where)


def _call_outputs(body: Json) -> None:
    """Every call is answered by one output somewhere after it, and nothing else is."""
    open_calls: dict[str, str] = {}
    closed: set[str] = set()
    for item in items_of(body):
        call = str(item.get("call_id"))
        kind = str(item.get("type"))
        if kind in CALLS:
            if call in closed or call in open_calls:
                raise Refused(f"Duplicate function call with call_id {call}.", param="input")
            open_calls[call] = CALLS[kind]
        elif kind in CALLS.values():
            if open_calls.pop(call, None) != kind:
                raise Refused(
                    f"No tool call found for {kind.replace('_', ' ')} with call_id {call}.",
                    param="input",
                )
            closed.add(call)
        elif open_calls and item.get("role") == "user":
            break
    if open_calls:
        first, kind = next(iter(open_calls.items()))
        what = kind.removesuffix("_output").replace("_", " ")
        raise Refused(f"No tool output found for {what} {first}.", param="input")


def _reasoning(body: Json) -> None:
    """Reasoning that comes back has to be the one made for exactly this prefix."""
    items = items_of(body)
    for index, item in enumerate(items):
        if item.get("type") == "item_reference":
            raise _not_found(item)
        if item.get("type") != "reasoning":
            continue
        if not item.get("encrypted_content"):
            raise _not_found(item)
        following = items[index + 1] if index + 1 < len(items) else {}
        if not is_answer(following) or following.get("type") == "reasoning":
            raise Refused(
                f"Item '{item['id']}' of type 'reasoning' was provided without its required "
                "following item.",
                param="input",
            )
        signed = read_seal(str(item["encrypted_content"]))
        text = "\n".join(str(part["text"]) for part in objects(item["summary"]))
        if signed is None or seal(prefix(body, index), text, signed.position) != signed:
            raise _unverified(item)
    if not in_a_row(seals(body, len(items))):
        raise _unverified({"id": "rs"})


def _not_found(item: Json) -> Refused:
    return Refused(
        f"Item with id '{item['id']}' not found. Items are not persisted when `store` is set to "
        "false. Try again with `store` set to true, or remove this item from your input.",
        status=404,
        param="input",
    )


def _unverified(item: Json) -> Refused:
    return Refused(
        f"The encrypted content for item {item['id']} could not be verified. "
        "The block is bound to a different conversation.",
        param="input",
        code="invalid_encrypted_content",
    )


def _marks(body: Json) -> None:
    found = sum(
        "prompt_cache_breakpoint" in part for item in items_of(body) for part in parts_of(item)
    )
    if found > MOST_MARKS:
        raise Refused(f"At most {MOST_MARKS} prompt cache breakpoints are considered: {found}.")


RULES: tuple[Callable[[Json], None], ...] = (
    _settings,
    _tools,
    _call_outputs,
    _summaries,
    _reasoning,
    _marks,
)
"""In the order in which they are looked at; each raises `Refused`."""

COMPACT_RULES = (_settings, _call_outputs, _summaries, _marks)
"""Reasoning is left to `_reasoning`, which wants the tools it was made with: none are sent here."""
