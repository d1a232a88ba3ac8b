"""Whatever the installed SDKs can raise or report has its place in our tables."""

import importlib
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import anthropic
import httpx2
import openai
import pytest
from anthropic._error_classes import ERROR_CLASSES
from anthropic.types.raw_message_stream_event import RawMessageStreamEvent
from anthropic.types.shared.error_type import ErrorType
from anthropic.types.stop_reason import StopReason
from openai.types.chat.chat_completion import Choice
from openai.types.chat.chat_completion_chunk import Choice as ChunkChoice
from openai.types.responses.response import IncompleteDetails
from openai.types.responses.response_error import ResponseError
from openai.types.responses.response_status import ResponseStatus

from pipeline import errors
from pipeline.agents.providers import anthropic_layout, chat_layout, openai_layout
from pipeline.agents.providers.adapter import Manner
from pipeline.agents.providers.anthropic_messages import AnthropicMessages
from pipeline.agents.providers.calling import Access
from pipeline.agents.providers.faults import CODES, TYPES
from pipeline.agents.providers.openai_responses import OpenAIResponses
from tests.agents.providers.policy import one_try

SDKS: dict[str, Any] = {"anthropic": anthropic, "openai": openai}
ADAPTERS: dict[str, Any] = {"anthropic": AnthropicMessages, "openai": OpenAIResponses}
EXTRAS = {"aiohttp", "mcp", "numpy", "websockets", "botocore", "boto3", "google", "azure", "pandas"}
"""Packages that parts of the SDKs want and we do not install."""
PLACES: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("sdk_errors.toml").read_text()
)


def modules(sdk: str) -> Iterator[str]:
    """Yield the names of an SDK's modules, its command line left out."""
    root = Path(SDKS[sdk].__path__[0])
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if "cli" not in parts and parts[-1] != "__main__":
            yield ".".join((sdk, *parts)).removesuffix(".__init__")


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for one in kind.__subclasses__():
        yield from subclasses(one)


def error_classes(sdk: str) -> dict[str, type[Exception]]:
    """Return every error class in every module of an SDK, by name."""
    base = {"anthropic": anthropic.AnthropicError, "openai": openai.OpenAIError}[sdk]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules(sdk):
            try:
                importlib.import_module(name)
            except (ImportError, base) as error:
                if not any(extra in f"{error} {error.__cause__}" for extra in EXTRAS):
                    raise
    return {
        kind.__name__: kind
        for kind in subclasses(base)
        if kind is not base and kind.__module__.partition(".")[0] == sdk
    }


FOR_CODE = {kind.__name__: (status, code) for (status, code), kind in ERROR_CLASSES.items()}
"""Anthropic's classes -> the status and the `error_code` that make the SDK choose them."""


def raised(sdk: str, kind: Any) -> Exception:
    """Return an error of `kind` as the SDK makes it."""
    module = SDKS[sdk]
    chosen_for, code = FOR_CODE.get(kind.__name__, (500, None))
    request = httpx2.Request("POST", "http://127.0.0.1")
    status = getattr(kind, "status_code", None)
    response = httpx2.Response(status if isinstance(status, int) else chosen_for, request=request)
    if kind.__name__ == "OAuthError":
        return kind(response=response, body=None)
    if issubclass(kind, module.APIConnectionError):
        return kind(request=request)
    if issubclass(kind, module.APIResponseValidationError):
        return kind(response, None)
    if issubclass(kind, module.APIStatusError):
        body = {"error": {"type": "invalid_request_error", "details": {"error_code": code}}}
        return kind("no", response=response, body=body)
    if issubclass(kind, module.APIError):
        return kind("no", request, body=None)
    try:
        return kind("no")
    except (TypeError, AttributeError):  # takes no words of ours
        return kind.__new__(kind)


@pytest.mark.parametrize("sdk", SDKS)
def test_every_error_class_of_an_sdk_is_translated_as_the_table_says(sdk: str) -> None:
    provider = ADAPTERS[sdk](
        "some-model", Access("k", "http://127.0.0.1:9"), Manner(policy=one_try())
    )
    found: dict[str, list[str]] = {}
    for name, kind in sorted(error_classes(sdk).items()):
        error = provider.translate(raised(sdk, kind))
        found.setdefault(type(error).__name__, []).append(name)
        assert str(error).startswith(f"{sdk}: ")
    provider.close()
    assert found == {kind: sorted(names) for kind, names in PLACES[sdk].items()}
    assert set(found) <= {name for name in vars(errors) if name[0].isupper()}


def test_every_error_type_and_failure_code_of_the_sdks_has_a_place() -> None:
    assert set(get_args(ErrorType)) <= set(TYPES)
    codes = set(get_args(ResponseError.model_fields["code"].annotation))
    images = {code for code in codes if "image" in code}  # we send none
    assert codes - images <= set(CODES)


def literals(annotation: Any) -> set[str]:
    """Return the words of a Literal, optional or not."""
    words: set[str] = set()
    for part in get_args(annotation):
        words |= {part} if isinstance(part, str) else literals(part)
    return words


def test_every_reason_to_stop_that_the_sdks_know_is_classified() -> None:
    assert literals(StopReason) == set(anthropic_layout.NEXT_STEP)
    assert literals(ResponseStatus) == set(openai_layout.NEXT_STEP)
    reasons = IncompleteDetails.model_fields["reason"].annotation
    assert literals(reasons) == set(openai_layout.INCOMPLETE)
    for choice in (Choice, ChunkChoice):
        finish = choice.model_fields["finish_reason"].annotation
        assert literals(finish) == set(chat_layout.NEXT_STEP)


def test_every_event_of_a_message_stream_is_known_to_the_adapter() -> None:
    union = get_args(get_args(RawMessageStreamEvent)[0])
    names = {get_args(event.model_fields["type"].annotation)[0] for event in union}
    assert names == set(anthropic_layout.EVENTS)
