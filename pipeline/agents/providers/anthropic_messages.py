"""Anthropic's Messages API, streamed, through the vendor's SDK."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline.agents.messages import ModelRequest, Reply
from pipeline.agents.providers.adapter import Adapter, Manner
from pipeline.agents.providers.anthropic_layout import Answer, request_body
from pipeline.agents.providers.calling import (
    Access,
    Kinds,
    cut_short,
    reading,
    without_response,
)
from pipeline.agents.providers.faults import Fault, as_error
from pipeline.agents.providers.pricing import price
from pipeline.agents.providers.transport import make_client
from pipeline.agents.providers.watch import Watch
from pipeline.domain.results import Usage
from pipeline.errors import ProviderError

BETA = ("compact-2026-09-04",)
"""Wanted by whatever makes or sends a summary."""
SUMMARISE = {"compaction": {"type": "summarize"}}


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
            unsent=(httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError),
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class AnthropicMessages(Adapter):
    """A `Provider`. Plain requests: no message threads, no tool runner, no SDK retries."""

    name = "anthropic"

    def __init__(self, model: str, access: Access, manner: Manner | None = None) -> None:
        self._anthropic = AnthropicSdk(access)
        super().__init__(model, self._anthropic, manner or Manner())

    def ask(self, request: ModelRequest) -> Reply:
        """Make the call once, as `Adapter` says."""
        body = self._body(request)
        if self.manner.diagnose:
            body["diagnostics"] = {"previous_message_id": self._previous}
        return self._answer(body, BETA if request.is_compacted else ())

    def summarise(self, request: ModelRequest) -> Reply:
        """Have the vendor write a summary on demand, as `Adapter` says."""
        reply = self._answer(self._body(request) | SUMMARISE, BETA)
        return reply if reply.is_summary else replace(reply, raw=())

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        return request_body(
            request, request.model or self.model, self.manner.effort, self.manner.temperature
        )

    def _answer(self, body: dict[str, Any], betas: Sequence[str]) -> Reply:
        answer, model, client = Answer(), str(body["model"]), self._anthropic.client
        stream = (
            client.beta.messages.create(**body, betas=[*betas], stream=True)
            if betas
            else client.messages.create(**body, stream=True)
        )
        with stream as events, reading(self.name):
            for event in events:
                answer.take(event.to_dict())
        if not answer.complete:
            raise cut_short(self.name)
        with reading(self.name):
            used = answer.usage(model)
            usd = price(used, self.name, model, long_lived_writes=answer.long_lived_writes())
            return answer.reply(used.model_copy(update={"usd": usd}))

    def price(self, usage: Usage) -> float | None:
        """Return what `usage` costs in USD at most: what the cache keeps, it keeps for an hour."""
        model, kept = usage.model or self.model, usage.cache_write_tokens
        return price(usage, self.name, model, long_lived_writes=kept)

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
        return as_error(fault, self.manner.policy.now())
