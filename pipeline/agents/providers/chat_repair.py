"""Tool calls of models that nobody holds to a schema: repaired where only one reading is possible.

    ```json {...} ```         arguments in a code fence
    "{\\"path\\": ...}"         arguments as a text that holds them
    {"end_line": "7"}         a number, a truth value, null, a list or an object as text
    {}                        a field left out that may be null
    {"name": ..., ...}        a call that was written as the answer's text

What is still wrong afterwards goes back to the model as an error, as everywhere.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from pipeline.agents.messages import ToolSpec

FENCED = re.compile(r"```[A-Za-z_]*\s*\n?(.*?)\n?\s*```", re.DOTALL)
THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
TAGGED = re.compile(r"<(tool_call|tool_calls|function_call)>(.*?)</\1>", re.DOTALL)
ARGUMENTS = ("arguments", "parameters", "input")
NAMES = ("name", "tool", "tool_name")
MOST_CHARS = 1_000_000


def mended(arguments: str, name: str, tools: Sequence[ToolSpec]) -> str:
    """Return the arguments of a call of `name` as JSON text, or as they are if nothing helps."""
    given = _read(arguments)
    if isinstance(given, str):
        given = _read(given)
    if not isinstance(given, dict):
        return arguments
    schema = next((tool.schema for tool in tools if tool.name == name), {})
    return json.dumps(_fitted(given, schema), ensure_ascii=False)


def sendable(arguments: object) -> str:
    """Return arguments that a server can parse again: its template may take objects only."""
    given = _read(arguments) if isinstance(arguments, str) else arguments
    return json.dumps(given, ensure_ascii=False) if isinstance(given, dict) else "{}"


def calls_in_text(text: str, tools: Sequence[ToolSpec]) -> list[tuple[str, str]]:
    """Return the calls (name, arguments) that are all of a text; none when it says anything else.

    A name that is not offered makes the whole text a text: an example is no call.
    """
    bare = THOUGHT.sub("", text).strip()
    if len(bare) > MOST_CHARS or not bare.startswith(("{", "[", "<", "`")):
        return []
    parts = [match.group(2) for match in TAGGED.finditer(bare)]
    if not parts:
        parts = [bare]
    elif TAGGED.sub("", bare).strip():
        return []
    found: list[tuple[str, str]] = []
    for part in parts:
        given = _read(part)
        entries = given.get("tool_calls", [given]) if isinstance(given, dict) else given
        if not isinstance(entries, list) or not entries:
            return []
        for entry in entries:
            call = _call(entry, tools)
            if call is None:
                return []
            found.append(call)
    return found


def _call(entry: object, tools: Sequence[ToolSpec]) -> tuple[str, str] | None:
    if not isinstance(entry, dict):
        return None
    inner = entry.get("function")
    entry = inner if isinstance(inner, dict) else entry
    name = next((entry[key] for key in NAMES if key in entry), inner)
    given = next((entry[key] for key in ARGUMENTS if key in entry), None)
    if not isinstance(name, str) or name not in {tool.name for tool in tools}:
        return None
    text = given if isinstance(given, str) else json.dumps(given)
    return (name, mended(text, name, tools)) if isinstance(given, dict | str) else None


def _read(text: str) -> Any:
    """Return the JSON in a text, fenced or not; None when it is none."""
    bare = text.strip()
    fence = FENCED.fullmatch(bare)
    try:
        return json.loads(fence.group(1) if fence else bare or "{}")
    except (ValueError, RecursionError):
        return None


def _fitted(value: JsonValue, schema: JsonValue) -> JsonValue:
    """Return `value` with what its schema leaves no doubt about put right."""
    kinds, shapes = _kinds(schema)
    if isinstance(value, str) and "string" not in kinds:
        value = _from_text(value, kinds)
    if isinstance(value, float) and value.is_integer() and "number" not in kinds | {"string"}:
        value = int(value) if "integer" in kinds else value
    for shape in shapes:
        properties, items = shape.get("properties"), shape.get("items")
        if isinstance(value, dict) and isinstance(properties, dict):
            fitted = {name: _fitted(one, properties.get(name)) for name, one in value.items()}
            left_out = [name for name in properties if name not in value]
            return fitted | {
                name: None for name in left_out if "null" in _kinds(properties[name])[0]
            }
        if isinstance(value, list) and items is not None:
            return [_fitted(one, items) for one in value]
    return value


def _from_text(text: str, kinds: set[str]) -> JsonValue:
    """Return what a text stands for when its kind is one of `kinds`, else the text."""
    try:
        given: JsonValue = json.loads(text.lower() if text in ("True", "False", "None") else text)
    except (ValueError, RecursionError):
        return text
    return given if _kind(given) in kinds else text


def _kind(value: JsonValue) -> str:
    if value is None:
        return "null"
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "boolean"),
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (list, "array"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "object")


def _kinds(schema: JsonValue) -> tuple[set[str], list[dict[str, JsonValue]]]:
    """Return the JSON types that a schema allows, and its alternatives."""
    if not isinstance(schema, dict):
        return {"string"}, []
    choices = schema.get("anyOf")
    if isinstance(choices, list):
        both = [_kinds(choice) for choice in choices]
        return set().union(*(kinds for kinds, _ in both)), [s for _, shapes in both for s in shapes]
    kind = schema.get("type")
    names = kind if isinstance(kind, list) else [kind if kind is not None else "string"]
    return {str(name) for name in names}, [schema]
