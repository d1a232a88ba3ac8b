"""A key is never in an error, whatever a server says back."""

import json
import traceback
from collections.abc import Callable

import pytest

from pipeline.agents.providers.adapter import Manner
from pipeline.agents.providers.anthropic_messages import AnthropicMessages
from pipeline.agents.providers.calling import Access
from pipeline.agents.providers.chat_completions import ChatCompletions
from pipeline.agents.providers.openai_responses import OpenAIResponses
from pipeline.errors import ProviderError
from tests.agents.providers.policy import one_try
from tests.agents.providers.vendor import Answer, Handler, limits, model_request, refuses, vendor

KEY = "sk-ant-api03-very-secret-0123456789abcdef"
ADAPTERS = {
    "anthropic": AnthropicMessages,
    "openai": OpenAIResponses,
    "openai-chat": ChatCompletions,
}


def echoes(handler: Handler) -> None:
    """Answer with all headers of the request in an error's message, as some gateways do."""
    said = json.dumps(dict(handler.headers.items()))
    refuses(401, {"error": {"type": "authentication_error", "message": said}})(handler)


def no_http(handler: Handler) -> None:
    """Answer with what is no HTTP, the key in it."""
    handler.wfile.write(f"{handler.headers}".encode())
    handler.close_connection = True


def no_json(handler: Handler) -> None:
    """Answer with a stream of no JSON, the key in it."""
    handler.start_stream()
    handler.chunk(f"event: message_start\ndata: {{{KEY}\n\n".encode())
    handler.chunk(b"")


def midway(handler: Handler) -> None:
    """Report an error in the stream, the key in its message."""
    handler.start_stream()
    error = {"type": "error", "code": "server_error", "message": KEY, "error": {"message": KEY}}
    handler.chunk(f"event: error\ndata: {json.dumps(error)}\n\n".encode())
    handler.chunk(b"")


@pytest.mark.parametrize("answer", [echoes, no_http, no_json, midway])
@pytest.mark.parametrize("name", ADAPTERS)
def test_no_error_holds_the_key(name: str, answer: Answer) -> None:
    make: Callable[..., object] = ADAPTERS[name]
    with vendor(answer) as server:
        provider = make("some-model", Access(KEY, server.url), Manner(policy=one_try()))
        with pytest.raises(ProviderError) as caught:
            provider.complete(model_request(), limits())  # type: ignore[attr-defined]
        provider.close()  # type: ignore[attr-defined]
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in repr(Access(KEY, server.url))
