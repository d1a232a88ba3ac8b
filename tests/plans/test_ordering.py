from datetime import timedelta

import pytest

from pipeline.domain.plan import PlanState
from pipeline.plans.ordering import (
    Queue,
    backlog_problems,
    can_hit,
    earlier_records,
    execution_order,
    find_problems,
    planning_order,
)
from tests.plans.nouns import NOW, approved, issue, plan, record


def order(*issues):
    return [one.id for one in planning_order(issues)]


def keys(records):
    return [one.key.removeprefix("SOL-ISS-").removesuffix("-1") for one in records]


def test_dependencies_come_first():
    assert order(issue(1, depends_on=["ISS-2"]), issue(2, depends_on=["ISS-3"]), issue(3)) == [
        "ISS-3",
        "ISS-2",
        "ISS-1",
    ]


def test_among_the_ready_ones_priority_decides():
    assert order(issue(1, priority=4), issue(2), issue(3, priority=1)) == [
        "ISS-3",
        "ISS-2",
        "ISS-1",
    ]


def test_a_dependency_inherits_the_best_priority_of_what_waits_for_it():
    found = order(
        issue(1, priority=2),
        issue(2, priority=5),
        issue(3, priority=4, depends_on=["ISS-2"]),
        issue(4, priority=1, depends_on=["ISS-3"]),
    )
    assert found == ["ISS-2", "ISS-3", "ISS-4", "ISS-1"]


def test_what_is_done_hands_no_priority_down():
    done = issue(3, priority=1, depends_on=["ISS-2"], status="completed")
    found = order(issue(1), issue(2, priority=4), done)
    assert found.index("ISS-1") < found.index("ISS-2")


def test_what_is_done_waits_for_nothing_and_holds_nothing_up():
    missing = issue(1, depends_on=["ISS-9"], status="completed")
    circle = issue(2, depends_on=["ISS-3"], status="completed")
    waiting = [issue(3, depends_on=["ISS-2"]), issue(4, depends_on=["ISS-1"])]

    assert backlog_problems([missing, circle, *waiting]) == {}
    assert set(order(missing, circle, *waiting)) == {"ISS-1", "ISS-2", "ISS-3", "ISS-4"}


def test_then_age_decides_and_then_the_place_in_the_file():
    old, new = NOW - timedelta(days=2), NOW
    assert order(issue(1, created_at=new), issue(2, created_at=old)) == ["ISS-2", "ISS-1"]
    assert order(issue(2), issue(1)) == ["ISS-2", "ISS-1"]


def test_a_cycle_is_named_along_its_arrows():
    issues = [
        issue(1, depends_on=["ISS-2"]),
        issue(2, depends_on=["ISS-3"]),
        issue(3, depends_on=["ISS-1"]),
        issue(4),
    ]
    assert find_problems(issues) == ["issues wait for each other: ISS-1 -> ISS-2 -> ISS-3 -> ISS-1"]
    assert order(*issues) == ["ISS-4"]


def test_every_cycle_is_named():
    issues = [
        issue(1, depends_on=["ISS-1"]),
        issue(2, depends_on=["ISS-3"]),
        issue(3, depends_on=["ISS-2"]),
    ]
    assert find_problems(issues) == [
        "issues wait for each other: ISS-1 -> ISS-1",
        "issues wait for each other: ISS-2 -> ISS-3 -> ISS-2",
    ]


def test_a_missing_dependency_is_named_and_blocks_what_waits_for_it():
    issues = [issue(1, depends_on=["ISS-9"]), issue(2, depends_on=["ISS-1"]), issue(3)]
    assert find_problems(issues) == ["ISS-1 depends on ISS-9, which is not in the backlog"]
    assert backlog_problems(issues) == {
        "ISS-1": "depends on ISS-9, which is not in the backlog",
        "ISS-2": "depends on ISS-1, which is blocked",
    }
    assert order(*issues) == ["ISS-3"]


def test_a_long_chain_is_ordered():
    chain = [issue(1), *(issue(n, depends_on=[f"ISS-{n - 1}"]) for n in range(2, 3_000))]
    assert order(*reversed(chain))[0] == "ISS-1"


@pytest.mark.parametrize(
    ("first", "second", "hits"),
    [
        (record(1, "a.py"), record(2, "a.py"), True),
        (record(1, "a.py"), record(2, "b.py"), False),
        (record(1, "a.py", plan=plan(may_touch=["tests/**"])), record(2, "tests/x/t.py"), True),
        (record(1, "tests/t.py"), record(2, "a.py", plan=plan(may_touch=["tests/**"])), False),
        (record(1, "a.py", plan=plan(may_touch=["*.lock"])), record(2, "uv.lock"), True),
    ],
)
def test_a_plan_hits_another_by_its_files_or_its_globs(first, second, hits):
    assert can_hit(first, second) is hits


