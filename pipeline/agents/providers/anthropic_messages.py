"""Anthropic's Messages API, streamed, through the vendor's SDK."""

import json

from pipeline.agents.messages import ModelRequest, Reply
from pipeline.agents.providers.adapter import Adapter
from pipeline.agents.providers.anthropic_layout import Answer, request_body
from pipeline.agents.providers.calling import (
    DEFAULT_RETRIES,
    Access,
    Kinds,
    cut_short,
    reading,
    without_response,
)
from pipeline.agents.providers.faults import Fault, as_error
from pipeline.agents.providers.pricing import price
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.agents.providers.transport import make_client
from pipeline.agents.providers.watch import Watch
from pipeline.errors import ProviderError


class AnthropicSdk:
    """Anthropic's client without retries, timeouts and telemetry of its own."""

    def __init__(self, access: Access) -> None:
        import anthropic
        import httpx2

        self.watch = Watch()
        self.key = access.key
        self._http = make_client(access.base_url, self.watch, access.environ)
        self.client = anthropic.Anthropic(
            api_key=access.key,
            base_url=access.base_url,
            max_retries=0,
            timeout=None,
            http_client=self._http,
            open_telemetry=False,
        )
        unread = (httpx2.HTTPError, json.JSONDecodeError, UnicodeDecodeError)
        self.errors: tuple[type[Exception], ...] = (anthropic.AnthropicError, *unread)
        self.kinds = Kinds(
            lost=(
                anthropic.APIConnectionError,
                anthropic.APIResponseValidationError,
                anthropic.RetryableError,
                *unread,
            ),
            no_key=(anthropic.CredentialsError,),
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class AnthropicMessages(Adapter):
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
        fallback: str | None = None,
    ) -> None:
        self._anthropic = AnthropicSdk(access)
        super().__init__(
            model,
            self._anthropic,
            effort=effort,
            temperature=temperature,
            policy=policy,
            fallback=fallback,
        )

    def ask(self, request: ModelRequest) -> Reply:
        """Make the call once, as `Adapter` says."""
        answer = Answer()
        model = request.model or self.model
        body = request_body(request, model, self._effort, self._temperature)
        with (
            self._anthropic.client.messages.create(**body, stream=True) as events,
            reading(self.name),
        ):
            for event in events:
                answer.take(event.to_dict())
        if not answer.complete:
            raise cut_short(self.name)
        with reading(self.name):
            used = answer.usage(model)
            usd = price(used, self.name, model, long_lived_writes=answer.long_lived_writes())
            return answer.reply(used.model_copy(update={"usd": usd}))

    def translate(self, error: Exception) -> ProviderError:
        """Return our error for one that the SDK raised."""
        import anthropic

        if not isinstance(error, anthropic.APIStatusError):
            return without_response(self.name, error, self._anthropic.kinds)
        fault = Fault(
            provider=self.name,
            message=error.api_message or error.message,
            status=error.status_code,
            type=error.type,
            code=error.error_code,
            headers=dict(error.response.headers),
        )
        return as_error(fault, self._policy.now())
