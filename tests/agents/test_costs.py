"""A sample of bench/agents: the bill per issue is flat with a ledger and grows with everything."""

from dataclasses import replace
from statistics import mean

import pytest

from bench.agents.__main__ import cached, load, periods
from bench.agents.strategies import Player, Strategy, Vendor


@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_a_ledger_costs_the_same_all_night_and_full_histories_do_not(name: str) -> None:
    workload, vendors, _ = load()
    small = replace(workload, number=24, calls=6, digest_tokens=800, result_tokens=600)
    vendor = next(one for one in vendors if one.name == name)
    ledger = _units(small, vendor, Strategy("ledger", "ledger"))
    full = _units(small, vendor, Strategy("full", "full"))
    assert mean(ledger[-8:]) < 1.1 * mean(ledger[1:9])
    assert full[-1] > 2 * full[1]


def test_most_of_what_is_sent_comes_from_the_cache_and_folds_are_found() -> None:
    workload, vendors, _ = load()
    small = replace(workload, number=24, calls=6, digest_tokens=800)
    costs = list(Player(small, vendors[0], Strategy("ledger", "ledger")).play())
    assert cached(costs) > 0.7
    assert [len(period) for period in periods(costs)] == [10, 8]
    assert costs[9].folded


def _units(workload: object, vendor: Vendor, strategy: Strategy) -> list[float]:
    return [cost.units for cost in Player(workload, vendor, strategy).play()]
