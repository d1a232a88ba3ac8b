"""Whether an approval comes from who may give it: role, privileges, the rule that gave it.

to sign      the approver's role, the plan's grants, the rule's highest risk
to count     the same again, with the roles and the risk as they are now
"""

from collections.abc import Mapping

from pipeline.domain.plan import Approval, Plan, RiskLevel, Role
from pipeline.domain.solution import Solution
from pipeline.plans.privileges import with_article
from pipeline.plans.risk import assess
from pipeline.safety.policy import Approver, Need, needed_role, role_of, ungrantable
from pipeline.settings import AutoRule, Settings


def need_of(solution: Solution, plan: Plan, required: Mapping[RiskLevel, Role]) -> Need:
    """Return the role that a plan needs, and what it is that needs it."""
    return needed_role(plan.risk.level, solution.privileges, required)


def current_risk(solution: Solution, plan: Plan) -> RiskLevel:
    """Return the risk as it was computed for the plan, or as it is now if that is higher."""
    return max(plan.risk.level, assess(solution).level, key=lambda level: level.rank)


def why_not_sign(
    solution: Solution, plan: Plan, approver: Approver, rule: AutoRule | None, settings: Settings
) -> str | None:
    """Return why `approver`, or `rule` in their name, cannot approve a plan; else None.

    What comes back goes on from the plan's name: `is HIGH: a maintainer has to ...`.
    """
    if refused := ungrantable(solution.privileges):
        return f"asks for what nobody can grant: {refused}"
    if set(plan.grants) != {asked.name for asked in solution.privileges}:
        return "would be granted other privileges than it asks for: `pipeline request-changes`"
    need = need_of(solution, plan, settings.policy.required)
    if approver.role.rank < need.role.rank:
        who = f"{approver.name!r} is {approver.role}"
        return f"{need.because}: {with_article(need.role)} has to approve it, and {who}"
    if rule is not None and plan.risk.level.rank > rule.max_risk.rank:
        return f"is {plan.risk.level}: the rule {rule.name!r} approves up to {rule.max_risk}"
    return None


def why_not_count(
    solution: Solution, plan: Plan, approval: Approval, settings: Settings
) -> str | None:
    """Return why an approval does not count, as roles and risk are now; else None."""
    if refused := ungrantable(solution.privileges):
        return f"it asks for what nobody can grant: {refused}"
    need = need_of(solution, plan, settings.policy.required)
    lacks = f"it {need.because} and needs {with_article(need.role)}"
    if approval.role.rank < need.role.rank:
        return f"{lacks}; {with_article(approval.role)} approved it"
    now = role_of(approval.approver, settings.roles)
    if now.rank < need.role.rank:
        return f"{lacks}; {approval.approver!r}, who approved it, is {now} now"
    return _risk_rose(solution, plan, approval)


def _risk_rose(solution: Solution, plan: Plan, approval: Approval) -> str | None:
    """Return that a plan is riskier than the rule that approved it allows; else None."""
    if approval.rule is None:
        return None
    level, most = current_risk(solution, plan), approval.rule_max_risk
    if most is not None and level.rank <= most.rank:
        return None
    return f"its risk is {level} now, and the rule {approval.rule!r} approves up to {most}"
