"""What can be made to go wrong, where, and how often."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Literal

from pipeline.rehearsal.checks import Refused
from pipeline.rehearsal.moments import Moment, said_until
from pipeline.rehearsal.script import ANY_ISSUE, ReplySpec
from pipeline.rehearsal.view import RequestView

FaultKind = Literal[
    "status",
    "reset",
    "cut",
    "stall",
    "hang",
    "pings",
    "malformed",
    "truncated",
    "refusal",
    "unknown",
    "context",
    "empty",
    "error",
    "event",
    "drip",
]
"""What happens instead of, or to, the answer:

    status      an error with `status` and `headers`
    reset       the connection is reset, before one byte of the answer unless `at` says later
    cut         the stream ends after `after_bytes` bytes, the connection with it
    stall       the stream falls silent after `after_bytes` bytes
    hang        silence from the start
    pings       pings for ever, and nothing else
    malformed   the arguments of the tool calls are not JSON
    truncated   the answer stops at the output limit, in the middle of its last tool call
    refusal     the model refuses
    unknown     the answer stops for a reason that no client has heard of
    context     the answer stops because the window is full
    empty       the answer has no content
    error       the stream reports the error `status`, after it has begun well
    event       the stream holds an event that no client has heard of
    drip        a byte of a comment every `PING_EVERY_S`, and nothing else

`at` names the moment at which a cut, reset, stall, error or event comes, or up to which a model
has spoken when it stops (truncated, refusal, unknown, context).
"""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, `times` times, for the requests that fit."""

    kind: FaultKind
    agent: str = "*"
    issue: str = ANY_ISSUE
    call: int | None = None
    """Which call of a turn (0 is its first); None is any."""
    times: int = 1
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    after_bytes: int = 200
    at: Moment | None = None
    """Instead of `after_bytes`."""
    message: str = ""
    code: str | None = None
    """OpenAI's `error.code`, such as `insufficient_quota`."""

    def fits(self, view: RequestView) -> bool:
        """Tell whether `view` is a request that this fault is for."""
        return (
            self.agent in ("*", view.agent)
            and self.issue in (ANY_ISSUE, view.issue_id)
            and self.call in (None, view.call)
        )


ERROR_KINDS: dict[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    529: "overloaded_error",
}

MALFORMED = '{"path": "src/'


def rate_limited(retry_after_s: float, **where: object) -> Fault:
    """Return a 429 that says when to come back."""
    fault = Fault("status", status=429, headers={"retry-after": f"{retry_after_s:g}"})
    return replace(fault, **where)  # type: ignore[arg-type]


NAMED: dict[str, tuple[Fault, ...]] = {
    "rate-limit": (rate_limited(1, call=0, times=2),),
    "quota": (rate_limited(3600, agent="executor", call=1),),
    "overloaded": (Fault("status", status=529, call=1, times=2),),
    "server-error": (Fault("status", status=500, call=1, times=2),),
    "bad-key": (Fault("status", status=401, times=1000),),
    "reset": (Fault("reset", call=1, times=2),),
    "cut": (Fault("cut", call=1, after_bytes=600, times=2),),
    "hang": (Fault("hang", call=1),),
    "pings": (Fault("pings", call=1),),
    "malformed": (Fault("malformed", call=0),),
    "truncated": (Fault("truncated", call=0),),
    "refusal": (Fault("refusal", call=0),),
    "unknown-stop": (Fault("unknown", call=0),),
    "empty": (Fault("empty", call=0),),
    "error-midway": (Fault("error", status=529, call=0, at="first", code="server_error"),),
    "unknown-event": (Fault("event", call=0, at="first"),),
    "reset-midway": (Fault("reset", call=0, at="first"),),
}
"""Each kind of fault under a name of its own."""


Weather = Callable[[RequestView], Fault | None]
"""Says for each request what goes wrong with it."""


class Faults:
    """The faults of one stand-in, each with the times it has left; safe between threads."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._left = [(fault, fault.times) for fault in faults]
        self._lock = Lock()
        """Protects `_left`."""

    def take(self, view: RequestView) -> Fault | None:
        """Return the first fault that fits and has times left, one time fewer from now on."""
        with self._lock:
            for index, (fault, left) in enumerate(self._left):
                if left > 0 and fault.fits(view):
                    self._left[index] = (fault, left - 1)
                    return fault
        return None


def as_refusal(fault: Fault) -> Refused:
    """Return the error that a `status` fault answers with."""
    kind = ERROR_KINDS.get(fault.status, "api_error")
    message = fault.message or f"{kind.replace('_', ' ')} (injected)"
    return Refused(message, fault.status, kind, code=fault.code)


def reshape(reply: ReplySpec, fault: Fault | None) -> ReplySpec:
    """Return `reply` as `fault` spoils it; most faults spoil the connection instead."""
    if fault is None:
        return reply
    if fault.kind == "malformed":
        broken = [c.model_copy(update={"raw_arguments": MALFORMED}) for c in reply.tool_calls]
        return reply.model_copy(update={"tool_calls": tuple(broken)})
    if fault.kind == "empty":
        return ReplySpec()
    if fault.kind in ("truncated", "refusal", "unknown", "context"):
        said = said_until(reply, fault.at) if fault.at else reply
        return said.model_copy(update={"stop": fault.kind})
    return reply
