"""The one place where an agent's tool call becomes an effect.

    ToolCall -> known? -> JSON and schema? -> policy? -> handler -> capped -> ToolResult
                                                          `-> Accepted -> Answered (the turn ends)

Secrets are taken out on the way: of results before the model sees them, of answers before anything
is made of them.

What the model can mend (an unknown tool, wrong arguments, a missing file) goes back to it as an
error result; what only the operator can mend passes through as an exception.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import orjson
from pydantic import ValidationError

from pipeline.agents.messages import StopSignal, ToolCall, ToolResult
from pipeline.agents.tools.outputs import Outputs
from pipeline.agents.tools.specs import ToolKind
from pipeline.agents.tools.wire import FinalWire, Wire
from pipeline.errors import (
    OF_THE_DISK,
    BudgetSpent,
    DiskProblem,
    IssueBudgetSpent,
    PipelineError,
    QuotaPause,
    SandboxMissing,
    Stopped,
    TurnTimedOut,
    cannot_write,
)
from pipeline.events import EventBus, ToolCalled, ToolStarted
from pipeline.git import GitError
from pipeline.plans.sanitize import clean
from pipeline.sandbox import SandboxFailed
from pipeline.store.redaction import Redaction

PASSES = (
    BudgetSpent,
    DiskProblem,
    GitError,
    IssueBudgetSpent,
    QuotaPause,
    SandboxFailed,
    SandboxMissing,
    Stopped,
    TurnTimedOut,
)
"""Errors that a tool may raise and that no model can mend."""

SUMMARY_CHARS = 120
MOST_CHARS = 2_000_000
"""Of a longer result only head and tail are looked at, and kept."""
SHOWN_PROBLEMS = 12

CountsAs = Literal["answer", "repair"]


@dataclass(frozen=True)
class Output:
    """What a tool came to, as text for the model."""

    text: str
    is_error: bool = False


@dataclass(frozen=True)
class Accepted:
    """The answer of the turn, as a domain value; nothing runs in the turn after it."""

    value: object


@dataclass(frozen=True)
class Refused:
    """An answer that goes back to the agent with what to do.

    `answer`: its form or content is wrong. `repair`: the verification contradicts it.
    """

    text: str
    counts_as: CountsAs = "answer"


Verdict = Output | Accepted | Refused
"""What a handler returns."""


@dataclass(frozen=True)
class Leash:
    """How long a tool may still work, and whether it should stop."""

    remaining: Callable[[], float]
    """Seconds until the turn's deadline."""
    stop: StopSignal


Handler = Callable[[Wire, Leash], Verdict]


@dataclass(frozen=True)
class Tool:
    """A kind of tool and what it does in this turn."""

    kind: ToolKind
    handler: Handler


class Policy(Protocol):
    """Decides whether a tool call may have its effect."""

    def refusal(self, tool: str, arguments: Wire) -> str | None:
        """Return why the call may not be made, for the model; None when it may."""
        ...


@dataclass(frozen=True)
class Answered:
    """The turn has its answer."""

    value: object


@dataclass(frozen=True)
class Returned:
    """An answer was refused; `result` tells the agent why."""

    result: ToolResult
    counts_as: CountsAs


