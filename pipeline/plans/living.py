"""The sections of an ExecPlan that live: filled from what happened, never from what was hoped.

Progress                    the plan's state, and its tasks: ticked when they have landed
Surprises & Discoveries     what attempts found out, each with its evidence
Decision Log                what was decided about the plan, by whom, and why
Outcomes & Retrospective    what each attempt came to, as the pipeline saw it
(the bottom)                one note for each change of the plan
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from pipeline.domain.counting import counted
from pipeline.domain.plan import Approval, Plan, PlanState
from pipeline.domain.results import ExecutionRecord, ExecutionStatus, PlanningRecord
from pipeline.domain.solution import Solution
from pipeline.plans.lifecycle import PlanEvent
from pipeline.plans.page import approver_of, moment
from pipeline.plans.prose import code, line_of, prose, sentence
from pipeline.store.past import Change, Past

TURNED_DOWN = frozenset({PlanState.REJECTED, PlanState.STALE, PlanState.SUPERSEDED})
NO_REASON = "none was given."
DEFERRAL = "defer"


def _approved(change: Change) -> str:
    given = change.plan.approval
    return f"approved{_as_what(given)}" if given else "approved"


DECIDED: dict[str, Callable[[Change], str]] = {
    PlanEvent.START_DRAFTING: lambda _: "written anew",
    PlanEvent.SUBMIT: lambda _: "handed in for a decision",
    PlanEvent.APPROVE: _approved,
    PlanEvent.REJECT: lambda _: "rejected",
    PlanEvent.REQUEST_CHANGES: lambda _: "sent back for changes",
    PlanEvent.SUPERSEDE: lambda _: "given up for another plan",
    PlanEvent.DRIFT: lambda _: "stale, so it is planned again",
    PlanEvent.EXPIRE: lambda _: "pending again, as its approval does not count",
    PlanEvent.WITHDRAW: lambda _: "pending again, as its approval was taken back",
    PlanEvent.WIDEN: lambda _: "pending again, as its work went beyond it",
    PlanEvent.PARK: lambda _: "still pending, and waited for no longer",
    DEFERRAL: lambda change: "set aside for later" if change.plan.deferred else "taken up again",
}
"""What a change of a plan made of it, by the journal's word for the change."""


def progress(record: PlanningRecord, solution: Solution, plan: Plan, past: Past) -> Iterator[str]:
    """Yield the checklist."""
    items = [_done(record.planned_at, f"Planned as {record.key}.")]
    if plan.approval:
        items.append(_done(plan.approval.decided_at, f"Approved by {_approver(plan.approval)}."))
    elif plan.state in TURNED_DOWN:
        items.append(_done(plan.updated_at, f"The plan became {plan.state}."))
    else:
        items.append("- [ ] Approved.")
    last = past.attempts[-1] if past.attempts else None
    landed = last is not None and last.status is ExecutionStatus.COMPLETED
    for task in solution.tasks:
        said = f"{task.id}: {line_of(task.title)}"
        reached = last is not None and _reached(last, task.id)
        if last is not None and landed and reached:
            items.append(_done(last.executed_at, said))
        elif last is not None and reached:
            items.append(
                f"- [ ] {said} (completed: it passed in attempt {last.attempt}; "
                "remaining: that attempt did not stay)"
            )
        else:
            items.append(f"- [ ] {said}")
    if last is not None and landed:
        items.append(_done(last.executed_at, "Landed as one tested change."))
    else:
        items.append("- [ ] Landed.")
    if last is not None and last.rollback is not None:
        items.append(_done(last.rollback.at, "Rolled back: it had landed, and was undone."))
    yield "\n".join(items)


def surprises(past: Past) -> Iterator[str]:
    """Yield what attempts found out."""
    found = [item for attempt in past.attempts for item in _discoveries(attempt)]
    yield "\n".join(found) or "None so far."


