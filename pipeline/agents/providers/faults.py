"""What a vendor said went wrong, and which of our errors that is. Typed by status, type and code.

code in CODES ?  else  type in TYPES ?  else  status in STATUSES ?  else  5xx or unknown: overloaded
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from pipeline.errors import (
    AuthProblem,
    BadRequest,
    ContextOverflow,
    NetworkProblem,
    Overloaded,
    ProviderError,
    QuotaReached,
    SpendLimit,
)

Make = Callable[[str, str, Mapping[str, str], datetime], ProviderError]
"""From who failed, what was said, the response's headers and the time to the error to raise."""


class Trouble(StrEnum):
    """Kinds of trouble, by who can mend it."""

    AUTH = "auth"
    LIMIT = "limit"
    SPEND = "spend"
    OVERLOADED = "overloaded"
    OVERFLOW = "overflow"
    NETWORK = "network"
    REQUEST = "request"


CODES: dict[str, Trouble] = {
    "contract_spend_limit_reached": Trouble.SPEND,
    "enforced_spend_limit_reached": Trouble.SPEND,
    "linked_organization_spend_limit_reached": Trouble.SPEND,
    "linked_organization_billing_unavailable": Trouble.SPEND,
    "user_profile_billing_not_authorized": Trouble.SPEND,
    "user_profile_not_billable": Trouble.SPEND,
    "insufficient_quota": Trouble.SPEND,
    "billing_hard_limit_reached": Trouble.SPEND,
    "billing_not_active": Trouble.SPEND,
    "organization_on_hold": Trouble.AUTH,
    "invalid_api_key": Trouble.AUTH,
    "ramp_limit_exceeded": Trouble.LIMIT,
    "rate_limit_exceeded": Trouble.LIMIT,
    "context_length_exceeded": Trouble.OVERFLOW,
    "request_body_too_large_after_decoding": Trouble.OVERFLOW,
    "request_body_timeout": Trouble.NETWORK,
    "server_error": Trouble.OVERLOADED,
    "vector_store_timeout": Trouble.OVERLOADED,
    "invalid_prompt": Trouble.REQUEST,
    "data_residency_mismatch": Trouble.REQUEST,
    "bio_policy": Trouble.REQUEST,
    "misalignment_policy_violation": Trouble.REQUEST,
}
"""Codes that name a cause: Anthropic's `error_code`, OpenAI's `code`."""

TYPES: dict[str, Trouble | None] = {
    "authentication_error": Trouble.AUTH,
    "permission_error": Trouble.AUTH,
    "billing_error": Trouble.SPEND,
    "insufficient_quota": Trouble.SPEND,
    "rate_limit_error": Trouble.LIMIT,
    "timeout_error": Trouble.OVERLOADED,
    "api_error": Trouble.OVERLOADED,
    "overloaded_error": Trouble.OVERLOADED,
    "server_error": Trouble.OVERLOADED,
    "conflict_error": Trouble.OVERLOADED,
    "request_too_large": Trouble.OVERFLOW,
    "not_found_error": Trouble.REQUEST,
    "memory_precondition_failed_error": Trouble.REQUEST,
    "memory_path_conflict_error": Trouble.REQUEST,
    "exceed_context_size_error": Trouble.OVERFLOW,
    "invalid_request_error": None,
}
"""Broad categories. None: the status says more."""

STATUSES: dict[int, Trouble] = {
    401: Trouble.AUTH,
    402: Trouble.SPEND,
    403: Trouble.AUTH,
    408: Trouble.OVERLOADED,
    409: Trouble.OVERLOADED,
    413: Trouble.OVERFLOW,
    429: Trouble.LIMIT,
    499: Trouble.NETWORK,
    501: Trouble.REQUEST,
}
"""Other 4xx (and 3xx) are our request's fault, other 5xx are overload."""

TOO_LONG = (
    "prompt is too long",
    "exceed context limit",
    "exceeds the context window",
    "maximum context length",
)
"""Anthropic and vLLM have no code for a request that does not fit the window, only words."""

REMAINING = re.compile(r"(anthropic-ratelimit|x-ratelimit)-(?:(.+)-)?remaining(?:-(.+))?")
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?(?:([\d.]+)ms)?")


