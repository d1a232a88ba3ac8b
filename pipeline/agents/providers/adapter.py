"""What the adapters share: one model call through the vendor's SDK, watched, retried, priced."""

from abc import ABC, abstractmethod
from typing import Protocol

from pipeline.agents.messages import CallLimits, ModelRequest, Reply
from pipeline.agents.providers.calling import DEFAULT_RETRIES, bounded, call_vendor
from pipeline.agents.providers.hiding import hide_key
from pipeline.agents.providers.pricing import price
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.agents.providers.watch import Watch
from pipeline.domain.results import Usage
from pipeline.errors import PipelineError, ProviderError


class Sdk(Protocol):
    """A vendor's client over our watched transport, without retries and timeouts of its own."""

    watch: Watch
    key: str
    errors: tuple[type[Exception], ...]
    """Everything that the SDK may raise."""

    def close(self) -> None:
        """Close the connections."""
        ...


class Adapter(ABC):
    """A `Provider`; a vendor's own is in `ask` and `translate`."""

    name: str

    def __init__(
        self,
        model: str,
        sdk: Sdk,
        *,
        effort: str | None = None,
        temperature: float | None = None,
        policy: RetryPolicy = DEFAULT_RETRIES,
        fallback: str | None = None,
    ) -> None:
        self.model = model
        self.fallback = fallback
        self._sdk = sdk
        self._effort = effort
        self._temperature = temperature
        self._policy = policy

    @abstractmethod
    def ask(self, request: ModelRequest) -> Reply:
        """Make the call once and return its whole answer; raises the SDK's errors or ours."""

    @abstractmethod
    def translate(self, error: Exception) -> ProviderError:
        """Return our error for one that the SDK raised."""

    def complete(self, request: ModelRequest, limits: CallLimits) -> Reply:
        """Make one model call, as `Provider` says."""
        try:
            reply = call_vendor(
                lambda: self.ask(request),
                limits,
                watch=self._sdk.watch,
                policy=self._policy,
                errors=self._sdk.errors,
                translate=self.translate,
            )
        except PipelineError as error:
            hide_key(error, self._sdk.key)
            raise
        return bounded(reply, request.max_output_tokens)

    def price(self, usage: Usage) -> float | None:
        """Return what `usage` costs in USD, as `Provider` says."""
        return price(usage, self.name, usage.model or self.model)

    def close(self) -> None:
        """Close the connections."""
        self._sdk.close()
