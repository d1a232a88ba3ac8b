"""A cap is a cap: whatever calls cost, break off or die, nobody is billed more than it allows."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from pipeline.domain.results import Usage
from pipeline.errors import BudgetSpent
from pipeline.safety.budget import Price, Purse
from pipeline.settings import BudgetSettings
from pipeline.store.bill import Bill

WISH = 64_000


class MustWait(Exception):
    """The call would have to wait for what the other one settles."""


def prices(dice: random.Random) -> Price:
    """Return what some model costs: a read is cheap, a write may be dearer than plain input."""
    per_input, per_output = dice.uniform(1e-7, 1e-5), dice.uniform(1e-6, 5e-5)
    write = dice.choice((1.0, 1.25, 2.0))

    def price(usage: Usage) -> float:
        plain = usage.input_tokens + write * usage.cache_write_tokens
        return per_input * (plain + 0.1 * usage.cache_read_tokens) + per_output * (
            usage.output_tokens
        )

    return price


@dataclass
class Repository:
    """Two agents with one purse, a vendor with accounts of its own, and a journal."""

    dice: random.Random
    caps: BudgetSettings
    price: Price
    day: str = "2026-11-21"
    bill: Bill = field(default_factory=Bill)
    billed: dict[str, list[float]] = field(default_factory=dict)
    """Day, or `run` -> the tokens and the money that the vendor takes."""
    under_way: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    """Role -> most input and output of its call, and the day on which it began."""

    def __post_init__(self) -> None:
        self.started = self._purse()

    def _purse(self) -> Purse:
        run = self.bill.run.spent
        spent = Usage(output_tokens=run.tokens, usd=run.usd)

        def refuse_to_wait() -> None:
            raise MustWait

        return Purse(
            self.caps,
            spent,
            0.0,
            lambda: 0.0,
            rest=refuse_to_wait,
            bill=self.bill,
            today=lambda: self.day,
        )

    def begin(self, role: str, inside: Callable[[Callable[[], object]], object]) -> None:
        """Reserve a call of random size; one that cannot be paid for is not made."""
        likely, more = self.dice.randrange(30_000), self.dice.randrange(60_000)
        try:
            output = inside(
                lambda: self.started.reserve(likely, WISH, self.price, most_input=likely + more)
            )
        except (BudgetSpent, MustWait):
            return
        assert isinstance(output, int)
        tokens, usd = inside(lambda: self.started.reserved)  # type: ignore[misc]
        request = {"role": role, "request_id": "I.1"}
        self.bill.begin(request | {"reserved_tokens": tokens, "reserved_usd": usd}, self.day)
        self.under_way[role] = (likely + more, output, self.day)

    def end(self, role: str, inside: Callable[[Callable[[], object]], object]) -> None:
        """Let the vendor bill anything that the request allows, and tell it, or break off."""
        most, output, day = self.under_way.pop(role)
        used = self._used(most, output)
        self._take(used, day)
        told = self.dice.random() < 0.8
        usage = used if told else Usage()
        line = {"role": role, "request_id": "I.1", "usage": usage.model_dump(), "told": told}
        self.bill.settle(line, self.day)
        inside(lambda: self.started.settle(usage, told=told))

    def kill(self) -> None:
        """Kill the process; the vendor bills what was under way, and nobody hears of it."""
        before = self.bill.run.spent
        seen = before.tokens, before.usd
        for most, output, day in self.under_way.values():
            self._take(self._used(most, output), day)
        self.under_way.clear()
        self.started = self._purse()
        assert (self.started.used_tokens, self.started.used_usd) == pytest.approx(seen)

    def _used(self, most: int, output: int) -> Usage:
        total = self.dice.randrange(most + 1)
        cached = self.dice.choice((0, total // 2, total))
        kind = self.dice.choice(("input_tokens", "cache_write_tokens", "cache_read_tokens"))
        counts = {"input_tokens": 0, "cache_write_tokens": 0, "cache_read_tokens": 0}
        counts["input_tokens"] += total - cached
        counts[kind] += cached
        used = Usage(calls=1, output_tokens=self.dice.choice((1, output // 2, output)), **counts)
        return used.model_copy(update={"usd": self.price(used)})

    def _take(self, used: Usage, day: str) -> None:
        for name in ("run", day):
            sums = self.billed.setdefault(name, [0, 0.0])
            sums[0] += used.metered_tokens
            sums[1] += used.usd or 0.0

    def within_caps(self) -> bool:
        """Tell whether no cap is passed, by the vendor's own accounts."""
        of_run = self.caps.tokens, self.caps.usd
        of_day = self.caps.day_tokens, self.caps.day_usd
        return all(
            (most is None or tokens <= most) and (most_usd is None or usd <= most_usd + 1e-9)
            for name, (tokens, usd) in self.billed.items()
            for most, most_usd in [of_run if name == "run" else of_day]
        )