@dataclass(frozen=True)
class Fault:
    """An error as a vendor reports it, in a response or in the middle of a stream."""

    provider: str
    message: str
    status: int | None = None
    """None, or 200, for an error in the middle of a stream."""
    type: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    in_stream: bool = False
    """An answer had begun before."""


def trouble(fault: Fault) -> Trouble:
    """Return what kind of trouble a fault is."""
    known = CODES.get(fault.code or "") or TYPES.get(fault.type or "")
    if known is not None:
        return known
    lowered = fault.message.lower()
    if any(words in lowered for words in TOO_LONG):
        return Trouble.OVERFLOW
    status = fault.status or 0
    if status in STATUSES:
        return STATUSES[status]
    in_a_stream = status < 300
    ours = fault.type in TYPES if in_a_stream else status < 500
    return Trouble.REQUEST if ours else Trouble.OVERLOADED


def as_error(fault: Fault, now: datetime) -> ProviderError:
    """Return the error to raise, with what the vendor says of another attempt; `now` is UTC."""
    error = MAKE[trouble(fault)](fault.provider, one_line(fault.message), fault.headers, now)
    error.retry_after_s = retry_after(fault.headers, now)
    error.should_retry = SHOULD_RETRY.get(fault.headers.get("x-should-retry", ""))
    error.may_be_billed = fault.in_stream or fault.status in (None, 200)
    return error


SHOULD_RETRY = {"true": True, "false": False}
"""What both vendors' `x-should-retry` may say; their SDKs obey it too (`_should_retry`)."""


def _quota(who: str, said: str, headers: Mapping[str, str], now: datetime) -> ProviderError:
    reset_at = quota_reset(headers, now)
    until = f"until {reset_at:%H:%M:%S} UTC" if reset_at else "for now, with no reset time"
    return QuotaReached(f"{who}: the quota is used up {until} ({said})", reset_at)


def _saying(kind: type[ProviderError], what: str, then: str) -> Make:
    """Return what makes an error of `kind` that says what has happened and what to do."""
    return lambda who, said, headers, now: kind(f"{who}: {what} ({said}): {then}")


MAKE: dict[Trouble, Make] = {
    Trouble.LIMIT: _quota,
    Trouble.AUTH: _saying(AuthProblem, "the key was refused", "check it and its permissions"),
    Trouble.SPEND: lambda who, said, headers, now: SpendLimit(
        f"{who}: the account may not spend more ({said}): raise its limit there"
    ),
    Trouble.OVERFLOW: lambda who, said, headers, now: ContextOverflow(
        f"{who}: the request no longer fits the model's window ({said})"
    ),
    Trouble.REQUEST: _saying(BadRequest, "the request was refused", "check model and settings"),
    Trouble.NETWORK: lambda who, said, headers, now: NetworkProblem(f"{who}: {said}"),
    Trouble.OVERLOADED: lambda who, said, headers, now: Overloaded(f"{who}: {said}"),
}
"""What is raised for each kind of trouble."""


def one_line(text: str, limit: int = 300) -> str:
    """Return `text` as one printable line of at most `limit` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds the vendor asks us to wait (`retry-after-ms`, `retry-after`)."""
    in_ms = _number(headers.get("retry-after-ms"))
    if in_ms is not None:
        return in_ms / 1000
    text = headers.get("retry-after")
    in_s = _number(text)
    if in_s is not None or not text:
        return in_s
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds())


def quota_reset(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return when the vendor goes on: `retry-after`, else the last reset of an empty allowance.

    Anthropic: `anthropic-ratelimit-<what>-remaining` and `-reset` (a time). OpenAI:
    `x-ratelimit-remaining-<what>` and `x-ratelimit-reset-<what>` (a duration, `6m0s`).
    """
    wait_s = retry_after(headers, now)
    if wait_s is not None:
        return now + timedelta(seconds=wait_s)
    resets = [
        _moment(headers[reset], now)
        for name, left in headers.items()
        if (reset := name.replace("remaining", "reset")) in headers
        and REMAINING.fullmatch(name)
        and _number(left) == 0
    ]
    return max((moment for moment in resets if moment is not None), default=None)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 10**9 else None


def _moment(text: str, now: datetime) -> datetime | None:
    """Read a reset: an ISO time, or a duration from `now`."""
    found = DURATION.fullmatch(text.strip())
    if text.strip() and found:
        hours, minutes, seconds, ms = (float(part or 0) for part in found.groups())
        return now + timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=ms)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