ISSUES = [issue(1), issue(2), issue(3)]


def earlier(mine, *others, issues=ISSUES, landed=()):
    return keys(before(mine, others, issues, landed))


def before(mine, others, issues, landed=()):
    """Return the plans before `mine`, of those that can touch its files."""
    hitting = [one for one in others if one.key != mine.key and can_hit(one, mine)]
    return earlier_records(mine, hitting, Queue(issues), landed)


def test_earlier_are_the_plans_before_it_in_the_queue_that_share_a_path():
    one, two, three = record(1, "a.py"), record(2, "b.py"), record(3, "a.py", "b.py")
    everything = (one, two, three)
    assert earlier(three, *everything) == ["1", "2"]
    assert earlier(two, *everything) == []
    assert earlier(one, *everything) == []


@pytest.mark.parametrize(
    "state", [PlanState.REJECTED, PlanState.SUPERSEDED, PlanState.STALE, PlanState.DRAFTING]
)
def test_a_plan_that_will_not_run_is_not_earlier(state):
    assert earlier(record(2, "a.py"), record(1, "a.py", plan=plan(state))) == []


def test_a_plan_that_landed_is_earlier_wherever_it_stands():
    later = approved(3, "a.py", after=("SOL-ISS-1-1",))
    assert earlier(record(1, "a.py"), later, landed={"SOL-ISS-3-1"}) == ["3"]


def test_a_plan_approved_without_knowing_this_one_runs_before_it():
    assert earlier(record(1, "a.py"), approved(3, "a.py")) == ["3"]
    assert earlier(record(1, "a.py"), approved(3, "a.py", after=("SOL-ISS-1-1",))) == []


def test_what_waits_for_this_issue_is_never_earlier():
    issues = [issue(1), issue(2, priority=1, depends_on=["ISS-1"])]
    assert earlier(record(1, "a.py"), approved(2, "a.py"), issues=issues) == []


def test_execution_follows_the_queue():
    found = execution_order([approved(2, "b.py"), approved(1, "a.py")], ISSUES)
    assert keys(found) == ["1", "2"]


def test_only_approved_plans_that_have_not_landed_run():
    records = [
        record(1, "a.py"),
        approved(2, "b.py"),
        approved(3, "c.py", deferred=True),
        approved(4, "d.py"),
    ]
    assert keys(execution_order(records, [*ISSUES, issue(4)], {"SOL-ISS-4-1"})) == ["2"]


def test_a_plan_runs_before_a_sharing_one_that_its_reviewer_was_not_shown():
    issues = [issue(1, priority=1), issue(2)]
    urgent = approved(1, "a.py", after=("SOL-ISS-2-1",))
    assert keys(execution_order([urgent, approved(2, "a.py")], issues)) == ["2", "1"]
    assert keys(execution_order([urgent, approved(2, "b.py")], issues)) == ["1", "2"]


def test_dependencies_go_before_every_other_rule():
    issues = [issue(1), issue(2, depends_on=["ISS-1"])]
    first = approved(1, "a.py", after=("SOL-ISS-2-1",))
    assert keys(execution_order([approved(2, "a.py"), first], issues)) == ["1", "2"]


def test_a_dependency_counts_over_an_issue_without_a_plan():
    issues = [issue(1), issue(2, depends_on=["ISS-1"]), issue(3, priority=1, depends_on=["ISS-2"])]
    assert keys(execution_order([approved(3, "c.py"), approved(1, "a.py")], issues)) == ["1", "3"]


def test_plans_approved_without_each_other_run_in_the_order_of_the_queue():
    assert keys(execution_order([approved(2, "a.py"), approved(1, "a.py")], ISSUES)) == ["1", "2"]


def test_the_order_of_what_was_shown_and_the_order_of_running_agree():
    """Whatever is approved first: nobody runs after a plan that it did not name."""
    issues = [issue(1, priority=3), issue(2, priority=1), issue(3, priority=2)]
    pending = {n: record(n, "CHANGELOG.md") for n in (1, 2, 3)}
    for number in (3, 1, 2):
        shown = before(pending[number], pending.values(), issues)
        names = tuple(one.key for one in shown)
        pending[number] = approved(number, "CHANGELOG.md", after=names)
    ran = execution_order(pending.values(), issues)
    for place, one in enumerate(ran):
        named = {earlier.solution_id for earlier in one.plan.approval.after}
        assert {before.key for before in ran[:place]} <= named


def test_many_plans_are_ordered_quickly():
    issues = [issue(n) for n in range(1, 301)]
    globs = ("**/tests/**", "**/*.lock")
    records = [approved(n, f"src/{n}.py", "CHANGELOG.md", may_touch=globs) for n in range(1, 301)]
    assert len(execution_order(records, issues)) == 300
