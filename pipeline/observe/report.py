"""The report: what came of the backlog, from records alone; JSON for programs, Markdown for people.

landed / needs you / parked / turned down / failed / not started
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pydantic import Field, JsonValue

from pipeline.agents.spawning import GOES_ON
from pipeline.domain.base import Noun, Time
from pipeline.domain.group import Group
from pipeline.domain.issue import IssueState
from pipeline.domain.results import (
    ExecutionRecord,
    FailureClass,
    PlanningRecord,
    Usage,
    Verification,
)
from pipeline.plans.page import approver_of
from pipeline.plans.prose import prose
from pipeline.plans.sanitize import clean
from pipeline.plans.standing import Standing
from pipeline.sandbox import LACKS
from pipeline.store.balance import Caps, balance, in_words
from pipeline.store.state import State
from pipeline.store.tally import Tally

NO_CAPS = Caps()


class ReportEntry(Noun):
    """One issue in the report, with the evidence for its place."""

    issue_id: str
    title: str
    state: str
    solution_id: str | None = None
    risk: str | None = None
    reason: str | None = None
    commit: str | None = None
    files: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    """Each line: command, outcome, seconds."""
    notes: tuple[str, ...] = ()
    """What qualifies the outcome: a contradicted claim, a quarantine, a recovery."""
    usd: float | None = None
    tokens: int = 0
    next: str | None = None
    """The command to type next."""


class Conversations(Noun):
    """What was folded and summed up in the run, and where caches fell."""

    folds: int = 0
    fold_usd: float | None = 0.0
    summaries: int = 0
    failed_summaries: int = 0
    cache_falls: dict[str, int] = Field(default_factory=dict)
    """Cause -> how often."""


class Report(Noun):
    """The whole report."""

    written_at: Time
    exit_code: int | None = None
    run_id: str | None = None
    branch: str | None = None
    base_commit: str | None = None
    sandbox: str
    rehearsal: bool = False
    usage: Usage
    budget: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    """What is spent, reserved and left of run and day, as `status --json` says it."""
    conversations: Conversations
    groups: dict[str, tuple[ReportEntry, ...]]
    holds: tuple[str, ...] = ()
    """What waits for a person besides single issues: a checkpoint, enough plans, a live run."""
    remarks: tuple[str, ...] = ()


def make_report(
    rows: Sequence[Standing],
    state: State,
    *,
    now: datetime,
    sandbox: str,
    code: int | None,
    holds: Sequence[str] = (),
    caps: Caps = NO_CAPS,
) -> Report:
    """Gather the report from the journal's state; `rows` are the standings of the backlog."""
    run = state.run or (state.runs[-1] if state.runs else None)
    groups = {
        group.value: tuple(_entry(row, state) for row in rows if row.group is group)
        for group in Group
    }
    return Report(
        written_at=now,
        exit_code=code,
        run_id=run.run_id if run else None,
        branch=run.branch if run else None,
        base_commit=run.base_commit if run else None,
        sandbox=run.sandbox if run else sandbox,
        rehearsal=run.rehearsal if run else False,
        usage=state.spent,
        budget=balance(state.bill, caps, now.astimezone(UTC).date().isoformat()),
        conversations=_conversations(state.tally),
        groups=groups,
        holds=tuple(holds),
        remarks=tuple(_remarks(run.sandbox if run else sandbox, state)),
    )


def _conversations(tally: Tally) -> Conversations:
    return Conversations(
        folds=tally.folds,
        fold_usd=tally.fold_usd,
        summaries=tally.summaries,
        failed_summaries=tally.failed_summaries,
        cache_falls=dict(tally.falls),
    )


def _entry(row: Standing, state: State) -> ReportEntry:
    record, attempt = row.record, row.attempt
    spent = state.spent_on.get(row.issue.id, Usage())
    risk = record.plan.risk.level.value if record is not None and record.plan is not None else None
    return ReportEntry(
        issue_id=row.issue.id,
        title=clean(row.issue.title, one_line=True),
        state=row.state,
        solution_id=record.solution_id if record is not None else None,
        risk=risk,
        reason=None if row.reason is None else clean(row.reason, one_line=True),
        commit=attempt.commit_hash if attempt is not None else None,
        files=_cleaned(attempt.files_modified) if attempt is not None else (),
        evidence=_cleaned(_evidence(attempt.verification)) if attempt is not None else (),
        notes=_cleaned([*_decided(record), *(_notes(attempt) if attempt else ())]),
        usd=spent.usd,
        tokens=spent.metered_tokens,
        next=_next(row),
    )


