"""Plans, as plain functions: what the command line uses, and any other program may.

    desk = open_desk("/path/to/repository")
    for record in list_plans(desk, state=PlanState.PENDING):
        approve(desk, record.key, comment="read and understood")

Each function takes the desk first, returns frozen models of `pipeline.domain`, and raises kinds of
`PipelineError` (`pipeline.errors`) with one line for a person. A run may be at work in another
process: what is decided here is recorded under the journal's lock, and picked up there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.app.deciding import open_desk
from pipeline.domain.issue import Issue
from pipeline.domain.plan import PlanState, RiskLevel
from pipeline.domain.results import PlanningRecord
from pipeline.errors import PipelineError
from pipeline.plans.ordering import backlog_problems
from pipeline.plans.outcomes import Outcome, outcome_of
from pipeline.plans.standing import standings
from pipeline.plans.waiting import waiting
from pipeline.safety import authoring
from pipeline.safety.authoring import Content, PlanRefused
from pipeline.safety.decisions import Again, Desk, Left
from pipeline.store.outside import write_outside
from pipeline.store.state import State

__all__ = [
    "Approved",
    "Content",
    "Desk",
    "Left",
    "Outcome",
    "PlanRefused",
    "Retried",
    "approve",
    "approve_matching",
    "create",
    "defer",
    "export",
    "get",
    "list_plans",
    "matching",
    "open_desk",
    "refused",
    "reject",
    "request_changes",
    "retry",
    "retry_all",
    "supersede",
    "update",
]

Form = Literal["text", "md", "json"]
"""A reviewer's page, an ExecPlan, or the planning record."""


@dataclass(frozen=True)
class Approved:
    """What came of approving by risk and label."""

    records: tuple[PlanningRecord, ...]
    left: tuple[Left, ...]
    """Plans that wait on, each with its reason."""


@dataclass(frozen=True)
class Retried:
    """What came of taking up all issues of a class."""

    again: dict[str, Again]
    """Issue id -> which phase takes it up."""
    left: dict[str, str]
    """Issue id -> why it was not taken up."""


def create(desk: Desk, issue_id: str, solution: Content) -> PlanningRecord:
    """Record a plan that a person, or another program, wrote for an issue; it is pending.

    `solution` is a `Solution`, or its fields by name as `planning-results.json` has them; the ids
    are given here. It is checked like an agent's, and supersedes the issue's plan before it. Its
    base is the open run's tip, else HEAD; no run is opened. Raises `PlanRefused`, with a line for
    each problem, for what cannot be a plan; `PipelineError` when the issue is closed, has landed,
    or an agent works on it now.
    """
    return authoring.create(desk, issue_id, solution)


def get(desk: Desk, name: str) -> PlanningRecord:
    """Return the plan with this solution id, or the current one of this issue id."""
    with desk.book.alone():
        return desk.find(name)


def list_plans(
    desk: Desk, *, state: PlanState | None = None, issue_id: str | None = None
) -> list[PlanningRecord]:
    """Return the current plans in the backlog's order; with `issue_id`, all of that issue's.

    `state` keeps those in that state; superseded ones are found by their issue alone.
    """
    with desk.book.alone():
        known = desk.book.state
        if issue_id is not None:
            keys = list(known.plan_keys(desk.issue(issue_id).id))
        else:
            keys = [key for one in desk.issues() if (key := known.current_key(one.id)) is not None]
        envelopes = {key: known.planning.plan(key) for key in keys}
        return [
            known.planning[key]
            for key, plan in envelopes.items()
            if plan is not None and (state is None or plan.state is state)
        ]


def update(desk: Desk, solution_id: str, changes: Content) -> PlanningRecord:
    """Record an edit of an issue's current plan as its next plan, pending; the old is superseded.

    `changes` names the fields of the solution that are different; the others stay. A plan is never
    changed in place: an approval of the old one is void. Where nothing differs, the plan is
    returned as it is. Raises as `create` does, and for a plan that is superseded or being executed.
    """
    return authoring.update(desk, solution_id, changes)


def approve(
    desk: Desk, *solution_ids: str, comment: str = "", stamp: str = ""
) -> list[PlanningRecord]:
    """Sign pending plans, all of them or none; one that is approved already stays as it is.

    `stamp`: how `desk.stamp` of the plan has to begin, for a decision about what was shown earlier.
    Raises when one is not pending, has gone stale, needs a higher role, or has another stamp.
    """
    records = [get(desk, name) for name in dict.fromkeys(solution_ids)]
    return desk.approve_all(records, comment=comment, stamp=stamp)


