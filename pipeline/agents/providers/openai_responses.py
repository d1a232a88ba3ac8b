"""OpenAI's Responses API, streamed and stateless, through the vendor's SDK."""

from typing import Any

from pipeline.agents.messages import ModelRequest, Reply
from pipeline.agents.providers.adapter import Adapter, Manner
from pipeline.agents.providers.calling import Access, cut_short, reading
from pipeline.agents.providers.openai_layout import (
    compact_body,
    reply_of,
    request_body,
    summary_of,
    usage_of,
)
from pipeline.agents.providers.openai_sdk import OpenAISdk, stream_failure, translated
from pipeline.errors import ProviderError

LAST_EVENTS = ("response.completed", "response.incomplete", "response.failed")


class OpenAIResponses(Adapter):
    """A `Provider`. Nothing is stored at the vendor: every call sends the whole conversation."""

    name = "openai"

    def __init__(self, model: str, access: Access, manner: Manner | None = None) -> None:
        self._openai = OpenAISdk(access)
        super().__init__(model, self._openai, manner or Manner())

    def translate(self, error: Exception) -> ProviderError:
        """Return our error for one that the SDK raised."""
        return translated(self.name, error, self.manner.policy.now(), self._openai.kinds)

    def ask(self, request: ModelRequest) -> Reply:
        """Make the call once, as `Adapter` says."""
        model = request.model or self.model
        body = request_body(request, model, self.manner.effort, self.manner.temperature)
        if self.manner.diagnose and self._previous and "prompt_cache_options" in body:
            body["prompt_cache_options"]["comparison_response_id"] = self._previous
        response: dict[str, Any] = {}
        # As `extra_body`: what is given piece by piece the SDK walks against its types, in pure
        # Python and longer than all that we do for the call (openai 3.52, `_utils/_transform.py`).
        stream: Any = self._openai.client.responses.create(extra_body=body, stream=True)
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
            used = usage_of(response, model)
            return reply_of(response, used.model_copy(update={"usd": self.price(used)}))

    def summarise(self, request: ModelRequest) -> Reply:
        """Have the vendor compact the input, as `Adapter` says; the API does not stream here."""
        model = request.model or self.model
        body = compact_body(request, model)
        made = self._openai.client.responses.compact(**body)
        compacted = made.to_dict(mode="json", warnings=False)
        with reading(self.name):
            used = usage_of(compacted, model)
            return summary_of(compacted, used.model_copy(update={"usd": self.price(used)}))

    def _failure(self, error: dict[str, Any]) -> ProviderError:
        return stream_failure(self.name, error, self.manner.policy.now())
