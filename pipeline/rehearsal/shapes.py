"""Whether a JSON value has the shape of a TypedDict of an SDK: fields, types, nothing unknown.

The SDKs' types are the vendors' own description of their requests. pydantic validates their
`Iterable` fields lazily and ignores unknown keys, so the walk is ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import typing_extensions

_LISTS = (list, Iterable, Sequence)
_SIMPLE: dict[object, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    bool: (bool,),
    NoneType: (NoneType,),
}
_TAGS = ("type", "role")


@dataclass(frozen=True)
class Misfit:
    """The first place where a value has not the shape it should have."""

    where: str
    problem: str


def misfit(value: object, shape: Any, where: str = "") -> Misfit | None:
    """Return where `value` differs from `shape` (a type of an SDK), or None when it fits."""
    origin = get_origin(shape)
    if origin is Annotated or origin in (Required, NotRequired):
        return misfit(value, get_args(shape)[0], where)
    if origin in (Union, UnionType):
        return _in_union(value, get_args(shape), where)
    if origin is Literal:
        allowed = " or ".join(map(repr, get_args(shape)))
        fits = value in get_args(shape)
        return None if fits else Misfit(where, f"Input should be {allowed}")
    if origin in _LISTS:
        return _in_list(value, get_args(shape)[0], where)
    if origin in (dict, Mapping):
        return None if isinstance(value, dict) else Misfit(where, "Input should be an object")
    if _is_typed_dict(shape):
        return _in_object(value, shape, where)
    return _simple(value, shape, where)


def _simple(value: object, shape: Any, where: str) -> Misfit | None:
    kinds = _SIMPLE.get(shape)
    if kinds is None:
        return None
    if isinstance(value, kinds) and (shape is bool or not isinstance(value, bool)):
        return None
    return Misfit(where, f"Input should be a valid {shape.__name__}")


def _in_list(value: object, shape: Any, where: str) -> Misfit | None:
    if not isinstance(value, list):
        return Misfit(where, "Input should be a valid list")
    found = (misfit(item, shape, f"{where}.{i}") for i, item in enumerate(value))
    return next((problem for problem in found if problem), None)


def _in_object(value: object, shape: Any, where: str) -> Misfit | None:
    if not isinstance(value, dict):
        return Misfit(where, "Input should be an object")
    fields = _fields(shape)
    for name in value:
        if name not in fields and not _open(shape):
            return Misfit(_join(where, name), "Extra inputs are not permitted")
    for name, (kind, required) in fields.items():
        if name not in value:
            if required:
                return Misfit(_join(where, name), "Field required")
        elif problem := misfit(value[name], kind, _join(where, name)):
            return problem
    return None


def _in_union(value: object, choices: Sequence[Any], where: str) -> Misfit | None:
    """Choose by `type` or `role` among objects, so that the problem named is the real one."""
    if isinstance(value, dict):
        tagged = [c for c in _flat(choices) if not _is_typed_dict(c) or _tags_fit(value, c)]
        choices = [c for c in tagged if _is_typed_dict(c) or get_origin(c) in (dict, Mapping)]
        if not choices:
            tags = {name: value.get(name) for name in _TAGS if name in value}
            return Misfit(where, f"Input tag {tags} does not match any of the expected tags")
    problems = [misfit(value, choice, where) for choice in choices if _is_wire_type(choice)]
    if any(problem is None for problem in problems):
        return None
    return max((p for p in problems if p), key=lambda p: p.where.count("."))


def _flat(choices: Sequence[Any]) -> list[Any]:
    flat: list[Any] = []
    for choice in choices:
        nested = get_origin(choice) in (Union, UnionType)
        flat += _flat(get_args(choice)) if nested else [choice]
    return flat


def _tags_fit(value: Mapping[str, object], shape: Any) -> bool:
    fields = _fields(shape)
    for name in _TAGS:
        if name in fields:
            kind, required = fields[name]
            if name in value and misfit(value[name], kind):
                return False
            if name not in value and required:
                return False
        elif name in value and not _open(shape):
            return False
    return True


def _is_wire_type(shape: Any) -> bool:
    """Leave out the response models that a union of request types also allows in Python."""
    return not (isinstance(shape, type) and hasattr(shape, "model_fields"))


def _is_typed_dict(shape: Any) -> bool:
    return is_typeddict(shape) or typing_extensions.is_typeddict(shape)


@cache
def _fields(shape: Any) -> dict[str, tuple[Any, bool]]:
    """Return name -> (type, whether it must be there)."""
    always: frozenset[str] = shape.__required_keys__
    return {
        name: (kind, get_origin(kind) is Required or name in always)
        for name, kind in get_type_hints(shape, include_extras=True).items()
    }


def _open(shape: Any) -> bool:
    return getattr(shape, "__pydantic_config__", {}).get("extra") == "allow"


def _join(where: str, name: object) -> str:
    return f"{where}.{name}" if where else str(name)
