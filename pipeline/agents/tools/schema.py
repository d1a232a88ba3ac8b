"""Strict JSON Schemas of the wire models, in the subset that both vendors accept.

Both vendors' strict modes want `additionalProperties: false` and every property in `required`.
References are written out, and titles, defaults and class docstrings are left out: they cost
tokens and say nothing that a field's description does not.
"""

from functools import cache

from pydantic import BaseModel, JsonValue

DROPPED = frozenset({"title", "default", "$defs"})


@cache
def strict_schema(model: type[BaseModel]) -> dict[str, JsonValue]:
    """Return the schema of `model` with references written out; one for all, not to be changed."""
    whole = model.model_json_schema()
    written = _written_out(whole, whole.get("$defs", {}))
    assert isinstance(written, dict)
    written.pop("description", None)
    return written


def _written_out(node: JsonValue, definitions: dict[str, JsonValue]) -> JsonValue:
    if isinstance(node, list):
        return [_written_out(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        target = definitions[name]
        assert isinstance(target, dict)
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return _written_out({**_without_docstring(target), **rest}, definitions)
    return {
        key: _properties(value, definitions)
        if key == "properties"
        else _written_out(value, definitions)
        for key, value in node.items()
        if key not in DROPPED
    }


def _properties(node: JsonValue, definitions: dict[str, JsonValue]) -> JsonValue:
    """Write out each property; their names are not keywords (a task has a `title`)."""
    assert isinstance(node, dict)
    return {name: _written_out(value, definitions) for name, value in node.items()}


def _without_docstring(node: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {key: value for key, value in node.items() if key != "description"}
