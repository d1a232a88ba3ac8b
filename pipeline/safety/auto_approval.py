"""Rules that approve plans without a person: the first that matches decides, none means a person.

Never by a rule: a plan that asks for a privilege, that validation warns of, that leaves a question
open, or whose issue a person has sent back or turned down once. What a person looked at and did not
want stays with people, and what asks for attention gets it.
"""

from collections.abc import Iterable

from pipeline.domain.issue import Issue
from pipeline.domain.plan import Plan, PlanState, RiskLevel
from pipeline.domain.solution import Solution
from pipeline.plans.globs import matches_any
from pipeline.safety.authority import current_risk
from pipeline.settings import AutoRule

FLAG = "--auto-approve"

SENT_BACK = frozenset({"changes", "rejection"})
"""Feedback that says that a person has looked at a plan of the issue and did not want it."""


def flag_rule(level: RiskLevel) -> AutoRule:
    """Return the rule that `--auto-approve LEVEL` stands for: by risk and trust alone."""
    return AutoRule(name=f"{FLAG} {level}", max_risk=level)


def matching_rule(
    rules: Iterable[AutoRule], solution: Solution, plan: Plan, issue: Issue
) -> AutoRule | None:
    """Return the first rule that approves a plan that waits, or None: then a person decides.

    `issue` carries all that was said about it, what people decided here included.
    """
    if needs_a_person(solution, plan, issue):
        return None
    return next((rule for rule in rules if _matches(rule, solution, plan, issue)), None)


def needs_a_person(solution: Solution, plan: Plan, issue: Issue) -> bool:
    """Tell whether no rule may approve a plan, whatever the rule says."""
    waits = plan.state is PlanState.PENDING and not plan.deferred
    return (
        not waits
        or bool(solution.privileges or plan.grants or plan.warnings)
        or bool(solution.clarifying_questions)
        or any(said.type in SENT_BACK for said in issue.feedback)
    )


def _matches(rule: AutoRule, solution: Solution, plan: Plan, issue: Issue) -> bool:
    steps = sum(len(task.steps) for task in solution.tasks)
    return (
        plan.risk.level.rank <= rule.max_risk.rank
        and issue.least_trust in rule.trust
        and (not rule.labels or not set(rule.labels).isdisjoint(issue.labels))
        and (not rule.paths or all(matches_any(path, rule.paths) for path in solution.paths))
        and (rule.max_files is None or len(solution.paths) <= rule.max_files)
        and (rule.max_steps is None or steps <= rule.max_steps)
        and current_risk(solution, plan).rank <= rule.max_risk.rank
    )
