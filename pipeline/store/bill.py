"""What model calls have cost and may still cost: in the open run, and on each day (UTC).

    call_begun                its reserve is held
    call_settled              what it used is spent, its reserve is given back
    call_settled, not told    ) the vendor may bill as much as was reserved, and nobody has said
    no call_settled (a kill)  ) how much it is: the reserve is held for good

Plain values only, so that `status` can keep a bill and bring it up to date by itself.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

METERED = ("input_tokens", "output_tokens", "cache_write_tokens")
"""What counts against a cap in tokens."""


@dataclass
class Amount:
    """Metered tokens and money (USD)."""

    tokens: int = 0
    usd: float = 0.0
    unpriced: bool = False
    """Some of the tokens have no known price and are not in `usd`."""

    def add(self, tokens: int, usd: float | None) -> None:
        """Count up; `usd` None: no known price."""
        self.tokens += tokens
        self.usd = round(self.usd + (usd or 0.0), 9)
        self.unpriced |= usd is None

    def take(self, tokens: int, usd: float | None) -> None:
        """Give back what was added before."""
        self.tokens -= tokens
        self.usd = max(0.0, round(self.usd - (usd or 0.0), 9))


@dataclass
class Account:
    """What is spent, and what is held for calls whose cost is not known (yet)."""

    spent: Amount = field(default_factory=Amount)
    held: Amount = field(default_factory=Amount)


@dataclass
class _Open:
    """A call that was begun and is not settled."""

    day: str
    tokens: int
    usd: float | None
    in_run: bool = True


@dataclass
class Bill:
    """The accounts of the open run and of all days."""

    run: Account = field(default_factory=Account)
    days: dict[str, Account] = field(default_factory=dict)
    """`2026-11-21` (UTC) -> what calls that began on that day come to."""
    open: dict[str, _Open] = field(default_factory=dict)
    """Role and request -> its call under way; a role makes one call of a request at a time."""
    seconds: float = 0.0
    """How long the open run had been worked on when its last call was settled."""

    def open_run(self) -> None:
        """Begin the account of a new run; days keep what they have."""
        self.run, self.seconds = Account(), 0.0
        for call in self.open.values():
            call.in_run = False

    def begin(self, call: Mapping[str, Any], day: str) -> None:
        """Take in the data of a `call_begun` line of that day."""
        reserve = call["reserved_tokens"], call["reserved_usd"]
        self.run.held.add(*reserve)
        self.day(day).held.add(*reserve)
        self.open[_name(call)] = _Open(day, *reserve)

    def settle(self, call: Mapping[str, Any], day: str) -> None:
        """Take in the data of a `call_settled` line of that day."""
        begun = self.open.pop(_name(call), None)
        account = self.day(begun.day if begun else day)
        usage = call["usage"]
        used = sum(usage[name] for name in METERED), usage["usd"]
        self.run.spent.add(*used)
        account.spent.add(*used)
        self.seconds = max(self.seconds, call.get("run_seconds", 0.0))
        if begun is not None and call.get("told", True):
            account.held.take(begun.tokens, begun.usd)
            if begun.in_run:
                self.run.held.take(begun.tokens, begun.usd)

    def day(self, day: str) -> Account:
        """Return the account of a day."""
        return self.days.setdefault(day, Account())

    def to_json(self, day: str) -> dict[str, Any]:
        """Return the bill as JSON values, of the days only `day` and those of open calls."""
        wanted = {day, *(call.day for call in self.open.values())}
        found = asdict(self)
        return found | {"days": {k: v for k, v in found["days"].items() if k in wanted}}

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> "Bill":
        """Return the bill that `to_json` wrote; raises KeyError and TypeError for anything else."""
        return cls(
            run=_account(found["run"]),
            days={day: _account(one) for day, one in found["days"].items()},
            open={name: _Open(**one) for name, one in found["open"].items()},
            seconds=found["seconds"],
        )


def _account(found: Mapping[str, Any]) -> Account:
    return Account(Amount(**found["spent"]), Amount(**found["held"]))


def _name(call: Mapping[str, Any]) -> str:
    return f"{call['role']} {call['request_id']}"