@contextmanager
def threads() -> Iterator[dict[str, Callable[[Callable[[], object]], object]]]:
    """Yield for each role what runs something in a thread of its own and returns its result."""
    with ThreadPoolExecutor(1) as planner, ThreadPoolExecutor(1) as executor:
        pools = {"planner": planner, "executor": executor}
        yield {
            role: (lambda act, pool=pool: pool.submit(act).result())  # type: ignore[misc]
            for role, pool in pools.items()
        }


def play(seed: int) -> bool:
    """Play one random night; tell whether anything was billed in it."""
    dice = random.Random(seed)
    wanted: dict[str, object] = {
        "tokens": dice.randrange(100_000, 1_500_000),
        "usd": dice.uniform(0.2, 5.0),
        "day_tokens": dice.randrange(100_000, 900_000),
        "day_usd": dice.uniform(0.2, 3.0),
    }
    caps = BudgetSettings.model_validate(
        {name: value for name, value in wanted.items() if dice.random() < 0.6}
    )
    here = Repository(dice, caps, prices(dice))
    with threads() as inside:
        for _ in range(60):
            role, chance = dice.choice(("planner", "executor")), dice.random()
            if chance < 0.06:
                here.kill()
            elif chance < 0.09:
                here.day = f"2026-11-{min(int(here.day[-2:]) + 1, 30)}"
            elif role in here.under_way:
                here.end(role, inside[role])
            else:
                here.begin(role, inside[role])
            assert here.within_caps(), f"seed {seed}"
    return bool(here.billed)


def test_nobody_is_billed_more_than_a_cap_allows() -> None:
    assert sum(map(play, range(150))) > 100


def test_the_reserve_of_a_call_that_nobody_settled_stays_for_good() -> None:
    bill = Bill()
    call = {"role": "planner", "request_id": "I.1", "reserved_tokens": 9_000, "reserved_usd": 0.4}
    bill.begin(call, "2026-11-21")
    price = prices(random.Random(1))

    for _ in range(2):
        purse = Purse(BudgetSettings(usd=0.4), Usage(), 0.0, bill=bill, today=lambda: "2026-11-21")
        with pytest.raises(BudgetSpent, match=r"\$0\.00 of \$0\.40 are used, \$0\.40 reserved"):
            purse.reserve(0, WISH, price)


def test_the_cap_of_a_day_counts_all_runs_and_ends_with_the_day() -> None:
    bill = Bill()
    usage = Usage(output_tokens=50_000, usd=0.9).model_dump()
    bill.settle({"role": "planner", "request_id": "I.1", "usage": usage}, "2026-11-21")
    bill.open_run()
    today = ["2026-11-21"]
    purse = Purse(BudgetSettings(day_usd=1.0), Usage(), 0.0, bill=bill, today=lambda: today[0])
    purse.open_run()

    with pytest.raises(
        BudgetSpent,
        match=r"today's budget is spent: \$0\.90 of \$1\.00 .*raise budget\.day_usd, or go on tomo",
    ):
        purse.reserve(0, WISH, lambda usage: usage.output_tokens * 1e-4)

    today[0] = "2026-11-22"
    assert purse.reserve(0, WISH, lambda usage: usage.output_tokens * 1e-5) == WISH
