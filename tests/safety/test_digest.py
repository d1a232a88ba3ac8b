import pytest

from pipeline.domain.plan import Budget, ExecutionMode, PlanState
from pipeline.safety.digest import canonical, plan_digest
from tests.plans.nouns import approval, change, plan, solution, task

ONE = solution(1, task(1, change("a.py")))


def test_canonical_json_is_one_form():
    assert canonical({"b": [1, "ä"], "a": None}) == b'{"a":null,"b":[1,"\\u00e4"]}'
    with pytest.raises(ValueError, match="JSON"):
        canonical({"x": float("nan")})


def test_what_is_read_back_has_the_same_digest():
    again = type(ONE).model_validate_json(ONE.model_dump_json())
    same = type(plan()).model_validate_json(plan().model_dump_json())
    assert plan_digest(again, same) == plan_digest(ONE, plan())


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "something else"},
        {"goal": "another goal"},
        {"tasks": (task(1, change("b.py")),)},
        {"tasks": (task(1, change("a.py"), tests=["true"]),)},
        {"rollback": "none"},
        {"score": 0.5},
    ],
)
def test_every_word_of_the_solution_counts(changed):
    assert plan_digest(ONE.model_copy(update=changed), plan()) != plan_digest(ONE, plan())


@pytest.mark.parametrize(
    "changed",
    [
        {"mode": ExecutionMode.COMPETITION},
        {"risk": plan().risk.model_copy(update={"reasons": ()})},
        {"budget": Budget(tokens=5)},
        {"may_touch": ("**",)},
        {"grants": ("network",)},
    ],
)
def test_every_term_of_the_plan_counts(changed):
    assert plan_digest(ONE, plan().model_copy(update=changed)) != plan_digest(ONE, plan())


def test_what_is_decided_about_a_plan_is_no_part_of_it():
    decided = plan(PlanState.APPROVED, approval=approval(), deferred=True, state_reason="yes")
    assert plan_digest(ONE, decided) == plan_digest(ONE, plan())
