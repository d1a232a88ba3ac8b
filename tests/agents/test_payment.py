"""Each try of a call is paid for by itself; what nobody told the cost of stays reserved."""

from pathlib import Path

import pytest

from pipeline.agents.payment import Payment
from pipeline.agents.providers.faults import Fault, as_error
from pipeline.domain.base import utc_now
from pipeline.domain.results import Usage
from pipeline.errors import (
    BudgetSpent,
    NetworkProblem,
    Overloaded,
    PipelineError,
    QuotaReached,
    Stopped,
    TurnTimedOut,
)
from pipeline.safety.budget import Purse
from pipeline.settings import BudgetSettings
from pipeline.store.bill import Account, Amount
from tests.store.builders import open_book


def price(usage: Usage) -> float:
    return usage.input_tokens * 1e-6 + usage.cache_write_tokens * 2e-6 + usage.output_tokens * 1e-5


def unsent() -> NetworkProblem:
    error = NetworkProblem("no connection")
    error.may_be_billed = False
    return error


class Paying:
    """A payment out of a purse, and what the journal makes of it."""

    def __init__(self, folder: Path, **caps: float) -> None:
        (folder / "repo").mkdir()
        self.book = open_book(folder / "repo")
        self.purse = Purse(BudgetSettings.model_validate(caps), Usage(), 0.0)
        self.payment = Payment(
            self.book, self.purse, "planner", "I.1", "m", price, likely=1_000, most=10_000
        )

    @property
    def run(self) -> Account:
        return self.book.state.bill.run


def test_a_try_is_reserved_at_the_most_it_can_cost_and_settled_by_what_it_did(
    scratch: Path,
) -> None:
    paying = Paying(scratch)
    assert paying.payment.begin(20_000) == 20_000
    assert paying.run.held == Amount(30_000, 0.22)
    paying.payment.done(Usage(model="m", calls=1, input_tokens=4, output_tokens=5, usd=0.1))
    assert paying.run == Account(Amount(9, 0.1), Amount(0, 0.0))


@pytest.mark.parametrize(
    "error",
    [
        *(NetworkProblem("cut"), TurnTimedOut("late"), Stopped("stop")),
        as_error(Fault("anthropic", "busy", status=200, type="overloaded_error"), utc_now()),
    ],
)
def test_what_breaks_off_stays_reserved(scratch: Path, error: PipelineError) -> None:
    paying = Paying(scratch, usd=0.4)
    paying.payment.begin(20_000)
    paying.payment.broken(error)
    assert paying.run == Account(Amount(), Amount(30_000, 0.22))
    with pytest.raises(BudgetSpent, match=r"\$0\.00 of \$0\.40 are used, \$0\.22 reserved"):
        paying.purse.reserve(110_000, 20_000, price)


@pytest.mark.parametrize(
    "error",
    [
        *(unsent(), QuotaReached("used up", None)),
        as_error(Fault("anthropic", "busy", status=529, type="overloaded_error"), utc_now()),
    ],
)
def test_what_was_refused_or_never_sent_costs_nothing(scratch: Path, error: PipelineError) -> None:
    paying = Paying(scratch)
    paying.payment.begin(20_000)
    paying.payment.broken(error)
    assert paying.run == Account()


def test_another_try_is_reserved_beside_the_one_that_broke_off(scratch: Path) -> None:
    paying = Paying(scratch, usd=0.40)
    assert paying.payment.begin(20_000) == 20_000
    paying.payment.failed(NetworkProblem("cut"))
    with pytest.raises(BudgetSpent):  # of the same size or not at all: it is the same request
        paying.payment.again()
    paying.payment.broken(Overloaded("never sent"))
    kinds = [line.kind for line in paying.book.journal.lines()]
    assert kinds == ["call_begun", "call_settled"]


def test_another_try_after_a_refusal_finds_its_reserve_free(scratch: Path) -> None:
    paying = Paying(scratch, usd=0.22)
    assert paying.payment.begin(20_000) == 20_000
    paying.payment.failed(QuotaReached("soon", None))
    paying.payment.again()
    paying.payment.done(Usage(model="m", calls=1, usd=0.2))
    assert paying.run.spent.usd == 0.2
    assert paying.payment.used.calls == 1
