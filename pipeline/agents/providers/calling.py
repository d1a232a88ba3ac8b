"""One attempt at a model call: watched, and its failure translated once."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import sleep

from pipeline.agents.messages import CallLimits, NextStep, Reply
from pipeline.agents.providers.faults import one_line
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.agents.providers.watch import Watch
from pipeline.errors import AuthProblem, BadRequest, NetworkProblem, ProviderError


def utc_now() -> datetime:
    """Return the time of day, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Access:
    """How to reach a vendor."""

    key: str = field(repr=False)
    base_url: str
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where the proxy settings are read."""


DEFAULT_RETRIES = RetryPolicy(retries=6, sleep=sleep, now=utc_now)


def call_vendor(
    ask: Callable[[], Reply],
    limits: CallLimits,
    *,
    watch: Watch,
    policy: RetryPolicy,
    errors: tuple[type[Exception], ...],
    translate: Callable[[Exception], ProviderError],
) -> Reply:
    """Return what `ask` returns; the vendor's `errors` become ours, transient ones are retried."""

    def attempt() -> Reply:
        with watch.over(limits):
            watch.check()
            try:
                return ask()
            except errors as error:
                watch.check()  # an SDK wraps what the transport raised: ask the clock instead
                raise translate(error) from error

    return policy.call(attempt, limits)


MIN_TOKENS = 8_000
CHARACTERS_PER_TOKEN = 32
"""More than any model's tokens hold on average."""
SHOWN = 1000


def bounded(reply: Reply, max_output_tokens: int) -> Reply:
    """Return `reply`, or, when it is far longer than was asked for, what cuts it off.

    Nothing of such an answer goes into the conversation, where each later call would pay for it.
    """
    size = len(reply.text) + sum(len(call.arguments) for call in reply.tool_calls)
    size += sum(len(json.dumps(part)) for part in reply.raw)
    if size <= max(max_output_tokens, MIN_TOKENS) * CHARACTERS_PER_TOKEN:
        return reply
    return replace(
        reply, raw=(), text=reply.text[:SHOWN], tool_calls=(), next_step=NextStep.TRUNCATED
    )


@dataclass(frozen=True)
class Kinds:
    """What the errors of an SDK mean that no response of the vendor stands behind."""

    lost: tuple[type[Exception], ...]
    """The connection failed, or what came over it cannot be read."""
    no_key: tuple[type[Exception], ...]
    """The SDK found nothing to sign in with."""
    unsent: tuple[type[Exception], ...]
    """No connection came about: nothing was sent that could be billed."""


def without_response(provider: str, error: Exception, kinds: Kinds) -> ProviderError:
    """Return the error for one that an SDK raised by itself; what is unknown is not tried again."""
    said = one_line(str(error)) or type(error).__name__
    if isinstance(error, kinds.lost):
        return lost(provider, error, kinds.unsent)
    if isinstance(error, kinds.no_key):
        return AuthProblem(f"{provider}: no usable key ({said}): set the vendor's key variable")
    return BadRequest(f"{provider}: its SDK cannot make the request ({said}): check the settings")


def lost(provider: str, error: Exception, unsent: tuple[type[Exception], ...]) -> NetworkProblem:
    """Return the error for a connection that failed; the innermost cause says why."""
    cause: BaseException = error
    never_sent = isinstance(error, unsent)
    while cause.__cause__ is not None:
        cause = cause.__cause__
        never_sent |= isinstance(cause, unsent)
    why = one_line(str(cause)) or type(cause).__name__
    problem = NetworkProblem(
        f"{provider}: the connection failed ({why}): check network and base URL"
    )
    problem.may_be_billed = not never_sent
    return problem


def cut_short(provider: str) -> NetworkProblem:
    """Return the error for an answer that stopped before its end; none of it is used."""
    return NetworkProblem(f"{provider}: the answer ended before it was complete")


@contextmanager
def reading(provider: str) -> Iterator[None]:
    """Turn what goes wrong while an answer is taken apart into an error of its sender."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise NetworkProblem(
            f"{provider}: the answer does not have the API's form ({error!r}): check the base URL"
        ) from error
