"""What is spent, reserved and left of run and day: the same figures for `status` and the report.

{"run": {"tokens": SHARE, "usd": SHARE, "minutes": SHARE, "price_unknown": false},
 "day": {"date": "2026-11-21", "tokens": SHARE, "usd": SHARE, "price_unknown": false}}
SHARE: {"spent": 0.62, "reserved": 0.12, "cap": 1.0, "left": 0.26}; no cap: both are null
"""

from dataclasses import dataclass
from typing import Any

from pipeline.domain.counting import plural
from pipeline.store.bill import Account, Bill

Balance = dict[str, Any]


@dataclass(frozen=True)
class Caps:
    """The caps of run and day; None is no cap."""

    tokens: int | None = None
    usd: float | None = None
    minutes: int | None = None
    day_tokens: int | None = None
    day_usd: float | None = None


def balance(bill: Bill, caps: Caps, day: str) -> Balance:
    """Return what is spent, reserved and left; `day` is today as `2026-11-21` (UTC)."""
    today = bill.days.get(day, Account())
    return {
        "run": _account(bill.run, caps.tokens, caps.usd)
        | {"minutes": _share(round(bill.seconds / 60, 1), 0, caps.minutes)},
        "day": {"date": day} | _account(today, caps.day_tokens, caps.day_usd),
    }


def in_words(found: Balance) -> list[str]:
    """Return a line for the run and one for the day, for a person."""
    run, day = found["run"], found["day"]
    lines = [f"spent: {_money(run)}, {_tokens(run)}, {_minutes(run['minutes'])}"]
    if day["usd"]["spent"] or day["tokens"]["spent"] or day["usd"]["reserved"]:
        lines.append(f"today: {_money(day)}, {_tokens(day)} (all runs, day in UTC)")
    return lines


def _account(account: Account, tokens: int | None, usd: float | None) -> Balance:
    return {
        "tokens": _share(account.spent.tokens, account.held.tokens, tokens),
        "usd": _share(round(account.spent.usd, 6), round(account.held.usd, 6), usd),
        "price_unknown": account.spent.unpriced or account.held.unpriced,
    }


def _share(spent: float, reserved: float, cap: float | None) -> Balance:
    left = None if cap is None else max(0, round(cap - spent - reserved, 6))
    return {"spent": spent, "reserved": reserved, "cap": cap, "left": left}


def _money(found: Balance) -> str:
    said = _in_words(found["usd"], "${:.2f}")
    return f"{said} and what has no known price" if found["price_unknown"] else said


def _tokens(found: Balance) -> str:
    return _in_words(found["tokens"], "{:,}", "token")


def _minutes(share: Balance) -> str:
    return _in_words(share, "{:.0f}", "minute")


def _in_words(share: Balance, form: str, noun: str = "") -> str:
    said, last = form.format(share["spent"]), share["spent"]
    if share["cap"] is not None:
        said, last = f"{said} of {form.format(share['cap'])}", share["cap"]
    unit = f" {plural(round(last), noun)}" if noun else ""
    more = [f"{form.format(share['reserved'])} reserved"] if share["reserved"] else []
    more += [f"{form.format(share['left'])} left"] if share["left"] is not None else []
    return f"{said}{unit}" + (f" ({', '.join(more)})" if more else "")
