"""OpenAI's Chat Completions API, streamed, as many other servers speak it too.

Ollama, vLLM, LM Studio, llama.cpp, OpenRouter and the like: `base_url` says which.
"""

from urllib.parse import urlsplit

from pipeline.agents.messages import CallLimits, ModelRequest, Reply
from pipeline.agents.providers.calling import (
    DEFAULT_RETRIES,
    Access,
    call_vendor,
    cut_short,
    reading,
)
from pipeline.agents.providers.chat_layout import Answer, request_body
from pipeline.agents.providers.openai_sdk import OpenAISdk, translated
from pipeline.agents.providers.pricing import price_at
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.domain.results import Usage
from pipeline.errors import ProviderError

OPENAI_HOST = "api.openai.com"


def is_openai(base_url: str) -> bool:
    """Return whether a base URL is OpenAI's own."""
    return urlsplit(base_url).hostname == OPENAI_HOST


class ChatCompletions:
    """A `Provider`. Nobody holds the model to a schema: its tool calls are checked and repaired."""

    name = "openai-chat"

    def __init__(
        self,
        model: str,
        access: Access,
        *,
        effort: str | None = None,
        temperature: float | None = None,
        policy: RetryPolicy = DEFAULT_RETRIES,
    ) -> None:
        self.model = model
        self._base_url = access.base_url
        self._effort = effort
        self._temperature = temperature
        self._policy = policy
        self._sdk = OpenAISdk(access)

    def complete(self, request: ModelRequest, limits: CallLimits) -> Reply:
        """Make one model call, as `Provider` says."""
        return call_vendor(
            lambda: self._ask(request),
            limits,
            watch=self._sdk.watch,
            policy=self._policy,
            errors=self._sdk.errors,
            translate=self.translate,
        )

    def price(self, usage: Usage) -> float | None:
        """Return what `usage` costs in USD, or None when the server's prices are not known."""
        return price_at(usage, self._base_url, self.model)

    def close(self) -> None:
        """Close the connections."""
        self._sdk.close()

    def translate(self, error: Exception) -> ProviderError:
        """Return our error for one that the SDK raised."""
        return translated(self.name, error, self._policy.now())

    def _ask(self, request: ModelRequest) -> Reply:
        at_openai = is_openai(self._base_url)
        body = request_body(
            request, self.model, self._effort, self._temperature, at_openai=at_openai
        )
        answer = Answer()
        stream = self._sdk.client.chat.completions.create(**body, stream=True)
        with stream as chunks, reading(self.name):
            for chunk in chunks:
                answer.take(chunk.to_dict(mode="json", warnings=False))
        if not answer.finish_reason:
            raise cut_short(self.name)
        with reading(self.name):
            used = answer.usage(self.model)
            usd = self.price(used) if answer.cost is None else answer.cost
            return answer.reply(used.model_copy(update={"usd": usd}), request.head.tools)