def matching(
    desk: Desk, *, max_risk: RiskLevel | None = None, labels: Sequence[str] = ()
) -> Approved:
    """Return the pending, not deferred plans up to a risk whose issues have all of the labels.

    In the queue's order; the rest is in `left`, each with its reason. Nothing is approved.
    """
    with desk.book.alone():
        issues, state = desk.issues(), desk.book.state
        known = {issue.id: issue for issue in issues}
        keys, left = [], _deferred(issues, state)
        for item in waiting(issues, state):
            plan = state.planning.plan(item.key)
            if plan is None:
                continue
            missing = [one for one in labels if one not in known[item.issue_id].labels]
            if max_risk is not None and plan.risk.level.rank > max_risk.rank:
                left.append(Left(item.key, f"above {max_risk}"))
            elif missing:
                left.append(Left(item.key, f"not labelled {', '.join(missing)}"))
            else:
                keys.append(item.key)
        return Approved(tuple(state.planning[key] for key in keys), tuple(left))


def refused(desk: Desk, record: PlanningRecord) -> str | None:
    """Return why a plan could not be approved as things are, or None; nothing is recorded."""
    try:
        desk.require_approvable(record, desk.brief(record))
    except PipelineError as error:
        return str(error)
    return None


def approve_matching(
    desk: Desk,
    *,
    max_risk: RiskLevel | None = None,
    labels: Sequence[str] = (),
    comment: str = "",
) -> Approved:
    """Sign the plans that `matching` finds; one that cannot be signed is left, with the reason."""
    with desk.book.alone():
        found = matching(desk, max_risk=max_risk, labels=labels)
        signed, left = desk.approve_what_can_be(found.records, comment=comment)
        return Approved(tuple(signed), (*found.left, *left))


def reject(desk: Desk, solution_id: str, reason: str) -> PlanningRecord:
    """Turn a plan down; only `retry`, or a plan of your own, takes its issue up again."""
    return desk.reject(get(desk, solution_id), reason=reason)


def request_changes(desk: Desk, solution_id: str, what: str) -> PlanningRecord:
    """Send a plan back to the Planning agent with words; at most `gate.change_rounds` times."""
    return desk.request_changes(get(desk, solution_id), what=what)


def defer(desk: Desk, solution_id: str, *, deferred: bool = True) -> PlanningRecord:
    """Set a pending or approved plan aside, or take it up again."""
    return desk.defer(get(desk, solution_id), deferred=deferred)


def retry(desk: Desk, issue_id: str, *, feedback: str = "") -> Again:
    """Take an issue up again; return which phase does (`plan` or `execute`)."""
    with desk.book.alone():
        return desk.retry(issue_id, feedback=feedback)


def retry_all(desk: Desk, outcome: Outcome, *, feedback: str = "") -> Retried:
    """Take up again every issue that came to `outcome`, in the backlog's order.

    One that cannot be taken up is left, with the reason. The desk should be a patient one, and
    its book flushed afterwards: else the documents are rendered for each issue.
    """
    with desk.book.alone():
        issues, state = list(desk.issues()), desk.book.state
        rows = standings(issues, state, backlog_problems(issues))
        again: dict[str, Again] = {}
        left: dict[str, str] = {}
        for row in rows:
            if outcome_of(row) is not outcome:
                continue
            try:
                again[row.issue.id] = desk.retry(row.issue.id, feedback=feedback)
            except PipelineError as error:
                left[row.issue.id] = str(error)
        return Retried(again, left)


def supersede(desk: Desk, solution_id: str, by: str) -> PlanningRecord:
    """Retire an earlier plan of an issue in favour of its current one, `by`.

    `create` and `update` do it by themselves; this is for one that was left rejected or stale. To
    go back to an earlier plan, `create` another one with its text.
    """
    return desk.supersede(get(desk, solution_id), by=get(desk, by))


def export(desk: Desk, solution_id: str, form: Form = "md", path: str | Path | None = None) -> str:
    """Return a plan as text in one of the forms; with `path`, also write it there.

    What `policy.lock_previews` locks is left out until the plan is approved.
    """
    text = desk.render(get(desk, solution_id), form)
    if path is not None:
        write_outside(desk.places, Path(path), text)
    return text


def _deferred(issues: Sequence[Issue], state: State) -> list[Left]:
    """Return the plans that nothing but their own name approves."""
    keys = [key for issue in issues if (key := state.current_key(issue.id)) and not issue.closed]
    plans = [(key, state.planning.plan(key)) for key in keys]
    return [
        Left(key, "deferred")
        for key, plan in plans
        if plan is not None and plan.deferred and plan.state is PlanState.PENDING
    ]
