"""The purse: one budget for the run and one for the issue in hand, reserved before each call.

    reserve(...)  ->  how many output tokens the call may use   (lowered to what is left)
    settle(usage) ->  what it did use is booked, the reserve is given back

Each thread pays for one issue at a time. A call that the run cannot pay for because of what the
calls of other threads have reserved waits until those are settled: they seldom use it all.

What is booked only ever grows; a restart hands in what the run has used so far: `spent`,
`spent_usd`, and `started`, which lies as far back as the run was worked on.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.domain.results import Usage
from pipeline.errors import BudgetSpent, IssueBudgetSpent, PipelineError
from pipeline.settings import BudgetSettings

MIN_OUTPUT = 8_000
"""With less room to answer than this a call is not made."""


def let_settle() -> None:
    """Give other threads a moment to settle their calls."""
    time.sleep(0.05)


Price = Callable[[Usage], float | None]
"""What a usage costs in USD; None when the model's price is not known."""


@dataclass
class _Account:
    """One set of caps and what has been booked on it; None is no cap."""

    tokens: int | None
    usd: float | None
    minutes: float | None
    started: float
    used_tokens: int = 0
    used_usd: float = 0.0
    price_unknown: bool = False

    def book(self, usage: Usage) -> None:
        self.used_tokens += usage.metered_tokens
        self.used_usd += usage.usd or 0.0
        self.price_unknown |= usage.usd is None


@dataclass(frozen=True)
class _Held:
    """What a call under way may still use."""

    tokens: int = 0
    usd: float = 0.0


