"""What tokens cost, from the price list that genai-prices ships (no network)."""

from bisect import bisect_left
from decimal import Decimal
from functools import cache
from operator import mul
from typing import Any, NamedTuple

from pipeline.domain.results import Usage

MILLION = 1_000_000


def price(usage: Usage, provider: str, model: str, *, long_lived_writes: int = 0) -> float | None:
    """Return the price of one call in USD, or None when the model is not on the list.

    `long_lived_writes` says how many of the cache writes are kept for an hour (dearer at
    Anthropic). The list counts cached tokens as part of the input; `Usage` keeps them apart.
    """
    return _price(_Counts.of(usage, long_lived_writes), model, provider_id=provider)


def price_at(usage: Usage, base_url: str, model: str) -> float | None:
    """Return the price of one call in USD at the service that has this base URL, or None."""
    return _price(_Counts.of(usage), model, provider_api_url=base_url)


class _Counts(NamedTuple):
    """Tokens of each rate; none is counted twice."""

    plain: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0

    @classmethod
    def of(cls, usage: Usage, long_lived_writes: int = 0) -> "_Counts":
        kept = min(long_lived_writes, usage.cache_write_tokens)
        return cls(
            usage.input_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens - kept,
            kept,
            usage.output_tokens,
        )

    @property
    def input(self) -> int:
        return self.plain + self.cache_read + self.cache_write + self.cache_write_1h


def _price(counts: _Counts, model: str, **whose: str) -> float | None:
    try:
        steps = _steps(model, **whose)
        if steps is None:
            return float(_listed(counts, model, **whose).total_price)
        rates = _rates(bisect_left(steps, counts.input), steps, model, **whose)
    except LookupError:
        return None
    fixed, *each = rates
    return float(fixed + sum(map(mul, each, counts)))


@cache
def _steps(model: str, **whose: str) -> tuple[int, ...] | None:
    """Return above how many input tokens a model's rates change; None when by the clock too.

    Raises `LookupError` for a model that is not on the list.
    """
    from genai_prices.types import ModelPrice, TieredPrices

    found = _listed(_Counts(), model, **whose)
    if found.model is None or not isinstance(found.model.prices, ModelPrice):
        return None
    tiered = [one for one in vars(found.model_price).values() if isinstance(one, TieredPrices)]
    return tuple(sorted({tier.start for one in tiered for tier in one.tiers}))


@cache
def _rates(band: int, steps: tuple[int, ...], model: str, **whose: str) -> tuple[Decimal, ...]:
    """Return the price of a call and of a token of each kind, between two of the steps.

    The list is asked for calls of one kind of token each: its own way takes half a millisecond.
    """
    n = steps[band] if band < len(steps) else max(steps, default=0) + MILLION

    def total(**counts: int) -> Decimal:
        return Decimal(_listed(_Counts(**counts), model, **whose).total_price)

    fixed = total()
    of_input = [(total(**{name: n}) - fixed) / n for name in _INPUT]
    output = (total(plain=n, output=MILLION) - total(plain=n)) / MILLION
    return (fixed, *of_input, output)


_INPUT = ("plain", "cache_read", "cache_write", "cache_write_1h")


def _listed(counts: _Counts, model: str, **whose: str) -> Any:
    import genai_prices

    usage = genai_prices.Usage(
        input_tokens=counts.input,
        output_tokens=counts.output,
        cache_read_tokens=counts.cache_read,
        cache_write_tokens=counts.cache_write + counts.cache_write_1h,
        cache_write_1h_tokens=counts.cache_write_1h or None,
    )
    calculate: Any = genai_prices.calc_price  # its overloads cannot be named
    return calculate(usage, model, **whose)
