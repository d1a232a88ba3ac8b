"""What a validation error says to a person: the value in our words, not in the library's."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

WORDS: dict[str, str] = {
    "string_too_short": "it must not be empty",
    "string_pattern_mismatch": (
        "use letters, digits, '.', '_' and '-', at most 64, beginning with a letter or a digit"
    ),
    "string_type": "it must be text",
    "int_type": "it must be a whole number",
    "int_parsing": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number",
    "float_parsing": "it must be a number",
    "bool_type": "it must be true or false",
    "bool_parsing": "it must be true or false",
    "tuple_type": "it must be a list",
    "dict_type": "it must be a table of names and values",
    "model_type": "it must be an object",
    "timezone_aware": "it must name its time zone, such as 2026-01-31T12:00:00Z",
}
"""Kind of error -> what is wanted. Every other kind says it in the library's own words."""

SHOWN = 60


def what_is_wanted(error: ErrorDetails) -> str:
    """Return in a few words what a value has to be."""
    words = WORDS.get(error["type"])
    if words is not None:
        return words
    return error["msg"].removeprefix("Value error, ").replace("Input should be", "it must be")


def first_problem(error: ValidationError) -> str:
    """Return the first thing that is wrong on one line: place, value, what is wanted."""
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{place} is missing"
    return f"{place or 'it'} is {short(problem['input'])}: {what_is_wanted(problem)}"


def short(value: object) -> str:
    """Return a value as it is written in Python, cut where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
