"""What a plan is said to cost: from what landed here, with its span, or that nothing is known."""

from pipeline.domain.plan import Budget
from pipeline.plans.cost import Cost, predicted_cost


def test_a_cost_without_history_is_the_cap() -> None:
    assert predicted_cost([], 3, Budget()) == (
        "no history yet: nothing has landed here; stopped at 100,000 tokens or 30 minutes"
    )


def test_a_cost_is_the_middle_of_what_landed_and_its_span() -> None:
    known = [Cost(1_234, 0.1, 2), Cost(5_678, 0.2, 4), Cost(91_011, 3.0, 60)]
    assert predicted_cost(known, 9, Budget(), 1.5) == (
        "about 5,700 tokens, $0.20, 4 min (3 landed here, 1,200 to 91,000); "
        "stopped at 100,000 tokens ($1.50 if all were output) or 30 minutes"
    )


def test_where_cost_went_with_size_a_larger_plan_is_said_to_cost_more() -> None:
    known = [Cost(10_000, 0.1, 2, 2), Cost(21_000, 0.2, 4, 4), Cost(38_000, 0.4, 8, 8)]
    small, large = (predicted_cost(known, size, Budget()) for size in (2, 10))
    assert small.startswith(
        "about 10,000 tokens, $0.10, 2 min for its size (3 landed here, 9,500 to 10,000)"
    )
    assert large.startswith(
        "about 50,000 tokens, $0.50, 10 min for its size (3 landed here, 48,000 to 52,000)"
    )


def test_where_cost_did_not_go_with_size_size_is_not_used() -> None:
    known = [Cost(20_000, 0.2, 2, 8), Cost(21_000, 0.2, 2, 2), Cost(22_000, 0.2, 2, 4)]
    assert predicted_cost(known, 2, Budget()) == predicted_cost(known, 30, Budget())
    assert "for its size" not in predicted_cost(known, 2, Budget())


def test_two_landed_plans_say_nothing_of_size() -> None:
    known = [Cost(10_000, 0.1, 2, 2), Cost(20_000, 0.2, 4, 4)]
    assert "about 15,000 tokens" in predicted_cost(known, 40, Budget())
