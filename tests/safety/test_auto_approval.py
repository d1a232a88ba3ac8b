import pytest

from pipeline.domain.issue import Feedback
from pipeline.domain.plan import PlanRisk, PlanState, RiskLevel
from pipeline.domain.solution import Operation, Privilege
from pipeline.errors import PipelineError
from pipeline.plans.lifecycle import PlanEvent, advance
from pipeline.safety.auto_approval import flag_rule, matching_rule
from pipeline.safety.gate import Cleared, Returned
from pipeline.settings import AutoRule
from tests.plans.nouns import NOW, change, issue, plan, solution, step, task
from tests.safety.world import World

MEMBER = {"author_trust": "member", "labels": ["docs"]}
FILES = (change("docs/a.md", "create"), change("docs/b.md", "create"))
STEPS = [step("create_file", "docs/a.md"), step("create_file", "docs/b.md")]
LOW = PlanRisk(level=RiskLevel.LOW)


def said(kind):
    return Feedback.model_validate(
        {"type": kind, "stage": "gate", "content": "words", "created_at": NOW}
    )


def rule(**conditions):
    return AutoRule.model_validate({"name": "docs"} | conditions)


def matches(one, *, made=None, envelope=None, asked=None):
    """Tell whether a rule approves a LOW plan of two files and two steps by a member."""
    made = made or solution(1, task(1, *FILES, steps=STEPS))
    found = matching_rule([one], made, envelope or plan(risk=LOW), asked or issue(1, **MEMBER))
    assert found in (one, None)
    return found is one


# each condition: one rule that holds for the plan, one that does not

CONDITIONS = {
    "max_risk": ({"max_risk": "LOW"}, None),
    "labels": ({"labels": ["chore", "docs"]}, {"labels": ["chore"]}),
    "paths": ({"paths": ["docs/**"]}, {"paths": ["docs/a.md", "src/**"]}),
    "max_files": ({"max_files": 2}, {"max_files": 1}),
    "max_steps": ({"max_steps": 2}, {"max_steps": 1}),
    "trust": ({"trust": ["member"]}, {"trust": ["owner"]}),
}


def test_every_condition_of_a_rule_is_tried():
    assert set(CONDITIONS) == set(AutoRule.model_fields) - {"name"}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_rule_approves_where_its_condition_holds_and_nowhere_else(condition):
    holds, fails = CONDITIONS[condition]
    assert matches(rule(**holds))
    assert fails is None or not matches(rule(**fails))


def test_all_that_a_rule_says_has_to_hold():
    assert matches(rule(labels=["docs"], max_files=2))
    assert not matches(rule(labels=["docs"], max_files=1))
    assert not matches(rule(labels=["chore"], max_files=2))


@pytest.mark.parametrize("level", list(RiskLevel))
@pytest.mark.parametrize("most", list(RiskLevel))
def test_a_rule_approves_up_to_its_risk(level, most):
    envelope = plan(risk=PlanRisk(level=level))
    assert matches(rule(max_risk=most), envelope=envelope) is (level.rank <= most.rank)


def test_the_risk_as_it_is_seen_now_counts_too():
    riskier = solution(1, task(1, change(".github/workflows/ci.yml")))
    assert not matches(rule(max_risk="HIGH"), made=riskier)
    assert matches(rule(max_risk="CRITICAL"), made=riskier)


def test_the_first_rule_that_matches_decides():
    rules = [rule(name="small", max_files=1), rule(name="docs"), rule(name="all")]
    made = solution(1, task(1, *FILES))
    found = matching_rule(rules, made, plan(risk=LOW), issue(1, **MEMBER))
    assert found is rules[1]
    assert matching_rule([], made, plan(risk=LOW), issue(1, **MEMBER)) is None


@pytest.mark.parametrize("trust", ["owner", "member", "contributor", "none"])
def test_the_flag_trusts_owners_and_members_alone(trust):
    asked = issue(1, author_trust=trust)
    assert matches(flag_rule(RiskLevel.LOW), asked=asked) is (trust in ("owner", "member"))


