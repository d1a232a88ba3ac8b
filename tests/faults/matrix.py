"""What can go wrong with a vendor, at which moments of a turn, and what has to come of it.

Three issues go through one executor; the trouble meets the second one, or the third where it
comes between turns. A turn has two calls: look (thinking, text, `read_file`, `finish_task`) and
submit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.moments import Moment
from pipeline.settings import Provider


@dataclass(frozen=True)
class Place:
    """A moment of the night, as the stand-in knows it."""

    issue: str
    call: int
    at: Moment | None
    """Where in the call's answer; None: instead of it."""


PLACES: dict[str, Place] = {
    "before connect": Place("ISS-2", 0, None),
    "after headers": Place("ISS-2", 0, "headers"),
    "first event": Place("ISS-2", 0, "first"),
    "in text": Place("ISS-2", 0, "text"),
    "in thinking": Place("ISS-2", 0, "thinking"),
    "in tool arguments": Place("ISS-2", 0, "arguments"),
    "between tools": Place("ISS-2", 0, "between"),
    "during a tool": Place("ISS-2", 1, None),
    "after the final tool": Place("ISS-2", 1, "end"),
    "between turns": Place("ISS-3", 0, None),
}


class Verdict(Enum):
    """What has to come of a trouble."""

    RETRIED = "the call is made again by the retry layer, and the turn is answered"
    WAITED = "the run waits until the reset, and the turn is answered"
    PAUSED = "the run pauses at once (exit 75); the next run does the issue"
    ENDED = "the turn ends at once with its error; the next run does the issue"
    FAILED = "the turn fails at once, the issue with it; `retry` does it"
    SUMMED_UP = "the turn is summed up, once, and answered"
    IGNORED = "nothing happens"
    STOPPED = "the agent is told; nothing of the answer is run"
    MENDED = "the agent is told of the one call that was wrong"


@dataclass(frozen=True)
class Answered:
    """A trouble that the vendor answers with: a status, or an error in the middle of a stream."""

    status: int
    verdict: Verdict
    codes: dict[Provider, str | None]
    """`error.code`; Anthropic has none of these."""
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    midway: Verdict | None = None
    """The verdict in the middle of a stream, whose headers are gone, where it is another."""
    later: Verdict | None = None
    """The verdict once the turn has had an answer, where it is another."""


def _codes(openai: str | None) -> dict[Provider, str | None]:
    return {"anthropic": None, "openai": openai, "openai-chat": openai}


ANSWERED: dict[str, Answered] = {
    "429, short reset": Answered(
        429,
        Verdict.RETRIED,
        _codes("rate_limit_exceeded"),
        headers=(("retry-after-ms", "5"),),
        midway=Verdict.PAUSED,
    ),
    "429, long reset": Answered(
        429,
        Verdict.WAITED,
        _codes("rate_limit_exceeded"),
        headers=(("retry-after", "7200"),),
        midway=Verdict.PAUSED,
    ),
    "429, no reset": Answered(429, Verdict.PAUSED, _codes("rate_limit_exceeded")),
    "spend limit": Answered(402, Verdict.PAUSED, _codes("insufficient_quota")),
    "500": Answered(500, Verdict.RETRIED, _codes("server_error")),
    "500, not to be retried": Answered(
        500,
        Verdict.ENDED,
        _codes("server_error"),
        headers=(("x-should-retry", "false"),),
        midway=Verdict.RETRIED,
    ),
    "529": Answered(529, Verdict.RETRIED, _codes("server_error")),
    "context overflow": Answered(
        400,
        Verdict.FAILED,
        _codes("context_length_exceeded"),
        message="prompt is too long: 1200000 tokens > 1000000 maximum",
        later=Verdict.SUMMED_UP,
    ),
    "auth revoked": Answered(401, Verdict.ENDED, _codes("invalid_api_key")),
}

NO_STREAM = "nothing is streamed then"
NO_HTTP = "a vendor that is not connected says nothing"

