"""OpenAI's Responses API, streamed and stateless, through the vendor's SDK."""

from typing import Any

from pipeline.agents.messages import CallLimits, ModelRequest, Reply
from pipeline.agents.providers.calling import (
    DEFAULT_RETRIES,
    Access,
    call_vendor,
    cut_short,
    reading,
)
from pipeline.agents.providers.openai_layout import reply_of, request_body, usage_of
from pipeline.agents.providers.openai_sdk import OpenAISdk, stream_failure, translated
from pipeline.agents.providers.pricing import price
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.domain.results import Usage
from pipeline.errors import ProviderError

LAST_EVENTS = ("response.completed", "response.incomplete", "response.failed")


class OpenAIResponses:
    """A `Provider`. Nothing is stored at the vendor: every call sends the whole conversation."""

    name = "openai"

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
        """Return what `usage` costs in USD, or None when the model's price is not known."""
        return price(usage, self.name, self.model)

    def close(self) -> None:
        """Close the connections."""
        self._sdk.close()

    def translate(self, error: Exception) -> ProviderError:
        """Return our error for one that the SDK raised."""
        return translated(self.name, error, self._policy.now())

    def _ask(self, request: ModelRequest) -> Reply:
        body = request_body(request, self.model, self._effort, self._temperature)
        response: dict[str, Any] = {}
        stream = self._sdk.client.responses.create(**body, stream=True)
        with stream as events, reading(self.name):
            for event in events:
                if event.type == "error":
                    raise self._failure({"code": event.code, "message": event.message})
                if event.type in LAST_EVENTS:
                    response = event.to_dict(mode="json")["response"]
        if not response:
            raise cut_short(self.name)
        if response.get("status") == "failed":
            raise self._failure(response.get("error") or {})
        with reading(self.name):
            used = usage_of(response, self.model)
            return reply_of(response, used.model_copy(update={"usd": self.price(used)}))

    def _failure(self, error: dict[str, Any]) -> ProviderError:
        return stream_failure(self.name, error, self._policy.now())
