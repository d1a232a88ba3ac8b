"""What the stand-in says: a script of answers, each a pure function of the request.

    [[answers]]
    agent = "planner"            # or "executor"
    issue = "DEMO-1"             # "*" (the default) is any issue
    turn = 1                     # absent is any turn
    [[answers.replies]]
    thinking = "Where is it?"
    tool_calls = [{ name = "read_file", arguments = { path = "src/a.py" } }]
    [[answers.replies]]
    when = { last_result_contains = "not found" }      # left out unless it holds
    tool_calls = [{ name = "list_files", arguments = { path = "." } }]

The whole format is in docs/rehearsal.md.
"""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from pipeline.errors import PipelineError
from pipeline.rehearsal.patches import as_offered
from pipeline.rehearsal.view import AgentName, OfferedTool, RequestView

ANY_ISSUE = "*"
OUT_OF_WORDS = "The script has nothing more to say."

Stop = Literal["natural", "truncated", "refusal", "pause", "context", "unknown"]
"""Why an answer ends: as its content says, or cut at the output limit, refused, paused (Anthropic),
out of window, or for a reason that no client has heard of."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CallSpec(_Strict):
    """A tool call to make. Left-out arguments that the tool's schema lets be null become null."""

    name: str
    arguments: dict[str, JsonValue] = {}
    raw_arguments: str | None = None
    """Sent instead of `arguments` as it stands, malformed or not."""


class Condition(_Strict):
    """When a reply is given; otherwise it is left out."""

    last_result_contains: str


class ReplySpec(_Strict):
    """One answer of the model."""

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[CallSpec, ...] = ()
    stop: Stop = "natural"
    when: Condition | None = None


class Answer(_Strict):
    """The replies of one turn, in their order."""

    agent: AgentName
    issue: str = ANY_ISSUE
    turn: int | None = None
    replies: tuple[ReplySpec, ...]


class _Document(_Strict):
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Script:
    """All answers; the most exact one counts: issue before `*`, a turn's number before any turn."""

    answers: tuple[Answer, ...] = ()
    function: Callable[[RequestView], ReplySpec] | None = None

    @classmethod
    def from_function(cls, function: Callable[[RequestView], ReplySpec]) -> "Script":
        """Make a script that asks `function`; it should depend on nothing but the request."""
        return cls(function=function)

    @classmethod
    def from_toml(cls, text: str, *, source: str = "the script") -> "Script":
        """Read a script; raises `PipelineError` with the place of the first mistake."""
        try:
            return cls(_Document.model_validate(tomllib.loads(text)).answers)
        except tomllib.TOMLDecodeError as error:
            raise PipelineError(f"{source} is not TOML: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise PipelineError(f"{source}: {where}: {first['msg']}") from error

    @classmethod
    def load(cls, path: Path) -> "Script":
        """Read a script from a TOML file."""
        return cls.from_toml(path.read_text(), source=str(path))

    def __add__(self, other: "Script") -> "Script":
        """Return both scripts' answers; where both answer, the left one counts."""
        return Script(self.answers + other.answers, self.function or other.function)

    def reply(self, view: RequestView) -> ReplySpec:
        """Return the answer to `view`, with placeholders and nulls filled in."""
        return _filled_in(self.function(view) if self.function else self._scripted(view), view)

    def _scripted(self, view: RequestView) -> ReplySpec:
        fitting = [a for a in self.answers if _fits(a, view)]
        if not fitting:
            return ReplySpec(text=OUT_OF_WORDS)
        answer = max(fitting, key=lambda a: (a.issue != ANY_ISSUE, a.turn is not None))
        return _nth_reply(answer, view) or ReplySpec(text=OUT_OF_WORDS)


def _fits(answer: Answer, view: RequestView) -> bool:
    return (
        answer.agent == view.agent
        and answer.issue in (ANY_ISSUE, view.issue_id)
        and answer.turn in (None, view.turn)
    )


def _nth_reply(answer: Answer, view: RequestView) -> ReplySpec | None:
    """Walk through the turn again: each call takes the next reply whose condition holds."""
    replies = iter(answer.replies)
    chosen: ReplySpec | None = None
    for came_back in ("", *view.replies):
        chosen = next((r for r in replies if _holds(r, came_back)), None)
    return chosen


def _holds(reply: ReplySpec, came_back: str) -> bool:
    return reply.when is None or reply.when.last_result_contains in came_back


def _filled_in(reply: ReplySpec, view: RequestView) -> ReplySpec:
    words = {
        "{request_id}": view.request_id,
        "{issue_id}": view.issue_id,
        "{solution_id}": view.solution_id,
    }
    calls = tuple(_filled_call(call, words, view) for call in reply.tool_calls)
    return reply.model_copy(update={"text": _replaced(reply.text, words), "tool_calls": calls})


def _filled_call(call: CallSpec, words: dict[str, str], view: RequestView) -> CallSpec:
    arguments = {name: _replaced(value, words) for name, value in call.arguments.items()}
    schemas = {tool.name: tool for tool in view.tools}
    name, arguments = as_offered(call.name, arguments, schemas)
    raw = call.raw_arguments and _replaced(call.raw_arguments, words)
    whole = _with_nulls(arguments, schemas.get(name))
    return call.model_copy(update={"name": name, "arguments": whole, "raw_arguments": raw})


def _replaced(value: JsonValue, words: dict[str, str]) -> JsonValue:
    if isinstance(value, str):
        for word, meaning in words.items():
            value = value.replace(word, meaning)
        return value
    if isinstance(value, list):
        return [_replaced(item, words) for item in value]
    if isinstance(value, dict):
        return {key: _replaced(item, words) for key, item in value.items()}
    return value


def _with_nulls(value: JsonValue, tool: OfferedTool | None) -> JsonValue:
    return value if tool is None else _fill(value, tool.schema, tool.schema)


def _fill(value: JsonValue, schema: JsonValue, root: dict[str, JsonValue]) -> JsonValue:
    """Add what `schema` requires and lets be null; TOML cannot say null."""
    for shape in _shapes(schema, root):
        properties, items = shape.get("properties"), shape.get("items")
        if isinstance(value, dict) and isinstance(properties, dict):
            missing = {n: None for n, s in properties.items() if n not in value and _nullable(s)}
            filled = {n: _fill(v, properties.get(n), root) for n, v in value.items()}
            return {**filled, **missing}
        if isinstance(value, list) and items is not None:
            return [_fill(item, items, root) for item in value]
    return value


def _shapes(schema: JsonValue, root: dict[str, JsonValue]) -> list[dict[str, JsonValue]]:
    """Return `schema` or its alternatives, references resolved."""
    if not isinstance(schema, dict):
        return []
    reference = schema.get("$ref")
    if isinstance(reference, str):
        definitions = root.get("$defs")
        name = reference.removeprefix("#/$defs/")
        return _shapes(definitions.get(name), root) if isinstance(definitions, dict) else []
    choices = schema.get("anyOf")
    if isinstance(choices, list):
        return [shape for choice in choices for shape in _shapes(choice, root)]
    return [schema]


def _nullable(schema: JsonValue) -> bool:
    if not isinstance(schema, dict):
        return False
    kinds = schema.get("type")
    if kinds == "null" or (isinstance(kinds, list) and "null" in kinds):
        return True
    choices = schema.get("anyOf")
    return isinstance(choices, list) and any(map(_nullable, choices))


def arguments_json(call: CallSpec) -> str:
    """Return the arguments of `call` as the JSON text that a model would write."""
    if call.raw_arguments is not None:
        return call.raw_arguments
    return json.dumps(call.arguments, ensure_ascii=False)