CANNOT: dict[str, dict[str, str]] = {
    **{name: {"before connect": NO_HTTP} for name in ANSWERED},
    "timeout": {
        "before connect": "no address accepts: test_deadlines.py, a connection that is never made"
    },
    "stream cut mid-event": {
        "before connect": NO_HTTP,
        "during a tool": NO_STREAM,
        "between turns": NO_STREAM,
    },
    "malformed JSON in arguments": {
        name: "no arguments there"
        for name in PLACES
        if name not in ("in tool arguments", "between tools", "after the final tool")
    },
    "unknown event": {
        "before connect": NO_HTTP,
        "during a tool": NO_STREAM,
        "between turns": NO_STREAM,
    },
    "unknown stop reason": {"before connect": NO_HTTP},
    "empty reply": {
        "before connect": NO_HTTP,
        **{
            name: "an answer that has begun to say something is not empty"
            for name in PLACES
            if PLACES[name].at not in (None, "headers")
        },
    },
    "wrong request id": {
        name: "only the final tool carries a request id"
        for name in PLACES
        if name != "after the final tool"
    },
    "refusal": {"before connect": NO_HTTP},
    "10 MB answer": {
        "before connect": NO_HTTP,
        "after headers": "an answer is as large as what it says",
        "first event": "an answer is as large as what it says",
    },
    "reset": {},
}
"""Trouble -> the moments at which it cannot be, and why."""


@dataclass(frozen=True)
class Cell:
    """One trouble at one moment at one vendor."""

    vendor: Provider
    trouble: str
    moment: str

    @property
    def place(self) -> Place:
        return PLACES[self.moment]

    @property
    def id(self) -> str:
        return f"{self.vendor}: {self.trouble}: {self.moment}"

    @property
    def verdict(self) -> Verdict:
        """Return what has to come of it."""
        answered = ANSWERED.get(self.trouble)
        if answered is None:
            return OTHERS[self.trouble]
        if answered.later and self.place.call:
            return answered.later
        midway = self.place.at not in (None, "headers")
        return (answered.midway if midway else None) or answered.verdict

    @property
    def leaves_nothing(self) -> bool:
        """Tell whether nothing of the answer stays in the conversation: it is as if not given."""
        if self.trouble == "10 MB answer":
            return True
        said_nothing = self.trouble == "empty reply" or (
            self.trouble == "unknown stop reason"
            and self.moment in ("after headers", "first event", "in thinking")
        )
        return said_nothing and self.vendor != "openai"  # whose message may be empty

    @property
    def fault(self) -> Fault | None:
        """Return the stand-in's fault; None: script or server do it."""
        place = self.place
        where: dict[str, Any] = {"issue": place.issue, "call": place.call, "at": place.at}
        if answered := ANSWERED.get(self.trouble):
            in_stream = place.at not in (None, "headers")
            return Fault(
                "error" if in_stream else "status",
                **where,
                status=answered.status,
                code=answered.codes[self.vendor],
                message=answered.message,
                headers={} if in_stream else dict(answered.headers),
            )
        kinds: dict[str, str] = {
            "reset": "reset",
            "timeout": "stall" if place.at else "hang",
            "stream cut mid-event": "cut",
            "unknown event": "event",
            "unknown stop reason": "unknown",
            "refusal": "refusal",
            "empty reply": "empty",
        }
        if self.trouble not in kinds or self.moment == "before connect":
            return None
        return Fault(kinds[self.trouble], **where)  # type: ignore[arg-type]


OTHERS: dict[str, Verdict] = {
    "reset": Verdict.RETRIED,
    "timeout": Verdict.RETRIED,
    "stream cut mid-event": Verdict.RETRIED,
    "malformed JSON in arguments": Verdict.MENDED,
    "unknown event": Verdict.IGNORED,
    "unknown stop reason": Verdict.STOPPED,
    "empty reply": Verdict.STOPPED,
    "wrong request id": Verdict.MENDED,
    "refusal": Verdict.FAILED,
    "10 MB answer": Verdict.STOPPED,
}

TROUBLES = (*ANSWERED, *OTHERS)
VENDORS: tuple[Provider, ...] = ("anthropic", "openai", "openai-chat")


def cells() -> Iterator[Cell]:
    """Yield every combination that can be."""
    for vendor in VENDORS:
        for trouble in TROUBLES:
            for moment in PLACES:
                if moment not in CANNOT.get(trouble, {}):
                    yield Cell(vendor, trouble, moment)
