"""OpenAI's Chat Completions API, streamed, as many other servers speak it too.

Ollama, vLLM, LM Studio, llama.cpp, OpenRouter and the like: `base_url` says which.
"""

from urllib.parse import urlsplit

from pipeline.agents.messages import ModelRequest, Reply
from pipeline.agents.providers.adapter import Adapter, Manner
from pipeline.agents.providers.calling import Access, cut_short, reading
from pipeline.agents.providers.chat_layout import Answer, request_body
from pipeline.agents.providers.openai_sdk import OpenAISdk, translated
from pipeline.agents.providers.pricing import price_at
from pipeline.domain.results import Usage
from pipeline.errors import BadRequest, ProviderError

OPENAI_HOST = "api.openai.com"


def is_openai(base_url: str) -> bool:
    """Return whether a base URL is OpenAI's own."""
    return urlsplit(base_url).hostname == OPENAI_HOST


class ChatCompletions(Adapter):
    """A `Provider`. Nobody holds the model to a schema: its tool calls are checked and repaired."""

    name = "openai-chat"

    def __init__(self, model: str, access: Access, manner: Manner | None = None) -> None:
        self._openai = OpenAISdk(access)
        self._base_url = access.base_url
        super().__init__(model, self._openai, manner or Manner())

    def price(self, usage: Usage) -> float | None:
        """Return what `usage` costs in USD, or None when the server's prices are not known."""
        return price_at(usage, self._base_url, usage.model or self.model)

    def translate(self, error: Exception) -> ProviderError:
        """Return our error for one that the SDK raised."""
        return translated(self.name, error, self.manner.policy.now(), self._openai.kinds)

    def summarise(self, request: ModelRequest) -> Reply:
        """Refuse: the API has no summaries of its own."""
        raise BadRequest(f"{self.name}: the API writes no summaries")

    def ask(self, request: ModelRequest) -> Reply:
        """Make the call once, as `Adapter` says."""
        at_openai = is_openai(self._base_url)
        model = request.model or self.model
        body = request_body(
            request, model, self.manner.effort, self.manner.temperature, at_openai=at_openai
        )
        answer = Answer()
        stream = self._openai.client.chat.completions.create(**body, stream=True)
        with stream as chunks, reading(self.name):
            for chunk in chunks:
                answer.take(chunk.to_dict(mode="json", warnings=False))
        if not answer.finish_reason:
            raise cut_short(self.name)
        with reading(self.name):
            used = answer.usage(model)
            usd = self.price(used) if answer.cost is None else answer.cost
            return answer.reply(used.model_copy(update={"usd": usd}), request.head.tools)
