"""What an agent costs as the night goes on, by what it is sent of its earlier turns.

    python -m bench.agents [--check] [--picture FILE] [--issues N]

The workload and the prices are in `workload.toml`. Costs are tokens at the price of one uncached
input token; both vendors' cache rules are the stand-in's. `--check` exits with 1 when a bar is
missed: the bars are what the README promises of the bill.
"""

import argparse
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

from bench.agents.picture import picture
from bench.agents.strategies import Cost, Player, Strategy, Vendor, Workload

HERE = Path(__file__).parent
SHOWN = (1, 10, 50, 200)


def main() -> int:
    """Print the table; with `--check` hold it to the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--issues", type=int)
    wanted = parser.parse_args()
    workload, vendors, thresholds = load()
    if wanted.issues:
        workload = replace(workload, number=wanted.issues)
    strategies = [
        Strategy("fresh", "fresh"),
        Strategy("ledger", "ledger"),
        *(Strategy(f"full, compacted at {most // 1000}k", "full", most) for most in thresholds),
    ]
    missed: list[str] = []
    for vendor in vendors:
        name = vendor.name
        played = {one.name: list(Player(workload, vendor, one).play()) for one in strategies}
        print(table(name, played))
        missed += [f"{name}: {bar}" for bar in missed_bars(played, strategies[2].name)]
        if wanted.picture:
            target = wanted.picture.with_stem(f"{wanted.picture.stem}-{name}")
            target.write_text(picture(name, played))
    for bar in missed:
        print(f"MISSED {bar}")
    if not missed:
        print("all bars are held")
    return 1 if wanted.check and missed else 0


def load() -> tuple[Workload, list[Vendor], list[int]]:
    """Return the workload, the vendors, and the sizes at which histories are compacted."""
    plain = tomllib.loads((HERE / "workload.toml").read_text())
    compaction = plain["compaction"]
    workload = Workload(
        **plain["issues"], **plain["head"], summary_tokens=compaction["summary_tokens"]
    )
    vendors = [Vendor(name, **prices) for name, prices in plain["vendors"].items()]
    return workload, vendors, compaction["thresholds"]


def table(vendor: str, played: dict[str, list[Cost]]) -> str:
    """Return costs, tokens and cached share of each strategy."""
    some = next(iter(played.values()))
    shown = [number for number in SHOWN if number <= len(some)]
    head = "".join(f"{f'issue {number}':>12}" for number in shown)
    lines = [
        f"{vendor}: thousands of units per issue (1 unit = 1 uncached input token)",
        f"{'':28}{head}{'mean':>12}{'tokens':>12}{'cached':>9}",
    ]
    for name, costs in played.items():
        cells = "".join(f"{costs[number - 1].units / 1000:12.1f}" for number in shown)
        lines.append(
            f"{name:28}{cells}{mean(one.units for one in costs) / 1000:12.1f}"
            f"{mean(one.tokens for one in costs) / 1000:11.0f}k{cached(costs):9.1%}"
        )
    return "\n".join(lines) + "\n"


def cached(costs: Sequence[Cost]) -> float:
    """Return the share of input tokens that the cache answered for."""
    return sum(one.read for one in costs) / sum(one.tokens for one in costs)


def periods(costs: Sequence[Cost]) -> list[list[Cost]]:
    """Return the whole fold periods: from the issue after a fold to the next fold."""
    found: list[list[Cost]] = [[]]
    for cost in costs:
        found[-1].append(cost)
        if cost.folded:
            found.append([])
    return found[:-1]


def missed_bars(played: dict[str, list[Cost]], compacted: str) -> list[str]:
    """Return the bars that the ledger does not hold."""
    ledger = played["ledger"]
    whole = periods(ledger)
    units = {name: mean(one.units for one in costs) for name, costs in played.items()}
    first, last = (mean(one.units for one in whole[place]) for place in (0, -1))
    ratios = {
        "last fold period over the first <= 1.05": (last / first, last <= 1.05 * first),
        "ledger over full <= 0.5": (
            units["ledger"] / units[compacted],
            units["ledger"] <= 0.5 * units[compacted],
        ),
        "cached share >= 85%": (cached(ledger), cached(ledger) >= 0.85),
        "ledger over fresh <= 1.15": (
            units["ledger"] / units["fresh"],
            units["ledger"] <= 1.15 * units["fresh"],
        ),
    }
    for name, (value, _) in ratios.items():
        print(f"  {name}: {value:.3f}")
    print()
    return [f"{name}: it is {value:.3f}" for name, (value, held) in ratios.items() if not held]


if __name__ == "__main__":
    sys.exit(main())
