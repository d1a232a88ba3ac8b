"""Gate: nothing passes without a decision; rules decide first, then say what waits for a person."""

from collections.abc import Sequence

from pipeline.domain.plan import RiskLevel
from pipeline.domain.results import PlanningRecord
from pipeline.errors import PipelineError
from pipeline.events import ApprovedByRule, GateWaits, Notice
from pipeline.phases.work import Work
from pipeline.plans.standing import held_by
from pipeline.safety.auto_approval import flag_rule, matching_rule
from pipeline.settings import AutoRule


def gate(work: Work, auto_approve: RiskLevel | None = None) -> int:
    """Approve what rules approve and tell which plans wait for a person.

    `auto_approve`: the level of `--auto-approve`, a rule after those of the settings. Returns how
    many plans are no longer pending: they are approved, or go back to planning.
    """
    work.book.catch_up()
    rules = _rules(work, auto_approve)
    decided = sum(_decide(work, record, rules) for record in _waiting(work)) if rules else 0
    waiting = tuple(record.key for record in _waiting(work))
    if waiting and waiting != work.told_waiting:
        work.bus.emit(GateWaits(waiting))
    work.told_waiting = waiting
    return decided


def may_decide(work: Work, auto_approve: RiskLevel | None = None) -> bool:
    """Tell whether a rule approves a plan that waits."""
    rules = _rules(work, auto_approve)
    return bool(rules) and any(_rule_for(work, one.key, rules) for one in _waiting(work))


def _rules(work: Work, auto_approve: RiskLevel | None) -> list[AutoRule]:
    flagged = [flag_rule(auto_approve)] if auto_approve else []
    return [*work.settings.policy.auto_approve, *flagged]


def _waiting(work: Work) -> list[PlanningRecord]:
    """Return the plans that wait for a decision, in the backlog's order."""
    rows = [row for row in work.standings() if row.awaits_decision]
    return [row.record for row in rows if row.record is not None]


def _decide(work: Work, record: PlanningRecord, rules: Sequence[AutoRule]) -> int:
    """Approve one plan if a rule says so; return 1 when it is no longer pending."""
    with work.book.alone():
        rule = _rule_for(work, record.key, rules)
        if rule is None or record.plan is None:
            return 0
        try:
            work.desk.approve_by_rule(record, rule)
        except PipelineError as error:
            return _left(work, record.key, rule, str(error))
    work.bus.emit(ApprovedByRule(record.key, record.plan.risk.level, rule.name))
    return 1


def _rule_for(work: Work, key: str, rules: Sequence[AutoRule]) -> AutoRule | None:
    """Return the rule that approves a plan as it is now: a person may have decided meanwhile."""
    state = work.book.state
    record = state.planning.get(key)
    if record is None or record.solution is None or record.plan is None:
        return None
    if held_by(state, key) is not None:
        return None  # what a person is asked, no rule answers
    issue = work.backlog.find(record.issue_id)
    said = (*issue.feedback, *state.feedback.get(issue.id, ()))
    whole = issue.model_copy(update={"feedback": said})
    return matching_rule(rules, record.solution, record.plan, whole)


def _left(work: Work, key: str, rule: AutoRule, reason: str) -> int:
    """Say once why a rule could not approve a plan; return 1 when it goes back to planning."""
    if key not in work.told_unruled:
        work.told_unruled.add(key)
        work.bus.emit(Notice(f"the rule {rule.name!r} cannot approve: {reason}"))
    record = work.book.state.planning.get(key)
    pending = record is not None and record.plan is not None and record.plan.state == "pending"
    return 0 if pending else 1