def test_a_stranger_who_commented_counts_like_the_author():
    comment = said("comment").model_copy(update={"author": "x", "author_trust": "none"})
    assert not matches(flag_rule(RiskLevel.LOW), asked=issue(1, feedback=[comment], **MEMBER))


ALL = rule(max_risk="CRITICAL", trust=["owner", "member", "contributor", "none"])


@pytest.mark.parametrize(
    "envelope",
    [
        plan(PlanState.APPROVED, risk=LOW),
        plan(PlanState.REJECTED, risk=LOW),
        plan(PlanState.STALE, risk=LOW),
        plan(risk=LOW, deferred=True),
        plan(risk=LOW, warnings=("look at this",)),
        plan(risk=LOW, grants=("install",)),
    ],
)
def test_no_rule_approves_what_does_not_wait_or_asks_for_attention(envelope):
    assert not matches(ALL, envelope=envelope)


@pytest.mark.parametrize("operation", list(Operation))
def test_no_rule_grants_a_privilege(operation):
    made = solution(1, task(1, *FILES), privileges=[Privilege(operation=operation)])
    assert not matches(ALL, made=made)


def test_no_rule_answers_a_question():
    assert not matches(ALL, made=solution(1, task(1, *FILES), clarifying_questions=("Which?",)))


@pytest.mark.parametrize(
    ("kind", "by_rule"),
    [
        ("changes", False),
        ("rejection", False),
        ("comment", True),
        ("clarification", True),
        ("drift", True),
        ("failure", True),
    ],
)
def test_what_a_person_turned_down_or_sent_back_stays_with_people(kind, by_rule):
    assert matches(ALL, asked=issue(1, feedback=[said(kind)])) is by_rule


# signed by a rule, checked by the gate


@pytest.fixture
def world(scratch):
    return World(scratch)


def approved_by(world, one, *changes, level=RiskLevel.LOW):
    """Record a plan of a level that was computed earlier, approved by a rule."""
    pending = world.plan(1, *changes, risk=PlanRisk(level=level))
    given = world.gate.sign(pending, after=(), approver=world.approver, rule=one)
    assert pending.plan is not None
    approved = advance(pending.plan, PlanEvent.APPROVE, now=world.now, approval=given)
    world.decide(1, approved)
    return given


def test_a_rules_approval_is_signed_with_its_name_and_its_limit(world):
    given = approved_by(world, rule(), change("new.py", "create"))
    assert (given.rule, given.rule_max_risk) == ("docs", RiskLevel.LOW)
    assert isinstance(world.check(1), Cleared)


@pytest.mark.parametrize(
    "changes", [{"rule": None}, {"rule": "other"}, {"rule_max_risk": RiskLevel.CRITICAL}]
)
def test_neither_name_nor_limit_can_be_changed_afterwards(world, changes):
    given = approved_by(world, rule(), change("new.py", "create"))
    envelope = world.current(1).plan
    forged = given.model_copy(update=changes)
    world.decide(1, envelope.model_copy(update={"approval": forged}))
    assert world.check(1) == Returned(
        "its approval is not signed with this user's key for this repository"
    )


def test_a_plan_whose_risk_rose_above_its_rule_waits_again(world):
    approved_by(world, rule(), change("a.py"))
    assert world.check(1) == Returned(
        "its risk is MEDIUM now, and the rule 'docs' approves up to LOW"
    )


def test_a_person_who_approved_a_plan_whose_risk_rose_stands_by_it(world):
    world.plan(1, change("a.py"), risk=LOW)
    world.approve(1)
    assert isinstance(world.check(1), Cleared)


def test_a_rule_signs_nothing_above_its_limit(world):
    pending = world.plan(1, change("a.py"), risk=PlanRisk(level=RiskLevel.HIGH))
    with pytest.raises(PipelineError, match="is HIGH: the rule 'docs' approves up to LOW"):
        world.gate.sign(pending, after=(), approver=world.approver, rule=rule())
