"""The purse: one budget for run, day and the issue in hand, reserved before each call.

    reserve(...)  ->  how many output tokens the call may use   (lowered to what is left)
    settle(usage) ->  what it did use is booked, the reserve is given back

Run and day are never overdrawn: for them a call is reserved as if no cache answered, at the dearest
rate for its input. An issue's cap steers a turn: there the reserve is what the call is likely to
take, so that a long turn may use up what it was given.

Each thread pays for one issue at a time. A call that cannot be paid for because of what the calls
of other threads have reserved waits until those are settled: they seldom use it all. A call of
which nobody has told what it used keeps its reserve.

What is booked only ever grows; a restart hands in what the run has used so far: `spent`,
`spent_usd`, `started`, which lies as far back as the run was worked on, and the `bill`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from pipeline.domain.counting import counted
from pipeline.domain.results import Usage
from pipeline.errors import BudgetSpent, IssueBudgetSpent, PipelineError
from pipeline.settings import BudgetSettings
from pipeline.store.balance import Caps
from pipeline.store.bill import Account, Bill

MIN_OUTPUT = 8_000
"""With less room to answer than this a call is not made."""

Whose = Literal["run", "day", "plan"]

SPENT: dict[Whose, tuple[type[PipelineError], str, str]] = {
    "run": (BudgetSpent, "the run's budget is spent", "raise budget.{} to go on"),
    "day": (
        BudgetSpent,
        "today's budget is spent",
        "raise budget.day_{}, or go on tomorrow (days are UTC)",
    ),
    "plan": (
        IssueBudgetSpent,
        "the plan's budget is spent",
        "raise budget.issue_{} and retry the issue",
    ),
}
"""What is raised where an account cannot pay, its first words, and what to do."""


def let_settle() -> None:
    """Give other threads a moment to settle their calls."""
    time.sleep(0.05)


def utc_day() -> str:
    """Return the day as `2026-11-21`, UTC."""
    return datetime.now(UTC).date().isoformat()


def caps_of(settings: BudgetSettings) -> Caps:
    """Return the caps of run and day that are set."""
    return Caps(
        tokens=settings.tokens,
        usd=settings.usd,
        minutes=settings.minutes,
        day_tokens=settings.day_tokens,
        day_usd=settings.day_usd,
    )


Price = Callable[[Usage], float | None]
"""What a usage costs in USD at most; None when the model's price is not known."""


@dataclass
class _Held:
    """What a call may still use."""

    tokens: int = 0
    usd: float = 0.0
    day: str = ""


@dataclass
class _Account:
    """One set of caps and what has been booked on it; None is no cap."""

    whose: Whose
    tokens: int | None = None
    usd: float | None = None
    minutes: float | None = None
    started: float = 0.0
    used_tokens: int = 0
    used_usd: float = 0.0
    price_unknown: bool = False
    lost: _Held = field(default_factory=_Held)
    """The reserves of calls of which nobody has told what they used."""

    def book(self, usage: Usage) -> None:
        self.used_tokens += usage.metered_tokens
        self.used_usd += usage.usd or 0.0
        self.price_unknown |= usage.usd is None

    def lose(self, held: _Held) -> None:
        self.lost = _Held(self.lost.tokens + held.tokens, self.lost.usd + held.usd)

    def take_over(self, account: Account) -> None:
        """Begin where earlier processes have stopped."""
        self.used_tokens, self.used_usd = account.spent.tokens, account.spent.usd
        self.price_unknown = account.spent.unpriced
        self.lost = _Held(account.held.tokens, account.held.usd)

    def spent(self, what: str, key: str, needs: str) -> PipelineError:
        """Return the line that says that the account cannot pay for the next call."""
        error, first, then = SPENT[self.whose]
        return error(f"{first}: {what}{needs}; {then.format(key)}")


