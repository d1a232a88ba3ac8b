"""Prices come from the installed list, cached tokens included."""

import genai_prices
import pytest

from pipeline.agents.providers.pricing import price
from pipeline.domain.results import Usage

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("usage", "long_lived", "usd"),
    [
        (Usage(input_tokens=MILLION), 0, 4.0),
        (Usage(output_tokens=MILLION), 0, 20.0),
        (Usage(cache_read_tokens=MILLION), 0, 0.2),
        (Usage(cache_write_tokens=MILLION), 0, 5.0),
        (Usage(cache_write_tokens=MILLION), MILLION, 8.0),
        (Usage(), 0, 0.0),
    ],
)
def test_each_kind_of_token_has_its_price(usage: Usage, long_lived: int, usd: float) -> None:
    found = price(usage, "anthropic", "claude-opus-5-5", long_lived_writes=long_lived)
    assert found == pytest.approx(usd)


def test_cached_tokens_are_not_counted_twice() -> None:
    parts = [Usage(input_tokens=5000), Usage(cache_read_tokens=9000), Usage(output_tokens=300)]
    whole = Usage(input_tokens=5000, cache_read_tokens=9000, output_tokens=300)
    prices = [price(part, "openai", "gpt-6.1-sol") or 0 for part in parts]
    assert price(whole, "openai", "gpt-6.1-sol") == pytest.approx(sum(prices))


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_an_unknown_model_has_no_price(provider: str) -> None:
    assert price(Usage(input_tokens=1), provider, "a-model-of-nobody") is None


def test_an_unknown_vendor_has_no_price() -> None:
    assert price(Usage(input_tokens=1), "nobody", "claude-opus-5-5") is None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-opus-5-5"),
        ("anthropic", "claude-sonnet-4-5"),  # dearer above 200,000 tokens of input
        ("anthropic", "claude-sonnet-4-6"),  # at another price from some day on
        ("openai", "gpt-6.1-sol"),
        ("deepseek", "deepseek-chat"),
    ],
)
def test_a_price_is_the_lists_own_to_the_last_digit(provider: str, model: str) -> None:
    for sent in (0, 1, 7_919, 200_000, 200_001, 271_999, 272_001, 900_001):
        for written, kept in ((0, 0), (0, 1_013), (3_001, 0), (3_001, 1_013), (3_001, 9_999)):
            usage = Usage(
                input_tokens=sent,
                output_tokens=written + 17,
                cache_read_tokens=kept * 3,
                cache_write_tokens=written,
            )
            counted = genai_prices.Usage(
                input_tokens=sent + kept * 3 + written,
                output_tokens=written + 17,
                cache_read_tokens=kept * 3,
                cache_write_tokens=written,
                cache_write_1h_tokens=min(kept, written),
            )
            listed = genai_prices.calc_price(counted, model, provider_id=provider).total_price
            assert price(usage, provider, model, long_lived_writes=kept) == float(listed)
