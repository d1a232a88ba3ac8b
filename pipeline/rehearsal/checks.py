"""What both vendors refuse, and how a refusal is carried to the answer."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from pipeline.rehearsal.shapes import misfit

TOOL_NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}$")

_NEVER = {"oneOf", "not", "if", "then", "else", "patternProperties", "uniqueItems"}
_NO_SIZES = {"minLength", "maxLength", "minProperties", "maxProperties"}
_NO_RANGES = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}

NOT_IN_STRICT = {
    "anthropic": frozenset(_NEVER | _NO_SIZES | _NO_RANGES | {"maxItems"}),
    "openai": frozenset(_NEVER | _NO_SIZES | {"allOf", "dependentRequired", "propertyNames"}),
}
"""Keywords that strict mode does not take (the vendors' pages on structured outputs)."""


@dataclass(eq=False)
class Refused(Exception):
    """A request that the vendor would answer with an error."""

    message: str
    status: int = 400
    kind: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None


def check_shape(body: Mapping[str, JsonValue], shape: Any) -> None:
    """Refuse unknown fields and wrong types; `shape` is the SDK's TypedDict of the request."""
    problem = misfit({name: v for name, v in body.items() if name != "stream"}, shape)
    if problem:
        raise Refused(f"{problem.where}: {problem.problem}", param=problem.where)
    if not isinstance(body.get("stream", False), bool):
        raise Refused("stream: Input should be a valid boolean", param="stream")


def check_tool_names(names: list[str]) -> None:
    """Refuse names that a vendor does not take, and one name for two tools."""
    for index, name in enumerate(names):
        if not TOOL_NAME.match(name):
            raise Refused(f"tools.{index}.name: String should match pattern {TOOL_NAME.pattern!r}")
    if len(set(names)) != len(names):
        raise Refused("tools: Tool names must be unique.", param="tools")


def is_json_object(text: str) -> bool:
    """Tell whether a text is a JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def check_strict_schema(schema: JsonValue, *, vendor: str, where: str) -> None:
    """Refuse a schema that strict mode cannot compile: objects closed, all fields required."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise Refused(f"{where}: schema must be a JSON Schema of 'type: \"object\"'", param=where)
    for path, part in _parts(schema, where):
        if "properties" in part or part.get("type") == "object":
            _check_object(part, path)
        for word in sorted(NOT_IN_STRICT[vendor].intersection(part)):
            raise Refused(f"{path}: '{word}' is not permitted in a strict schema", param=path)


def _check_object(part: dict[str, JsonValue], path: str) -> None:
    if part.get("additionalProperties") is not False:
        raise Refused(
            f"{path}: For 'object' type, 'additionalProperties' must be explicitly set to false",
            param=path,
        )
    properties, required = part.get("properties"), part.get("required")
    names = set(properties) if isinstance(properties, dict) else set()
    listed = {str(name) for name in required} if isinstance(required, list) else set()
    if names != listed:
        raise Refused(
            f"{path}: 'required' is required to be supplied and to be an array including every "
            f"key in properties: {sorted(names ^ listed)}",
            param=path,
        )


def _parts(schema: JsonValue, path: str) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """Yield each subschema with its path; names of properties are not keywords."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for word in ("properties", "$defs", "definitions"):
        inner = schema.get(word)
        if isinstance(inner, dict):
            for name, part in inner.items():
                yield from _parts(part, f"{path}.{word}.{name}")
    yield from _parts(schema.get("items"), f"{path}.items")
    for word in ("anyOf", "allOf"):
        choices = schema.get(word)
        if isinstance(choices, list):
            for index, choice in enumerate(choices):
                yield from _parts(choice, f"{path}.{word}.{index}")