def decisions(record: PlanningRecord, solution: Solution, plan: Plan, past: Past) -> Iterator[str]:
    """Yield the decision log."""
    log = [
        _decision(
            f"carry the issue out in {_tasks(solution)}, risk {plan.risk.level}",
            solution.approach,
            f"{moment(record.planned_at)}, {line_of(plan.created_by)}",
        )
    ]
    log += [
        _decision(_what(change), _why(change), f"{moment(change.at)}, {_who(change.by)}")
        for change in past.changes
    ]
    log += [
        _decision("rolled back", one.reason, f"{moment(one.at)}, {_who(one.by)}")
        for attempt in past.attempts
        if (one := attempt.rollback) is not None
    ]
    if not past.changes and plan.approval:
        given = plan.approval
        who = f"{moment(given.decided_at)}, {_approver(given)}"
        log.append(_decision(f"approved{_as_what(given)}", given.comment, who))
    elif _is_unexplained(plan, past):
        when = moment(plan.updated_at)
        why = plan.state_reason or ""
        log.append(_decision(f"the plan is {plan.state}", why, f"{when}, the pipeline"))
    yield "\n".join(log)
    if plan.risk.reasons:
        yield f"The risk comes from: {'; '.join(line_of(one) for one in plan.risk.reasons)}."
    yield from _known_before(record, past)


def outcomes(past: Past) -> Iterator[str]:
    """Yield what each attempt came to."""
    if not past.attempts:
        yield "Not carried out yet."
    for attempt in past.attempts:
        yield _ending(attempt)
        ran = attempt.verification.commands
        if ran:
            yield "The pipeline ran these itself; the number is the exit code:"
            yield code("\n".join(f"{one.exit_code:>3}  {one.command}" for one in ran))
        if attempt.verification.note:
            yield f"What qualifies it: {sentence(attempt.verification.note)}"
    last = past.attempts[-1] if past.attempts else None
    if last and last.claim and last.claim.summary:
        yield f"The agent says: {prose(last.claim.summary)}"
    if last and last.claim and last.claim.contradicts:
        yield f"The evidence contradicts it: {sentence(last.claim.contradicts)}"


def revision_notes(record: PlanningRecord, plan: Plan, past: Past) -> Iterator[str]:
    """Yield a note for each change of the plan, oldest first."""
    known = [one.content for one in past.feedback if one.created_at <= record.planned_at]
    why = known[-1] if known else "the issue had no plan"
    notes = [
        (
            record.planned_at,
            f"planned, attempt {record.attempt} for {record.issue_id}, because: {sentence(why)}",
        )
    ]
    for change in past.changes:
        why = _why(change)
        notes.append((change.at, f"{_what(change)}{f', because: {sentence(why)}' if why else '.'}"))
    for attempt in past.attempts:
        notes.append(
            (
                attempt.executed_at,
                f"attempt {attempt.attempt} ended {_state(attempt)}, so Progress, Surprises & "
                "Discoveries and Outcomes & Retrospective say what came of it.",
            )
        )
    if _is_unexplained(plan, past):
        reason = sentence(plan.state_reason or "") or "the pipeline knows no more of it."
        notes.append((plan.updated_at, f"the plan is {plan.state}, because: {reason}"))
    notes.sort(key=lambda note: note[0])
    for when, what in notes:
        yield f"Revision note ({moment(when)}): {what}"


def _tasks(solution: Solution) -> str:
    return counted(len(solution.tasks), "task")


def _done(when: datetime, what: str) -> str:
    return f"- [x] ({moment(when)}) {what}"


def _reached(attempt: ExecutionRecord, task_id: str) -> bool:
    return any(task.id == task_id and task.status == "completed" for task in attempt.tasks)


