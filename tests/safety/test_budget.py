import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.domain.results import Usage
from pipeline.errors import BudgetSpent, IssueBudgetSpent
from pipeline.safety.budget import MIN_OUTPUT, Purse
from pipeline.settings import BudgetSettings

WISH = 64_000


def price(usage):
    """One dollar a million input tokens, ten a million output tokens."""
    return usage.input_tokens / 1e6 + usage.output_tokens / 1e5


def unknown(_usage):
    return None


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


def purse(spent=None, clock=None, **caps):
    clock = clock or Clock()
    return Purse(BudgetSettings(**caps), spent or Usage(), clock(), clock)


def used(output, *, read=0, usd=0.0, **more):
    return Usage(calls=1, input_tokens=read, output_tokens=output, usd=usd, **more)


def test_without_caps_a_call_gets_what_it_wishes():
    assert purse().reserve(10**9, WISH, unknown) == WISH


def test_a_fresh_plan_pays_for_a_call_that_wishes_much():
    mine = purse()
    mine.open_issue(100_000, None, 30)
    assert mine.reserve(6_000, WISH, price) == WISH
    mine.settle(used(30_000, read=20_000))
    assert mine.reserve(6_000, WISH, price) == 44_000


def test_the_wish_is_lowered_to_what_is_left():
    mine = purse(tokens=100_000)
    mine.reserve(10_000, WISH, price)
    mine.settle(used(50_000, read=20_000))
    assert mine.reserve(10_000, WISH, price) == 20_000


def test_below_the_least_answer_the_run_stops():
    mine = purse(tokens=100_000)
    mine.settle(used(80_000, read=10_000))
    assert mine.reserve(2_000, WISH, price) == MIN_OUTPUT
    with pytest.raises(BudgetSpent) as caught:
        mine.reserve(2_001, WISH, price)
    assert str(caught.value) == (
        "the run's budget is spent: 90,000 of 100,000 tokens are used, "
        "and the next call may take 10,001; raise budget.tokens to go on"
    )


def test_a_call_that_wishes_little_needs_little():
    mine = purse(tokens=10_000)
    mine.settle(used(8_000))
    assert mine.reserve(500, 1_000, price) == 1_000


def test_only_metered_tokens_count():
    mine = purse(tokens=100_000)
    mine.settle(used(1_000, read=2_000, cache_read_tokens=10**6, cache_write_tokens=3_000))
    assert mine.used_tokens == 6_000


def test_the_issue_is_spent_and_the_run_goes_on():
    mine = purse(tokens=10**6)
    mine.open_issue(20_000, None, None)
    mine.settle(used(15_000))
    with pytest.raises(IssueBudgetSpent, match=r"the plan's budget is spent: 15,000 of 20,000"):
        mine.reserve(1_000, WISH, price)
    mine.close_issue()
    assert mine.reserve(1_000, WISH, price) == WISH
    mine.open_issue(20_000, None, None)
    assert mine.reserve(1_000, WISH, price) == 19_000
    assert mine.used_tokens == 15_000


def test_money_lowers_the_wish_and_then_stops():
    mine = purse(usd=1.0)
    mine.settle(used(0, usd=0.7))
    assert mine.reserve(100_000, WISH, price) == pytest.approx(20_000, abs=1)
    mine.settle(used(0, usd=0.25))
    with pytest.raises(
        BudgetSpent, match=r"\$0\.95 of \$1\.00 are used, .*\$0\.08; raise budget\.usd"
    ):
        mine.reserve(0, WISH, price)


def test_money_of_a_plan_is_its_own():
    mine = purse(usd=10.0)
    mine.open_issue(None, 0.1, None)
    mine.settle(used(0, usd=0.09))
    with pytest.raises(IssueBudgetSpent, match=r"\$0\.09 of \$0\.10"):
        mine.reserve(0, WISH, price)


def test_input_that_money_cannot_pay_for_stops_the_run():
    with pytest.raises(BudgetSpent):
        purse(usd=0.05).reserve(60_000, WISH, price)


def test_a_price_that_is_not_known_stops_or_counts_tokens_alone():
    with pytest.raises(BudgetSpent, match=r"price is not known: set budget\.unknown_price"):
        purse(usd=1.0, unknown_price="stop").reserve(0, WISH, unknown)
    counting = purse(usd=1.0, tokens=50_000, unknown_price="count")
    assert counting.reserve(0, WISH, unknown) == 50_000
    assert purse(unknown_price="stop").reserve(0, WISH, unknown) == WISH


def test_money_of_known_price_still_counts_beside_an_unknown_one():
    mine = purse(usd=1.0)
    mine.settle(used(10, usd=None))
    mine.settle(used(0, usd=0.99))
    with pytest.raises(BudgetSpent):
        mine.reserve(0, WISH, price)


