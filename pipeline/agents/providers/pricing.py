"""What tokens cost, from the price list that genai-prices ships (no network)."""

from typing import Any

from pipeline.domain.results import Usage


def price(usage: Usage, provider: str, model: str, *, long_lived_writes: int = 0) -> float | None:
    """Return the price of one call in USD, or None when the model is not on the list.

    `long_lived_writes` says how many of the cache writes are kept for an hour (dearer at
    Anthropic). The list counts cached tokens as part of the input; `Usage` keeps them apart.
    """
    import genai_prices

    tokens = _tokens(usage, long_lived_writes)
    try:
        return float(genai_prices.calc_price(tokens, model, provider_id=provider).total_price)
    except LookupError:
        return None


def price_at(usage: Usage, base_url: str, model: str) -> float | None:
    """Return the price of one call in USD at the service that has this base URL, or None."""
    import genai_prices

    tokens = _tokens(usage)
    try:
        return float(genai_prices.calc_price(tokens, model, provider_api_url=base_url).total_price)
    except LookupError:
        return None


def _tokens(usage: Usage, long_lived_writes: int = 0) -> Any:
    import genai_prices

    return genai_prices.Usage(
        input_tokens=usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=min(long_lived_writes, usage.cache_write_tokens) or None,
    )