def _discoveries(attempt: ExecutionRecord) -> Iterator[str]:
    name = f"attempt {attempt.attempt}"
    if attempt.error:
        yield _observed(f"{name} failed ({attempt.failure_class})", attempt.error)
    if attempt.too_narrow:
        paths = ", ".join(f"`{path}`" for path in attempt.too_narrow)
        yield _observed(f"{name} needed files that the plan does not name", paths)
    if attempt.quarantine:
        kept = f"the patch is kept at `{attempt.quarantine}`"
        yield _observed("changes outside the plan were set aside", kept)
    seen = attempt.verification
    if seen.weaker_tests:
        said = "; ".join(map(str, seen.weaker_tests))
        yield _observed(f"in {name} tests say less than before", line_of(said))
    if seen.flaky:
        evidence = f"failed and passed on the same tree: {', '.join(seen.flaky)}"
        yield _observed(f"{name} met flaky tests", line_of(evidence))
    if seen.failed_before:
        evidence = f"they fail without the change too: {', '.join(seen.failed_before)}"
        yield _observed(f"{name} is not blamed for tests that failed before", line_of(evidence))
    if attempt.findings:
        said = "; ".join(map(str, attempt.findings))
        yield _observed(f"the change of {name} is more than text in planned files", line_of(said))
    if attempt.recovered:
        evidence = f"commit {attempt.commit_hash} carries its id"
        yield _observed(f"{name} landed before a crash, and was recorded from git", evidence)
    if attempt.ignored_commits:
        evidence = f"{counted(attempt.ignored_commits, 'commit')} found there, and none was used"
        yield _observed(f"in {name} commits were made inside the workspace", evidence)
    if attempt.claim and attempt.claim.contradicts:
        said = attempt.claim.contradicts
        yield _observed(f"the agent's word on {name} is not what was seen", said)


def _observed(what: str, evidence: str) -> str:
    return f"- Observation: {what}.\n  Evidence: {sentence(evidence)}"


def _decision(what: str, why: str, who: str) -> str:
    return f"- Decision: {what}.\n  Rationale: {sentence(why) or NO_REASON}\n  Date/Author: {who}."


def _what(change: Change) -> str:
    words = DECIDED.get(change.event)
    return words(change) if words else line_of(change.event.replace("_", " "))


def _why(change: Change) -> str:
    given = change.plan.approval if change.event == PlanEvent.APPROVE else None
    return given.comment if given else change.plan.state_reason or ""


def _who(by: str) -> str:
    return "the pipeline" if by in ("", "gate") else line_of(by)


def _as_what(given: Approval) -> str:
    most = f", which goes up to {given.rule_max_risk}" if given.rule_max_risk else ""
    rule = f" by the rule {line_of(given.rule)!r}{most}," if given.rule is not None else ""
    return f"{rule} as {given.role}, until {moment(given.expires_at)}"


def _approver(given: Approval) -> str:
    return line_of(approver_of(given))


def _is_unexplained(plan: Plan, past: Past) -> bool:
    """Tell whether the plan became what it is by no change that is known: it was superseded."""
    known = past.changes[-1].plan.state if past.changes else PlanState.PENDING
    return plan.state is not known and plan.approval is None


def _known_before(record: PlanningRecord, past: Past) -> Iterator[str]:
    for one in past.feedback:
        if one.created_at <= record.planned_at:
            yield f"Known before it was planned ({one.type}): {sentence(one.content)}"


def _state(attempt: ExecutionRecord) -> str:
    return attempt.status.replace("_", " ")


def _ending(attempt: ExecutionRecord) -> str:
    text = f"Attempt {attempt.attempt} ended {_state(attempt)} at {moment(attempt.executed_at)}."
    if attempt.status is ExecutionStatus.COMPLETED and attempt.commit_hash:
        where = f" on `{line_of(attempt.branch)}`" if attempt.branch else ""
        text += f" It is commit {attempt.commit_hash}{where}."
    if (undone := attempt.rollback) is not None:
        text += f" It was commit {attempt.commit_hash}, until commit {undone.commit} undid it"
        text += f" at {moment(undone.at)}{f': {sentence(undone.reason)}' if undone.reason else '.'}"
    return text
