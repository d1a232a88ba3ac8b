"""Sees when a turn goes in circles: a table of patterns over its last few steps.

A step is one reply of the model with what its calls came to. Durations and the names of kept
outputs are left out of the comparison; any other difference counts: a build that is polled prints
something new, and another range of a file is another call.

The thresholds are those of OpenHands' detector (4 repeats, 3 errors, 3 monologues, 6
alternations); `no_change` is ours.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from pipeline.agents.messages import Reply, ToolResult

PatternName = Literal["same_error", "same_result", "alternation", "monologue", "no_change"]

WINDOW = 16
"""So many steps are looked at; the turn keeps no more of them."""
CHANGING = frozenset({"edit_file", "write_file", "apply_patch", "finish_task", "submit_result"})
"""Tools that bring the work forward when they succeed."""

_NOISE = re.compile(r"\d+\.\d+ ?(?:ms|s|secs?|seconds)\b|output:\d+")


@dataclass(frozen=True)
class Step:
    """One reply and its results, small enough to be kept and compared."""

    tools: tuple[str, ...]
    asked: bytes
    """Hash of the calls: names and arguments."""
    came_to: bytes
    """Hash of the results."""
    errors: tuple[bool, ...]

    @property
    def is_error(self) -> bool:
        """Tell whether everything that was called came to an error."""
        return bool(self.errors) and all(self.errors)

    @property
    def changes(self) -> tuple[bool, ...]:
        """Return, for each call that is meant to bring the work forward, whether it did."""
        return tuple(
            not error
            for tool, error in zip(self.tools, self.errors, strict=True)
            if tool in CHANGING
        )


@dataclass(frozen=True)
class Pattern:
    """One way to go in circles."""

    times: int
    """How often it has to be seen in a row."""
    found: Callable[[Sequence[Step], int], bool]
    """Takes the last steps, oldest first, and `times`."""
    said: str
    """What is repeated; `{tools}` and `{times}` are filled in."""


def step_of(reply: Reply, results: Sequence[ToolResult] = ()) -> Step:
    """Return the step of a reply whose calls came to `results`, in the calls' order."""
    return Step(
        tools=tuple(call.name for call in reply.tool_calls),
        asked=_hash(part for call in reply.tool_calls for part in (call.name, call.arguments)),
        came_to=_hash(_NOISE.sub("", result.text) for result in results),
        errors=tuple(result.is_error for result in results),
    )


def repeated(steps: Sequence[Step]) -> str | None:
    """Return what the last steps repeat, as half a sentence; None when the turn gets on."""
    recent = list(steps)[-WINDOW:]
    for pattern in PATTERNS.values():
        if len(recent) >= pattern.times and pattern.found(recent, pattern.times):
            tools = ", ".join(dict.fromkeys(tool for tool in recent[-1].tools)) or "no tool"
            return pattern.said.format(tools=tools, times=pattern.times)
    return None


def _same_error(steps: Sequence[Step], times: int) -> bool:
    last = steps[-1]
    return last.is_error and all(
        one.is_error and (one.tools, one.came_to) == (last.tools, last.came_to)
        for one in steps[-times:]
    )


def _same_result(steps: Sequence[Step], times: int) -> bool:
    return bool(steps[-1].tools) and all(one == steps[-1] for one in steps[-times:])


def _alternation(steps: Sequence[Step], times: int) -> bool:
    last = steps[-times:]
    one, other = last[0], last[1]
    return (
        one != other
        and bool(one.tools and other.tools)
        and all(step == (other if n % 2 else one) for n, step in enumerate(last))
    )


def _monologue(steps: Sequence[Step], times: int) -> bool:
    return not any(step.tools for step in steps[-times:])


def _no_change(steps: Sequence[Step], times: int) -> bool:
    tried = [worked for step in steps for worked in step.changes]
    return bool(steps[-1].changes) and len(tried) >= times and not any(tried[-times:])


PATTERNS: dict[PatternName, Pattern] = {
    "same_error": Pattern(
        3, _same_error, "the last {times} calls of {tools} came to the same error"
    ),
    "same_result": Pattern(
        4, _same_result, "the same call of {tools} with the same result, {times} times in a row"
    ),
    "alternation": Pattern(
        6, _alternation, "two steps in turn with the same results, {times} in all, last {tools}"
    ),
    "monologue": Pattern(3, _monologue, "{times} replies in a row that called no tool"),
    "no_change": Pattern(
        6, _no_change, "{times} edits, finishes or results in a row that came to nothing"
    ),
}
"""The first that is found holds."""


def _hash(parts: Iterable[str]) -> bytes:
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.digest()