def _cleaned(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(clean(line, one_line=True) for line in lines)


def _evidence(verification: Verification) -> list[str]:
    return [
        f"{one.stage}: {one.command}: "
        f"{'passed' if one.passed else f'exit {one.exit_code}'} ({one.duration_s:.1f} s)"
        for one in verification.commands
    ]


def _decided(record: PlanningRecord | None) -> list[str]:
    """Return which rule approved the plan, where no person did."""
    approval = record.plan.approval if record is not None and record.plan is not None else None
    if approval is None or approval.rule is None:
        return []
    return [f"approved by {approver_of(approval)}"]


def _notes(attempt: ExecutionRecord) -> list[str]:
    notes = []
    if attempt.claim is not None and attempt.claim.contradicts:
        notes.append(f"the agent {attempt.claim.contradicts}")
    if attempt.quarantine:
        notes.append(f"unplanned changes set aside in .workflow/{attempt.quarantine}")
    if made := attempt.ignored_commits:
        commits = "1 commit" if made == 1 else f"{made} commits"
        notes.append(f"{commits} made in the workspace ignored: the pipeline makes its own")
    if attempt.rollback is not None:
        notes.append(f"taken back by commit {attempt.rollback.commit[:10]}")
    if attempt.recovered:
        notes.append("adopted from git after a crash")
    if attempt.verification.note:
        notes.append(attempt.verification.note)
    return notes


def _next(row: Standing) -> str | None:
    """Return the command that a person types next for this issue, if there is one."""
    solution = row.record.solution_id if row.record is not None else None
    match row.group:
        case Group.NEEDS_YOU if row.awaits_decision:
            return f"pipeline show {solution}"
        case Group.NEEDS_YOU if solution:
            return f"pipeline plan {row.issue.id}"
        case Group.NEEDS_YOU:
            return f'pipeline retry {row.issue.id} --feedback "your answers"'
        case Group.FAILED:
            return f'pipeline retry {row.issue.id} --feedback "what to do differently"'
        case Group.PARKED:
            return _next_of_parked(row)
        case Group.NOT_STARTED:
            return "pipeline run"
        case Group.LANDED | Group.TURNED_DOWN:
            return None


def _next_of_parked(row: Standing) -> str | None:
    """Return what takes a parked issue up again; nothing when it waits for another one."""
    last = row.attempt or row.record
    failure = last.failure_class if last is not None else None
    if row.record is not None and row.record.plan is not None and row.record.plan.deferred:
        return f"pipeline defer --undo {row.record.key}"
    if row.state is IssueState.BLOCKED and failure is not FailureClass.INFRASTRUCTURE:
        return None
    if row.state is IssueState.BLOCKED or failure is FailureClass.BUDGET:
        return f"pipeline retry {row.issue.id}"
    return "pipeline run"


WEAKER = {
    "none": "No sandbox: agents' commands and tests ran unconfined.",
    "landlock": f"A weaker sandbox than bubblewrap: commands ran without {'; '.join(LACKS)}.",
}


def _remarks(sandbox: str, state: State) -> list[str]:
    remarks = []
    if sandbox in WEAKER:
        remarks.append(WEAKER[sandbox])
    for provider, quota in state.quotas.items():
        until = f" until {quota.until}" if quota.until else ""
        remarks.append(f"The quota of {provider} is used up{until}.")
    again = Counter((one.role, one.reason) for one in state.respawned if one.reason != GOES_ON)
    for (role, reason), times in again.items():
        often = f" ({times} times)" if times > 1 else ""
        remarks.append(f"The {role} agent was spawned again{often}: {reason}.")
    return remarks + _conversation_remarks(state.tally)


def _conversation_remarks(tally: Tally) -> list[str]:
    """Say what was folded and summed up, and where caches answered for less than they should."""
    remarks = []
    if tally.folds:
        money = "" if tally.fold_usd is None else f", cached again for {tally.fold_usd:.2f} USD"
        remarks.append(f"Ledgers folded: {tally.folds}{money}.")
    if tally.summaries or tally.failed_summaries:
        failed = f", {tally.failed_summaries} more could not be" if tally.failed_summaries else ""
        remarks.append(f"Turns summed up because they grew too long: {tally.summaries}{failed}.")
    if tally.falls:
        causes = ", ".join(f"{cause}: {times}" for cause, times in tally.falls.most_common())
        remarks.append(
            f"Caches answered for less than expected {tally.falls.total()} times ({causes})."
        )
    return remarks


def to_markdown(report: Report) -> str:
    """Render the report for a person."""
    lines = ["# Report", ""]
    if report.run_id:
        base = (report.base_commit or "")[:10]
        lines += [f"Run {report.run_id} on branch `{report.branch}`, from {base}.", ""]
    counts = [f"{len(entries)} {name}" for name, entries in report.groups.items() if entries]
    lines += [", ".join(counts) + "." if counts else "The backlog is empty.", ""]
    lines += [_bill(report.usage), ""]
    lines += [line for said in _budget(report) for line in (said, "")]
    lines += [f"Sandbox: {report.sandbox}.", ""]
    if report.rehearsal:
        lines += ["This was a rehearsal against the stand-in model server.", ""]
    lines += [line for hold in report.holds for line in (f"{hold[0].upper()}{hold[1:]}.", "")]
    lines += [line for remark in report.remarks for line in (remark, "")]
    for name, entries in report.groups.items():
        if entries:
            lines += [f"## {name.capitalize()}", ""]
            lines += [line for entry in entries for line in _entry_lines(entry)]
    return "\n".join(lines).rstrip() + "\n"


def _bill(usage: Usage) -> str:
    money = "price unknown" if usage.usd is None else f"{usage.usd:.2f} USD"
    cached = usage.cache_read_tokens
    return (
        f"Model calls: {usage.calls}; {money}; {usage.metered_tokens:,} tokens, "
        f"and {cached:,} read from the cache."
    )


def _budget(report: Report) -> list[str]:
    return [f"{line[0].upper()}{line[1:]}." for line in in_words(report.budget)]


def _entry_lines(entry: ReportEntry) -> list[str]:
    risk = f" ({entry.risk} risk)" if entry.risk else ""
    lines = [f"### {entry.issue_id}: {prose(entry.title)}", ""]
    if entry.solution_id:
        lines.append(f"- Plan {entry.solution_id}{risk}")
    if entry.reason:
        lines.append(f"- {prose(entry.reason)}")
    if entry.commit:
        lines.append(f"- Commit {entry.commit[:10]}: {prose(', '.join(entry.files))}")
    lines += [f"- {prose(line)}" for line in (*entry.evidence, *entry.notes)]
    if entry.tokens:
        money = "price unknown" if entry.usd is None else f"{entry.usd:.2f} USD"
        lines.append(f"- Cost: {money}, {entry.tokens:,} tokens")
    if entry.next:
        lines.append(f"- Next: `{entry.next}`")
    return [*lines, ""]
