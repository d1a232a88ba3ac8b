"""Every error a vendor can report becomes the one of ours that says who can mend it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anthropic
import openai
import pytest

from pipeline.agents.messages import Provider
from pipeline.agents.providers.adapter import Manner
from pipeline.agents.providers.anthropic_messages import AnthropicMessages
from pipeline.agents.providers.calling import Access
from pipeline.agents.providers.faults import MAKE, Fault, Trouble, as_error, quota_reset
from pipeline.agents.providers.openai_responses import OpenAIResponses
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
from tests.agents.providers.anthropic_events import answer_events
from tests.agents.providers.openai_events import answered
from tests.agents.providers.policy import NOW, one_try
from tests.agents.providers.vendor import (
    Answer,
    limits,
    model_request,
    refuses,
    streams,
    vendor,
)


@contextmanager
def adapter(kind: str, *answers: Answer) -> Iterator[Provider]:
    make = {"anthropic": AnthropicMessages, "openai": OpenAIResponses}[kind]
    with vendor(*answers) as server:
        provider: Provider = make("some-model", Access("k", server.url), Manner(policy=one_try()))
        try:
            yield provider
        finally:
            provider.close()


def failure(kind: str, answer: Answer) -> ProviderError:
    with adapter(kind, answer) as provider, pytest.raises(ProviderError) as caught:
        provider.complete(model_request(), limits())
    return caught.value


def a_error(type_: str, message: str = "no", code: str | None = None) -> dict[str, Any]:
    details = {"details": {"error_code": code}} if code else {}
    return {"type": "error", "error": {"type": type_, "message": message, **details}}


def o_error(type_: str | None, code: str | None, message: str = "no") -> dict[str, Any]:
    return {"error": {"type": type_, "code": code, "message": message, "param": None}}


RESPONSES: list[tuple[str, int, dict[str, Any], type[ProviderError]]] = [
    ("anthropic", 401, a_error("authentication_error"), AuthProblem),
    ("anthropic", 403, a_error("permission_error"), AuthProblem),
    ("anthropic", 402, a_error("billing_error"), SpendLimit),
    ("anthropic", 429, a_error("rate_limit_error"), QuotaReached),
    (
        "anthropic",
        429,
        a_error("rate_limit_error", code="enforced_spend_limit_reached"),
        SpendLimit,
    ),
    ("anthropic", 429, a_error("rate_limit_error", code="ramp_limit_exceeded"), QuotaReached),
    ("anthropic", 400, a_error("invalid_request_error"), BadRequest),
    (
        "anthropic",
        400,
        a_error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        ContextOverflow,
    ),
    ("anthropic", 404, a_error("not_found_error"), BadRequest),
    ("anthropic", 413, a_error("request_too_large"), ContextOverflow),
    ("anthropic", 413, a_error("invalid_request_error"), ContextOverflow),
    ("anthropic", 500, a_error("api_error"), Overloaded),
    ("anthropic", 529, a_error("overloaded_error"), Overloaded),
    ("anthropic", 307, {}, BadRequest),
    ("openai", 401, o_error("invalid_request_error", "invalid_api_key"), AuthProblem),
    ("openai", 429, o_error("insufficient_quota", "insufficient_quota"), SpendLimit),
    ("openai", 429, o_error("tokens", "rate_limit_exceeded"), QuotaReached),
    ("openai", 400, o_error("invalid_request_error", "context_length_exceeded"), ContextOverflow),
    ("openai", 404, o_error("invalid_request_error", "model_not_found"), BadRequest),
    ("openai", 400, o_error("invalid_request_error", None), BadRequest),
    ("openai", 500, o_error("server_error", None), Overloaded),
    ("openai", 503, {}, Overloaded),
]


@pytest.mark.parametrize(("kind", "status", "body", "expected"), RESPONSES)
def test_a_response_is_typed(
    kind: str, status: int, body: dict[str, Any], expected: type[ProviderError]
) -> None:
    error = failure(kind, refuses(status, body))
    assert type(error) is expected
    assert str(error).startswith(f"{kind}: ")
    assert isinstance(error.__cause__, anthropic.APIError | openai.APIError)


def failed(code: str) -> list[dict[str, Any]]:
    return answered([], "failed", error={"code": code, "message": "no"})


BEGUN = answer_events()[:4]
IN_THE_MIDDLE: list[tuple[str, list[dict[str, Any]], type[ProviderError]]] = [
    ("anthropic", [*BEGUN, a_error("overloaded_error")], Overloaded),
    ("anthropic", [*BEGUN, a_error("rate_limit_error")], QuotaReached),
    ("anthropic", [*BEGUN, a_error("invalid_request_error")], BadRequest),
    ("anthropic", [*BEGUN, a_error("a_type_of_next_year")], Overloaded),
    ("openai", failed("server_error"), Overloaded),
    ("openai", failed("rate_limit_exceeded"), QuotaReached),
    ("openai", failed("invalid_prompt"), BadRequest),
    ("openai", answered([], "failed", error=None), Overloaded),
    ("openai", [{"type": "error", "code": "server_error", "message": "no"}], Overloaded),
    ("openai", [{"type": "error", **o_error("server_error", None)}], Overloaded),
    ("openai", [{"type": "error", **o_error(None, "insufficient_quota")}], SpendLimit),
]


@pytest.mark.parametrize(("kind", "events", "expected"), IN_THE_MIDDLE)
def test_an_error_in_the_middle_of_a_stream_is_typed(
    kind: str, events: list[dict[str, Any]], expected: type[ProviderError]
) -> None:
    assert type(failure(kind, streams(events))) is expected


def test_a_stream_that_is_no_json_is_a_network_problem() -> None:
    def answer(handler: Any) -> None:
        handler.start_stream()
        handler.chunk(b"event: message_start\ndata: {oops\n\n")
        handler.chunk(b"")

    assert type(failure("anthropic", answer)) is NetworkProblem


MISSHAPEN: list[tuple[str, list[dict[str, Any]]]] = [
    ("anthropic", [{"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta"}}]),
    ("anthropic", [*answer_events()[:1], {"type": "content_block_start", "index": 0}]),
    ("openai", answered([{"type": "function_call", "name": "a_tool"}])),
    ("openai", [{"type": "response.completed"}]),
]


@pytest.mark.parametrize(("kind", "events"), MISSHAPEN)
def test_an_answer_of_another_form_is_no_bug_of_ours(
    kind: str, events: list[dict[str, Any]]
) -> None:
    error = failure(kind, streams(events))
    assert type(error) is NetworkProblem
    assert "does not have the API's form" in str(error)


def test_messages_are_one_printable_line() -> None:
    error = as_error(Fault("openai", "a\x1b[31m\nb" + "c" * 500, status=500), NOW)
    assert str(error).isprintable()
    assert len(str(error)) < 330


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "90"}, 90),
        ({"retry-after-ms": "1500", "retry-after": "90"}, 1.5),
        ({"retry-after": "Sat, 21 Nov 2026 03:05:00 GMT"}, 300),
        ({"retry-after": "soon"}, None),
        (
            {
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-11-21T04:00:00Z",
                "anthropic-ratelimit-requests-remaining": "9",
                "anthropic-ratelimit-requests-reset": "2026-11-21T09:00:00Z",
            },
            3600,
        ),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m1.5s"}, 361.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1h"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "later"}, None),
    ],
)
def test_the_reset_time_of_a_quota_is_read_from_the_headers(
    headers: dict[str, str], seconds: float | None
) -> None:
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert quota_reset(headers, NOW) == expected


def test_a_quota_carries_the_reset_time_of_its_response() -> None:
    error = failure("openai", refuses(429, o_error("tokens", None), {"retry-after": "7200"}))
    assert isinstance(error, QuotaReached)
    assert error.reset_at == datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
    assert "until 05:00:00 UTC" in str(error)


@pytest.mark.parametrize(("said", "heard"), [("true", True), ("false", False), ("maybe", None)])
def test_what_the_vendor_says_of_another_attempt_is_kept(said: str, heard: bool | None) -> None:
    headers = {"x-should-retry": said, "retry-after-ms": "250"}
    for answer in (refuses(529, {}, headers), refuses(400, {}, headers), refuses(401, {}, headers)):
        error = failure("anthropic", answer)
        assert (error.should_retry, error.retry_after_s) == (heard, 0.25)


def test_every_kind_of_trouble_has_its_error() -> None:
    assert set(MAKE) == set(Trouble)
