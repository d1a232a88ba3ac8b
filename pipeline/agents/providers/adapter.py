"""What the adapters share: one model call through the vendor's SDK, watched, retried, priced."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pipeline.agents.messages import CallLimits, Lifetimes, ModelRequest, Reply
from pipeline.agents.providers.calling import DEFAULT_RETRIES, bounded, call_vendor
from pipeline.agents.providers.capabilities import LIFETIMES, capabilities
from pipeline.agents.providers.hiding import hide_key
from pipeline.agents.providers.pricing import price
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.agents.providers.watch import Watch
from pipeline.domain.results import Usage
from pipeline.errors import PipelineError, ProviderError
from pipeline.settings import Provider as ProviderName


class Sdk(Protocol):
    """A vendor's client over our watched transport, without retries and timeouts of its own."""

    watch: Watch
    key: str
    errors: tuple[type[Exception], ...]
    """Everything that the SDK may raise."""

    def close(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True)
class Manner:
    """How the calls of one agent are made, whoever the vendor is."""

    effort: str | None = None
    temperature: float | None = None
    policy: RetryPolicy = DEFAULT_RETRIES
    fallback: str | None = None
    """The model that is asked where the own one is overloaded or gone."""
    diagnose: bool = False
    """Ask the vendor why its cache did not answer, where it can say so."""


class Adapter(ABC):
    """A `Provider`; a vendor's own is in `ask` and `translate`."""

    name: ClassVar[ProviderName]

    def __init__(self, model: str, sdk: Sdk, manner: Manner) -> None:
        self.model = model
        self.fallback = manner.fallback
        self.manner = manner
        self._sdk = sdk
        self._previous: str | None = None
        """The response that the next one is compared with."""

    @abstractmethod
    def ask(self, request: ModelRequest) -> Reply:
        """Make the call once and return its whole answer; raises the SDK's errors or ours."""

    @abstractmethod
    def translate(self, error: Exception) -> ProviderError:
        """Return our error for one that the SDK raised."""

    @abstractmethod
    def summarise(self, request: ModelRequest) -> Reply:
        """Have the vendor write a summary, once; raises the SDK's errors or ours."""

    def complete(self, request: ModelRequest, limits: CallLimits) -> Reply:
        """Make one model call, as `Provider` says."""
        reply = bounded(self._call(lambda: self.ask(request), limits), request.max_output_tokens)
        self._previous = reply.response_id or None
        return reply

    def compacts(self, model: str) -> bool:
        """Tell whether the vendor writes summaries, as `Provider` says."""
        return capabilities(self.name, model).compacts

    def compact(self, request: ModelRequest, limits: CallLimits) -> Reply:
        """Have the vendor write a summary, as `Provider` says."""
        return self._call(lambda: self.summarise(request), limits)

    def lifetimes(self, model: str) -> Lifetimes:
        """Return how long the vendor keeps what it has cached, as `Provider` says."""
        return LIFETIMES[capabilities(self.name, model).cache]

    def _call(self, ask: Callable[[], Reply], limits: CallLimits) -> Reply:
        try:
            return call_vendor(
                ask,
                limits,
                watch=self._sdk.watch,
                policy=self.manner.policy,
                errors=self._sdk.errors,
                translate=self.translate,
            )
        except PipelineError as error:
            hide_key(error, self._sdk.key)
            raise

    def price(self, usage: Usage) -> float | None:
        """Return what `usage` costs in USD, as `Provider` says."""
        return price(usage, self.name, usage.model or self.model)

    def close(self) -> None:
        """Close the connections."""
        self._sdk.close()
