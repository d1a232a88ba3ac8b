"""OpenAI's SDK over our watched transport: what both of its APIs share."""

import json
from datetime import datetime
from typing import Any

from pipeline.agents.providers.calling import Access, Kinds, without_response
from pipeline.agents.providers.faults import Fault, as_error
from pipeline.agents.providers.transport import make_client
from pipeline.agents.providers.watch import Watch
from pipeline.errors import ProviderError


class OpenAISdk:
    """A client of the SDK without retries and timeouts of its own."""

    def __init__(self, access: Access) -> None:
        import httpx2
        import openai

        self.watch = Watch()
        self.key = access.key
        self._http = make_client(access.base_url, self.watch, access.environ)
        self.client = openai.OpenAI(
            api_key=access.key,
            base_url=access.base_url,
            max_retries=0,
            timeout=None,
            http_client=self._http,
        )
        unread = (httpx2.HTTPError, json.JSONDecodeError, UnicodeDecodeError)
        self.errors: tuple[type[Exception], ...] = (openai.OpenAIError, *unread)
        self.kinds = Kinds(
            lost=(openai.APIConnectionError, openai.APIResponseValidationError, *unread),
            no_key=(),
            unsent=(httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError),
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def stream_failure(provider: str, error: dict[str, Any], now: datetime) -> ProviderError:
    """Return our error for one that a stream reported."""
    fault = Fault(
        provider=provider,
        message=error.get("message") or "the answer failed",
        type=error.get("type"),
        code=error.get("code"),
    )
    return as_error(fault, now)


def translated(provider: str, error: Exception, now: datetime, kinds: Kinds) -> ProviderError:
    """Return our error for one that the SDK raised."""
    import openai

    if not isinstance(error, openai.APIError) or isinstance(error, kinds.lost):
        return without_response(provider, error, kinds)
    response = error.response if isinstance(error, openai.APIStatusError) else None
    fault = Fault(
        provider=provider,
        message=error.message,
        status=response.status_code if response is not None else _status_in(error),
        type=error.type,
        code=error.code if isinstance(error.code, str) else None,
        headers=dict(response.headers) if response is not None else {},
        in_stream=response is None,
    )
    return as_error(fault, now)


def _status_in(error: Any) -> int | None:
    """Return the status that servers behind others give as the code of an error in a stream."""
    return error.code if isinstance(error.code, int) else None