class Toolbox:
    """The tools of one turn of one agent."""

    def __init__(
        self,
        tools: Mapping[str, Tool],
        *,
        role: str,
        issue_id: str,
        request_id: str,
        policy: Policy,
        bus: EventBus,
        outputs: Outputs,
        redaction: Redaction | None = None,
    ) -> None:
        self._tools = tools
        self._role = role
        self._issue_id = issue_id
        self._request_id = request_id
        self._policy = policy
        self._bus = bus
        self._outputs = outputs
        self._redaction = redaction or Redaction()

    @property
    def final_tools(self) -> tuple[str, ...]:
        """Return the names of the tools that end the turn, sorted."""
        return tuple(sorted(name for name, tool in self._tools.items() if tool.kind.final))

    def is_final(self, name: str) -> bool:
        """Tell whether a call of `name` is meant to end the turn."""
        return name in self._tools and self._tools[name].kind.final

    def has_effects(self, name: str) -> bool:
        """Tell whether a call of `name` may change something outside this process."""
        return name in self._tools and self._tools[name].kind.effects

    def call(self, call: ToolCall, leash: Leash) -> ToolResult | Returned | Answered:
        """Carry out one tool call; raises only what no model can mend."""
        verdict, summary = self._carry_out(call, leash)
        is_error = isinstance(verdict, Refused) or (
            isinstance(verdict, Output) and verdict.is_error
        )
        self._bus.emit(
            ToolCalled(
                role=self._role,
                issue_id=self._issue_id,
                tool=clean(call.name, one_line=True)[:SUMMARY_CHARS],
                summary=self._told(summary),
                is_error=is_error,
            )
        )
        if isinstance(verdict, Accepted):
            return Answered(verdict.value)
        text = self._redaction(bounded(as_unicode(verdict.text)))
        result = ToolResult(call.id, self._outputs.cap(text), is_error)
        if isinstance(verdict, Refused):
            return Returned(result, verdict.counts_as)
        return result

    def _told(self, summary: str) -> str:
        return clean(self._redaction(summary), one_line=True)[:SUMMARY_CHARS]

    def _carry_out(self, call: ToolCall, leash: Leash) -> tuple[Verdict, str]:
        tool = self._tools.get(call.name)
        if tool is None:
            return self._unknown(call.name), "no such tool"
        try:
            arguments = self._arguments(tool.kind, call.arguments or "{}")
        except ValidationError as error:
            text = f"{call.name} was not run: {describe(error)}"
            return wrong(tool, text), "arguments do not fit the schema"
        summary = tool.kind.summary(arguments)
        refusal = self._policy.refusal(call.name, arguments) or self._wrong_request(arguments)
        if refusal is not None:
            return wrong(tool, refusal), summary
        started = ToolStarted(self._role, self._issue_id, call.name, self._told(summary))
        self._bus.emit(started)
        try:
            return tool.handler(arguments, leash), summary
        except PASSES:
            raise
        except ValidationError as error:
            return wrong(tool, describe(error)), summary
        except OSError as error:
            if error.errno in OF_THE_DISK:
                raise cannot_write(error.filename or "an agent's file", error) from error
            return wrong(tool, f"{call.name} failed: {error.strerror or error}"), summary
        except (PipelineError, ValueError) as error:
            return wrong(tool, str(error)), summary

    def _arguments(self, kind: ToolKind, text: str) -> Wire:
        """Return what a call carries; an answer, which is kept and shown, without secrets."""
        sent = kind.model.model_validate_json(text)
        if not kind.final:
            return sent
        shown = self._redaction.deep(sent.model_dump(mode="json"))
        return kind.model.model_validate_json(orjson.dumps(shown))

    def _unknown(self, name: str) -> Output:
        names = ", ".join(sorted(self._tools))
        return Output(f"there is no tool {name!r}; your tools are: {names}", is_error=True)

    def _wrong_request(self, arguments: Wire) -> str | None:
        if not isinstance(arguments, FinalWire) or arguments.request_id == self._request_id:
            return None
        return (
            f"request_id is {arguments.request_id!r}, but this turn's is {self._request_id!r}: "
            "answer the request of this turn and send its request_id"
        )


def as_unicode(text: str) -> str:
    """Return text that can be sent: names of files that are not UTF-8 lose what is not."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def bounded(text: str) -> str:
    """Return `text`, or head and tail of one that is too long to be looked through."""
    left_out = len(text) - MOST_CHARS
    if left_out <= 0:
        return text
    half = MOST_CHARS // 2
    return f"{text[:half]}\n[... {left_out} characters left out, and not kept ...]\n{text[-half:]}"


def wrong(tool: Tool, text: str) -> Output | Refused:
    """Return an error in the form that fits the tool: a wrong answer counts."""
    return Refused(text) if tool.kind.final else Output(text, is_error=True)


def describe(error: ValidationError) -> str:
    """Return a validation error as short lines for the model: where and what."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"- {place(item['loc'])}: {item['msg']}" for item in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"- and {len(problems) - SHOWN_PROBLEMS} more")
    return "\n".join(
        [
            "the arguments do not fit the schema (all fields are required, no others allowed):",
            *lines,
        ]
    )


def place(location: tuple[int | str, ...]) -> str:
    """Return a location as a path: `tasks[0].files[1].action`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the arguments"
