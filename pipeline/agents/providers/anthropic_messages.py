"""Anthropic's Messages API, streamed, through the vendor's SDK."""

import json

from pipeline.agents.messages import CallLimits, ModelRequest, Reply
from pipeline.agents.providers.anthropic_layout import Answer, request_body
from pipeline.agents.providers.calling import (
    DEFAULT_RETRIES,
    Access,
    call_vendor,
    cut_short,
    lost,
    reading,
)
from pipeline.agents.providers.faults import Fault, as_error
from pipeline.agents.providers.pricing import price
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.agents.providers.transport import make_client
from pipeline.agents.providers.watch import Watch
from pipeline.domain.results import Usage
from pipeline.errors import ProviderError


class AnthropicMessages:
    """A `Provider`. Plain requests: no message threads, no tool runner, no SDK retries."""

    name = "anthropic"

    def __init__(
        self,
        model: str,
        access: Access,
        *,
        effort: str | None = None,
        temperature: float | None = None,
        policy: RetryPolicy = DEFAULT_RETRIES,
    ) -> None:
        import anthropic
        import httpx2

        self.model = model
        self._effort = effort
        self._temperature = temperature
        self._policy = policy
        self._watch = Watch()
        self._http = make_client(access.base_url, self._watch, access.environ)
        self._client = anthropic.Anthropic(
            api_key=access.key,
            base_url=access.base_url,
            max_retries=0,
            timeout=None,
            http_client=self._http,
            open_telemetry=False,
        )
        self._errors: tuple[type[Exception], ...] = (
            anthropic.AnthropicError,
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
        answer = Answer()
        body = request_body(request, self.model, self._effort, self._temperature)
        with self._client.messages.create(**body, stream=True) as events, reading(self.name):
            for event in events:
                answer.take(event.to_dict())
        if not answer.complete:
            raise cut_short(self.name)
        with reading(self.name):
            used = answer.usage(self.model)
            usd = price(used, self.name, self.model, long_lived_writes=answer.long_lived_writes())
            return answer.reply(used.model_copy(update={"usd": usd}))

    def translate(self, error: Exception) -> ProviderError:
        """Return our error for one that the SDK raised."""
        import anthropic

        if not isinstance(error, anthropic.APIStatusError):
            return lost(self.name, error)
        fault = Fault(
            provider=self.name,
            message=error.api_message or error.message,
            status=error.status_code,
            type=error.type,
            code=error.error_code,
            headers=dict(error.response.headers),
        )
        return as_error(fault, self._policy.now())