@dataclass
class Purse:
    """Pays for model calls out of the caps of the run, the day and the open issue."""

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
    bill: Bill | None = None
    """What earlier processes have left: of the run the reserves that stay, and the days. It is
    looked at once: it may go on counting."""
    today: Callable[[], str] = utc_day
    """The day that a call begins on."""
    _run: _Account = field(init=False)
    _days: dict[str, _Account] = field(init=False, default_factory=dict)
    _issues: dict[int, _Account] = field(init=False, default_factory=dict)
    """The issue that each thread works on."""
    _held: dict[int, _Held] = field(init=False, default_factory=dict)
    """What each thread's call under way has reserved."""
    _idle: int = field(init=False, default=0)
    """How many threads wait, with nothing to do."""
    _idle_since: float | None = field(init=False, default=None)
    """Since when nobody works."""
    _lock: threading.RLock = field(init=False, default_factory=threading.RLock)
    """Protects all of the above: planning and execution draw on one purse."""

    def __post_init__(self) -> None:
        self._run = self._new_run()
        self._run.book(self.spent)
        if self.spent_usd is not None:
            self._run.used_usd = self.spent_usd
        if self.bill is not None:
            held = self.bill.run.held
            self._run.lost = _Held(held.tokens, held.usd)
            for day, account in self.bill.days.items():
                self._day(day).take_over(account)

    def open_run(self) -> None:
        """Start the account of a new run: nothing of it is used yet; the day's goes on."""
        with self._lock:
            self.started = self.clock()
            self._run = self._new_run()

    def leave_out(self, idle_s: float) -> None:
        """Take time in which nobody worked (seconds) out of the run's minutes."""
        with self._lock:
            self.started += idle_s
            self._run.started += idle_s

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Leave out the time that this thread waits for others.

        It never counts for the thread's issue, and not for the run while no other thread works.
        """
        began = self.clock()
        with self._lock:
            self._idle += 1
            self._note_idleness()
        try:
            yield
        finally:
            with self._lock:
                self._idle -= 1
                self._note_idleness()
                issue = self._issues.get(threading.get_ident())
                if issue is not None:
                    issue.started += self.clock() - began

    def open_issue(self, tokens: int | None, usd: float | None, minutes: float | None) -> None:
        """Start the account of the issue that this thread works on; None is no cap."""
        with self._lock:
            account = _Account("plan", tokens, usd, minutes, self.clock())
            self._issues[threading.get_ident()] = account
            self._note_idleness()

    def close_issue(self) -> None:
        """End the issue's account; what it used stays booked on the run."""
        with self._lock:
            self._issues.pop(threading.get_ident(), None)
            self._note_idleness()

    def reserve(
        self,
        input_tokens: int,
        wanted_output: int,
        price: Price,
        *,
        most_input: int | None = None,
        lower: bool = True,
    ) -> int:
        """Set aside what a call may use and return its output tokens, at most `wanted_output`.

        `input_tokens` is what the call is likely to send uncached; `most_input` what it can be
        billed for at all, cache and all; None: the same. `lower=False` takes all or nothing.
        Raises `BudgetSpent` when run or day, and `IssueBudgetSpent` when the issue, cannot pay for
        `MIN_OUTPUT` tokens.
        """
        most = max(input_tokens, most_input or 0)
        least = min(MIN_OUTPUT, wanted_output) if lower else wanted_output
        while True:
            with self._lock:
                try:
                    return self._set_aside(input_tokens, most, wanted_output, least, price)
                except BudgetSpent:
                    if not self._others():
                        raise
            self.rest()

    def settle(self, usage: Usage, *, told: bool = True) -> None:
        """Book what this thread's call used (nothing: `Usage()`) and give its reserve back.

        `told=False`: nobody knows what it used; run and day keep the reserve.
        """
        with self._lock:
            held = self._held.pop(threading.get_ident(), None) or _Held(day=self.today())
            issue = self._issues.get(threading.get_ident())
            for account in (self._run, self._day(held.day)):
                account.book(usage)
                if not told:
                    account.lose(held)
            if issue is not None:
                issue.book(usage)

    @property
    def reserved(self) -> tuple[int, float]:
        """Return the tokens and the money (USD) that this thread's call has reserved."""
        held = self._held.get(threading.get_ident(), _Held())
        return held.tokens, held.usd

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

    def _new_run(self) -> _Account:
        caps = self.caps
        return _Account("run", caps.tokens, caps.usd, caps.minutes, self.started)

    def _day(self, day: str) -> _Account:
        if day not in self._days:
            self._days[day] = _Account("day", self.caps.day_tokens, self.caps.day_usd)
        return self._days[day]

    def _note_idleness(self) -> None:
        """Leave out the time in which all who work on an issue wait."""
        nobody = self._idle > 0 and self._idle >= len(self._issues)
        if nobody and self._idle_since is None:
            self._idle_since = self.clock()
        elif not nobody and self._idle_since is not None:
            self.leave_out(self.clock() - self._idle_since)
            self._idle_since = None

    def _others(self) -> list[_Held]:
        mine = threading.get_ident()
        return [one for thread, one in self._held.items() if thread != mine]

    def _set_aside(self, likely: int, most: int, wanted: int, least: int, price: Price) -> int:
        day = self.today()
        others = self._others()
        on_day = [one for one in others if one.day == day]
        issue = self._issues.get(threading.get_ident())
        output = self._affordable(self._run, others, most, wanted, least, price)
        output = self._affordable(self._day(day), on_day, most, output, least, price)
        if issue is not None:  # nobody else draws on it
            output = self._affordable(issue, [], likely, output, least, price)
        cost = _dearest(price, most, output) or 0.0
        self._held[threading.get_ident()] = _Held(most + output, cost, day)
        return output

    def _affordable(
        self,
        account: _Account,
        others: list[_Held],
        input_tokens: int,
        wanted: int,
        least: int,
        price: Price,
    ) -> int:
        """Return how much output the account pays for; raises when that is less than `least`."""
        lost = account.lost
        if account.minutes is not None:
            minutes = (self.clock() - account.started) / 60
            if minutes >= account.minutes:
                passed = f"{counted(account.minutes, 'minute has', 'minutes have')} passed"
                raise account.spent(passed, "minutes", "")
        if account.tokens is not None:
            gone = account.used_tokens + lost.tokens
            rest = account.tokens - gone - sum(one.tokens for one in others) - input_tokens
            if rest < least:
                kept = f", {lost.tokens:,} reserved" if lost.tokens else ""
                used = f"{account.used_tokens:,} of {account.tokens:,} tokens are used{kept}"
                needs = f", and the next call may take {input_tokens + least:,}"
                raise account.spent(used, "tokens", needs)
            wanted = min(wanted, rest)
        if account.usd is not None:
            rest_usd = account.usd - account.used_usd - lost.usd - sum(one.usd for one in others)
            payable = self._payable(account, rest_usd, input_tokens, wanted, price)
            if payable < least:
                kept = f", ${lost.usd:.2f} reserved" if lost.usd else ""
                used = f"${account.used_usd:.2f} of ${account.usd:.2f} are used{kept}"
                cost = _dearest(price, input_tokens, least) or 0.0
                raise account.spent(used, "usd", f", and the next call may cost ${cost:.2f}")
            wanted = payable
        return wanted

    def _payable(
        self, account: _Account, rest_usd: float, input_tokens: int, wanted: int, price: Price
    ) -> int:
        """Return how much output `rest_usd` buys; the price is linear in the output."""
        base = _dearest(price, input_tokens, 0)
        full = _dearest(price, input_tokens, wanted)
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


def _dearest(price: Price, input_tokens: int, output: int) -> float | None:
    """Return the most that a call can cost: vendors take more for input that they keep cached."""
    plain = price(Usage(input_tokens=input_tokens, output_tokens=output))
    kept = price(Usage(cache_write_tokens=input_tokens, output_tokens=output))
    return None if plain is None or kept is None else max(plain, kept)
