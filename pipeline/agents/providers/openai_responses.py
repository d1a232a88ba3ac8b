"""OpenAI's Responses API, streamed and stateless, through the vendor's SDK."""

import json
from typing import Any

from pipeline.agents.messages import CallLimits, ModelRequest, Reply
from pipeline.agents.providers.calling import (
    DEFAULT_RETRIES,
    Access,
    call_vendor,
    cut_short,
    lost,
    reading,
)
from pipeline.agents.providers.faults import Fault, as_error
from pipeline.agents.providers.openai_layout import reply_of, request_body, usage_of
from pipeline.agents.providers.pricing import price
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.agents.providers.transport import make_client
from pipeline.agents.providers.watch import Watch
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
        policy: RetryPolicy = DEFAULT_RETRIES,
    ) -> None:
        import httpx2
        import openai

        self.model = model
        self._effort = effort
        self._policy = policy
        self._watch = Watch()
        self._http = make_client(access.base_url, self._watch, access.environ)
        self._client = openai.OpenAI(
            api_key=access.key,
            base_url=access.base_url,
            max_retries=0,
            timeout=None,
            http_client=self._http,
        )
        self._errors: tuple[type[Exception], ...] = (
            openai.OpenAIError,
            httpx2.HTTPError,
            json.JSONDecodeError,
            UnicodeDecodeError,
        )

    def complete(self, request: ModelRequest, limits: CallLimits) -> Reply:
        """Make one model call, as `Provider` says."""
        return call_vendor(
            lambda: self._ask(request),
            limits,
            watch=self._watch,
            policy=self._policy,
            errors=self._errors,
            translate=self.translate,
        )

    def price(self, usage: Usage) -> float | None:
        """Return what `usage` costs in USD, or None when the model's price is not known."""
        return price(usage, self.name, self.model)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(self, request: ModelRequest) -> Reply:
        body = request_body(request, self.model, self._effort)
        response: dict[str, Any] = {}
        with self._client.responses.create(**body, stream=True) as events, reading(self.name):
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
        """Return our error for one that the stream reported."""
        fault = Fault(
            provider=self.name,
            message=error.get("message") or "the answer failed",
            type=error.get("type"),
            code=error.get("code"),
        )
        return as_error(fault, self._policy.now())

    def translate(self, error: Exception) -> ProviderError:
        """Return our error for one that the SDK raised."""
        import openai

        lost_on_the_way = (openai.APIConnectionError, openai.APIResponseValidationError)
        if not isinstance(error, openai.APIError) or isinstance(error, lost_on_the_way):
            return lost(self.name, error)
        response = error.response if isinstance(error, openai.APIStatusError) else None
        fault = Fault(
            provider=self.name,
            message=error.message,
            status=response.status_code if response is not None else None,
            type=error.type,
            code=error.code,
            headers=dict(response.headers) if response is not None else {},
        )
        return as_error(fault, self._policy.now())