@pytest.mark.parametrize(("issue", "error"), [(True, IssueBudgetSpent), (False, BudgetSpent)])
def test_minutes_pass(issue, error):
    clock = Clock()
    mine = purse(clock=clock, minutes=None if issue else 30)
    mine.open_issue(None, None, 30 if issue else None)
    clock.now += 30 * 60 - 1
    assert mine.reserve(0, WISH, price) == WISH
    clock.now += 1
    with pytest.raises(error, match="30 minutes have passed"):
        mine.reserve(0, WISH, price)


def test_time_in_which_nobody_works_does_not_count():
    clock = Clock()
    mine = purse(clock=clock, minutes=30)
    clock.now += 8 * 3600
    mine.leave_out(8 * 3600)
    assert mine.worked_s == 0
    clock.now += 30 * 60 - 1
    assert mine.reserve(0, WISH, price) == WISH
    clock.now += 1
    with pytest.raises(BudgetSpent, match="30 minutes have passed"):
        mine.reserve(0, WISH, price)


def test_waiting_counts_neither_for_the_run_nor_for_the_issue():
    clock = Clock()
    mine = purse(clock=clock, minutes=30)
    mine.open_issue(None, None, 20)
    with mine.idle():
        clock.now += 8 * 3600
    assert mine.worked_s == 0
    clock.now += 20 * 60 - 1
    assert mine.reserve(0, WISH, price) == WISH
    clock.now += 1
    with pytest.raises(IssueBudgetSpent, match="20 minutes have passed"):
        mine.reserve(0, WISH, price)


def test_waiting_counts_for_the_run_while_another_thread_works():
    clock = Clock()
    mine = purse(clock=clock)
    with ThreadPoolExecutor(1) as other:
        mine.open_issue(None, None, None)
        other.submit(mine.open_issue, None, None, None).result()
        with mine.idle():
            clock.now += 60
            other.submit(mine.close_issue).result()  # from here on nobody works
            clock.now += 3600
    assert mine.worked_s == 60


def test_a_restart_goes_on_where_the_run_was():
    mine = purse(spent=Usage(output_tokens=95_000, usd=3.0), tokens=100_000)
    assert mine.used_tokens == 95_000
    assert mine.used_usd == 3.0
    with pytest.raises(BudgetSpent):
        mine.reserve(0, WISH, price)


def test_what_is_booked_only_grows_and_a_reserve_is_given_back():
    mine = purse(tokens=100_000)
    seen = []
    for usage in (used(5), Usage(), used(0, read=7), Usage(usd=None)):
        mine.reserve(10, WISH, price)
        mine.settle(usage)
        seen.append(mine.used_tokens)
    assert seen == [5, 5, 12, 12]
    assert mine.reserve(0, 10**6, price) == 100_000 - 12


def test_calls_at_the_same_time_share_what_is_left():
    mine = purse(tokens=100_000)
    assert mine.reserve(6_000, WISH, price) == WISH
    found = []
    other = threading.Thread(target=lambda: found.append(mine.reserve(2_000, WISH, price)))
    other.start()
    other.join()
    assert found == [28_000]


def test_the_minutes_of_earlier_processes_count():
    clock = Clock()
    mine = Purse(BudgetSettings(minutes=10), Usage(), clock() - 9 * 60, clock)
    mine.reserve(0, WISH, price)
    clock.now += 60
    with pytest.raises(BudgetSpent, match="10 minutes have passed"):
        mine.reserve(0, WISH, price)


def test_money_booked_before_a_call_of_unknown_price_still_counts_after_a_restart():
    before = Usage(calls=2, output_tokens=5, usd=None)
    mine = Purse(BudgetSettings(usd=1.0), before, 0.0, Clock(), spent_usd=0.75)
    assert mine.used_usd == 0.75


def test_a_new_run_starts_with_a_full_purse():
    clock = Clock()
    mine = Purse(BudgetSettings(tokens=50_000), used(49_000), clock(), clock)
    mine.open_run()
    assert mine.used_tokens == 0
    assert mine.reserve(0, WISH, price) == 50_000


def test_a_call_waits_for_what_another_thread_has_reserved_and_does_not_use():
    mine, waited = purse(tokens=40_000), []

    def settle_the_other() -> None:
        waited.append("the run's tokens are all reserved")
        settling.start()
        settling.join()

    mine.rest = settle_the_other
    taken, back = threading.Event(), threading.Event()

    def other() -> None:
        mine.reserve(0, WISH, price)
        taken.set()
        back.wait()
        mine.settle(used(5_000))

    holding = threading.Thread(target=other)
    settling = threading.Thread(target=lambda: (back.set(), holding.join()))
    holding.start()
    taken.wait()
    assert mine.reserve(0, WISH, price) == 35_000
    assert len(waited) == 1


def test_each_thread_pays_for_an_issue_of_its_own():
    mine, found = purse(), []
    mine.open_issue(50_000, None, None)

    def other() -> None:
        mine.open_issue(20_000, None, None)
        found.append(mine.reserve(0, WISH, price))
        mine.settle(used(15_000))
        mine.close_issue()

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert found == [20_000]
    assert mine.reserve(0, WISH, price) == 50_000