@dataclass
class Purse:
    """Pays for model calls out of the run's caps and those of the open issue."""

    caps: BudgetSettings
    spent: Usage
    """What the run has used before this process, all roles."""
    started: float
    """When the run's minutes began, on `clock`."""
    clock: Callable[[], float] = time.monotonic
    spent_usd: float | None = None
    """The money in `spent`, known also when the price of some call was not; None: `spent.usd`."""
    rest: Callable[[], None] = let_settle
    """Lets other threads work for a moment; may raise `Stopped`."""
    _run: _Account = field(init=False)
    _issues: dict[int, _Account] = field(init=False, default_factory=dict)
    """The issue that each thread works on."""
    _held: dict[int, _Held] = field(init=False, default_factory=dict)
    """What each thread's call under way has reserved."""
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    """Protects the accounts and `_held`: planning and execution draw on one purse."""

    def __post_init__(self) -> None:
        caps = self.caps
        self._run = _Account(caps.tokens, caps.usd, caps.minutes, self.started)
        self._run.book(self.spent)
        if self.spent_usd is not None:
            self._run.used_usd = self.spent_usd

    def open_run(self) -> None:
        """Start the account of a new run: nothing of it is used yet."""
        with self._lock:
            self.started = self.clock()
            self._run = _Account(self.caps.tokens, self.caps.usd, self.caps.minutes, self.started)

    def leave_out(self, idle_s: float) -> None:
        """Take time in which nobody worked (seconds) out of the run's minutes."""
        with self._lock:
            self.started += idle_s
            self._run.started += idle_s

    def open_issue(self, tokens: int | None, usd: float | None, minutes: float | None) -> None:
        """Start the account of the issue that this thread works on; None is no cap."""
        with self._lock:
            account = _Account(tokens, usd, minutes, self.clock())
            self._issues[threading.get_ident()] = account

    def close_issue(self) -> None:
        """End the issue's account; what it used stays booked on the run."""
        with self._lock:
            self._issues.pop(threading.get_ident(), None)

    def reserve(self, input_tokens: int, wanted_output: int, price: Price) -> int:
        """Set aside what a call may use and return its output tokens, at most `wanted_output`.

        `input_tokens` is the estimate of what the call sends uncached. Raises `BudgetSpent` when
        the run, and `IssueBudgetSpent` when the issue, cannot pay for `MIN_OUTPUT` tokens.
        """
        while True:
            with self._lock:
                held = self._others()
                try:
                    return self._set_aside(held, input_tokens, wanted_output, price)
                except BudgetSpent:
                    if held == _Held():
                        raise
            self.rest()

    def _set_aside(self, held: _Held, input_tokens: int, wanted: int, price: Price) -> int:
        output = self._affordable(self._run, held, input_tokens, wanted, price, BudgetSpent)
        issue = self._issues.get(threading.get_ident())
        if issue is not None:  # nobody else draws on it
            output = self._affordable(issue, _Held(), input_tokens, output, price, IssueBudgetSpent)
        cost = price(Usage(input_tokens=input_tokens, output_tokens=output)) or 0.0
        self._held[threading.get_ident()] = _Held(input_tokens + output, cost)
        return output

    def settle(self, usage: Usage) -> None:
        """Book what this thread's call used (nothing: `Usage()`) and give its reserve back."""
        with self._lock:
            self._held.pop(threading.get_ident(), None)
            self._run.book(usage)
            issue = self._issues.get(threading.get_ident())
            if issue is not None:
                issue.book(usage)

    @property
    def used_tokens(self) -> int:
        """Return the metered tokens booked on the run, earlier processes included."""
        return self._run.used_tokens

    @property
    def used_usd(self) -> float:
        """Return the money booked on the run (USD); calls of unknown price count nothing."""
        return self._run.used_usd

    @property
    def worked_s(self) -> float:
        """Return how long the run has been worked on, earlier processes included (seconds)."""
        return self.clock() - self.started

    def _others(self) -> _Held:
        mine = threading.get_ident()
        held = [one for thread, one in self._held.items() if thread != mine]
        return _Held(sum(one.tokens for one in held), sum(one.usd for one in held))

    def _affordable(
        self,
        account: _Account,
        held: _Held,
        input_tokens: int,
        wanted: int,
        price: Price,
        error: type[PipelineError],
    ) -> int:
        """Return how much output the account pays for; raises `error` when that is too little."""
        whose = "run" if error is BudgetSpent else "plan"
        if account.minutes is not None:
            minutes = (self.clock() - account.started) / 60
            if minutes >= account.minutes:
                raise error(_line(whose, f"{account.minutes:g} minutes have passed", "minutes"))
        least = min(MIN_OUTPUT, wanted)
        if account.tokens is not None:
            rest = account.tokens - account.used_tokens - held.tokens - input_tokens
            if rest < least:
                used = f"{account.used_tokens:,} of {account.tokens:,} tokens are used"
                raise error(_line(whose, used, "tokens"))
            wanted = min(wanted, rest)
        if account.usd is not None:
            rest_usd = account.usd - account.used_usd - held.usd
            payable = self._payable(account, rest_usd, input_tokens, wanted, price)
            if payable < least:
                used = f"${account.used_usd:.2f} of ${account.usd:.2f} are used"
                raise error(_line(whose, used, "usd"))
            wanted = payable
        return wanted

    def _payable(
        self, account: _Account, rest_usd: float, input_tokens: int, wanted: int, price: Price
    ) -> int:
        """Return how much output `rest_usd` buys; the price is linear in the output."""
        base = price(Usage(input_tokens=input_tokens))
        full = price(Usage(input_tokens=input_tokens, output_tokens=wanted))
        if base is None or full is None or account.price_unknown:
            if self.caps.unknown_price == "stop":
                raise BudgetSpent(
                    "a cap in USD is set and a model's price is not known: "
                    "set budget.unknown_price = 'count', or cap tokens instead"
                )
            if base is None or full is None:
                return wanted
        if full <= rest_usd:
            return wanted
        if base >= rest_usd:
            return 0
        return int(wanted * (rest_usd - base) / (full - base))


def _line(whose: str, used: str, key: str) -> str:
    if whose == "run":
        return f"the run's budget is spent: {used}; raise budget.{key} to go on"
    return f"the plan's budget is spent: {used}; raise budget.issue_{key} and retry the issue"
