"""A request seen without a vendor's words: who asks, for which issue, which call of the turn it is.

Everything here is read from the request alone, so that a run that was killed and resumed gets
the answers that belong to where it is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

REQUEST_ID = re.compile(r"request_id:\s*([A-Za-z0-9._-]+)\.(\d+)\b")
"""The line of a turn's first text that says which turn it is: `request_id: ISS-001.1`."""

SUMMARY = re.compile(r"summary of (request_id: \S+) after (\d+) answers")

SOLUTION_ID = re.compile(r"\bSOL-[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")

AgentName = Literal["planner", "executor"]
Vendor = Literal["anthropic", "openai", "openai-chat"]


@dataclass(frozen=True)
class Spoken:
    """One message of a conversation: what was said, and the tool results that came with it."""

    role: Literal["user", "assistant"]
    texts: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    summary: str = ""
    """What the stand-in wrote in place of what was said before."""


@dataclass(frozen=True)
class OfferedTool:
    """A tool that the request offers, with its JSON Schema."""

    name: str
    schema: dict[str, JsonValue]


@dataclass(frozen=True)
class RequestView:
    """What a script may know about a request."""

    vendor: Vendor
    model: str
    agent: AgentName
    issue_id: str
    """Empty when no text carries a `request_id`."""
    turn: int
    """The number after the issue's id; planner and executor count separately."""
    call: int
    """How many answers the turn has so far; 0 for its first call."""
    turn_text: str
    """The text that opened the turn."""
    replies: tuple[str, ...]
    """For each answer of the turn so far, all that came back: tool results and reminders."""
    tools: tuple[OfferedTool, ...]
    earlier: tuple[str, ...]
    """The users' texts before the turn: memory and ledger, where they are messages."""
    wants_summary: bool = False
    """Whether the vendor itself is asked to sum the conversation up: no script answers then."""

    @property
    def request_id(self) -> str:
        """Return `<issue id>.<turn>`, or nothing when the request carries none."""
        return f"{self.issue_id}.{self.turn}" if self.issue_id else ""

    @property
    def solution_id(self) -> str:
        """Return the first solution id in the turn's text, or nothing."""
        found = SOLUTION_ID.search(self.turn_text)
        return found.group() if found else ""


def read_view(
    conversation: Sequence[Spoken], *, vendor: Vendor, model: str, tools: Sequence[OfferedTool]
) -> RequestView:
    """Find the open turn in `conversation`: it starts with the last `request_id` that is said."""
    message, position = _turn_start(conversation)
    texts = conversation[message].texts if conversation else ()
    turn_text = texts[position] if texts else ""
    found = REQUEST_ID.search(turn_text)
    summed_up = _summed_up(conversation, found.group() if found else "")
    return RequestView(
        vendor=vendor,
        model=model,
        agent="planner" if any(t.name == "submit_solution" for t in tools) else "executor",
        issue_id=found.group(1) if found else "",
        turn=int(found.group(2)) if found else 0,
        call=summed_up + sum(map(_is_answer, conversation[message:])),
        turn_text=turn_text,
        replies=("",) * summed_up + _replies(conversation[message:]),
        tools=tuple(tools),
        earlier=_users_texts(conversation[:message]) + texts[:position],
    )


def summary_of(view: RequestView) -> str:
    """Return the stand-in's summary: whose turn it is, and how many answers it has had."""
    return f"The stand-in's summary of request_id: {view.request_id} after {view.call} answers."


def _is_answer(said: Spoken) -> bool:
    """Tell whether a message is an answer; a summary only stands for some."""
    return said.role == "assistant" and not said.summary


def _summed_up(conversation: Sequence[Spoken], request: str) -> int:
    """Return how many answers of a turn are only in a summary any more."""
    found = [SUMMARY.search(said.summary) for said in conversation]
    return max((int(one[2]) for one in found if one and one[1] == request), default=0)


def _turn_start(conversation: Sequence[Spoken]) -> tuple[int, int]:
    """Return (message, text) where the turn starts; a reminder that repeats the id starts none."""
    starts: dict[str, tuple[int, int]] = {}
    for m, said in enumerate(conversation):
        for t, text in enumerate(said.texts):
            found = REQUEST_ID.search(text) if said.role == "user" else None
            if found:
                starts.setdefault(found.group(), (m, t))
    return max(starts.values(), default=(0, 0))


def _replies(turn: Sequence[Spoken]) -> tuple[str, ...]:
    replies: list[str] = []
    for said in turn:
        if _is_answer(said):
            replies.append("")
        elif replies:
            replies[-1] = "\n".join(filter(None, (replies[-1], *said.results, *said.texts)))
    return tuple(replies)


def _users_texts(messages: Sequence[Spoken]) -> tuple[str, ...]:
    return tuple(text for said in messages if said.role == "user" for text in said.texts)
