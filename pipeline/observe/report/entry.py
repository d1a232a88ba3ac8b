"""One issue of the report, from its standing and from what git and the disk still hold."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.domain.group import Group
from pipeline.domain.results import (
    CommandEvidence,
    ExecutionRecord,
    ExecutionStatus,
    PlanningRecord,
    Usage,
)
from pipeline.execution.kept_work import KeptWork, newest_of
from pipeline.git import FileChange
from pipeline.observe.report.concerns import notes_of
from pipeline.observe.report.facts import Check, Diff, FileDiff, Kept, Link, ReportEntry, Said
from pipeline.observe.report.steps import next_of
from pipeline.observe.report.words import line
from pipeline.plans.markdown import plan_path
from pipeline.plans.page import approver_of
from pipeline.plans.sanitize import clean
from pipeline.plans.standing import Standing
from pipeline.store.entries import RunOpened
from pipeline.store.state import State

PLAN = "plan"
"""How the link to an issue's plan is called."""


def _nothing_kept(_path: str) -> bool:
    return False


@dataclass(frozen=True)
class Ground:
    """What the report shows besides records."""

    changes: Mapping[str, tuple[FileChange, ...]] = field(default_factory=dict)
    """Commit -> how much of which file it changed."""
    patches: Mapping[str, str] = field(default_factory=dict)
    """Commit -> the change itself, where it is short."""
    work: Sequence[KeptWork] = ()
    """What is kept of attempts, oldest first."""
    foreign: Sequence[str] = ()
    """Commits on the run's branch that no record knows, newest first: hash and subject."""
    kept: Callable[[str], bool] = _nothing_kept
    """Tells whether a path below `.workflow/` is there."""


def make_entry(
    row: Standing, state: State, run: RunOpened | None, ground: Ground, *, is_past: bool = False
) -> ReportEntry:
    """Return the entry of one issue; `run` is the one that is told of.

    Of a past one only what has landed has a command to type next: the others may stand elsewhere.
    """
    record, attempt = row.record, row.attempt
    spent = state.spent_on.get(row.issue.id, Usage())
    after = tuple(_after(attempt, ground)) if attempt is not None else ()
    before = tuple(_checks(attempt, ground, "baseline")) if attempt is not None else ()
    return ReportEntry(
        issue_id=row.issue.id,
        title=line(row.issue.title),
        state=row.state,
        earlier=_is_earlier(row, run),
        solution_id=record.solution_id if record is not None else None,
        risk=record.plan.risk.level.value if record is not None and record.plan else None,
        reason=None if row.reason is None else line(row.reason),
        attempts=len(state.attempts(record.key)) if record is not None else 0,
        commit=attempt.commit_hash if attempt is not None else None,
        branch=attempt.branch if attempt is not None else None,
        diff=_diff(attempt, ground),
        files=tuple(map(line, attempt.files_modified)) if attempt is not None else (),
        tests_before=before,
        tests_after=after,
        claim=_claim(attempt),
        kept=_kept(attempt, ground),
        evidence=tuple(_evidence(attempt.verification.commands)) if attempt is not None else (),
        notes=tuple(map(line, [*_decided(record), *notes_of(attempt)])),
        unproven=row.group is Group.LANDED
        and attempt is not None
        and attempt.verification.is_unproven,
        started_at=attempt.started_at if attempt is not None else None,
        ended_at=attempt.executed_at if attempt is not None else None,
        seconds=attempt.duration_s if attempt is not None else 0.0,
        usd=spent.usd,
        tokens=spent.metered_tokens,
        spent=state.spent_by(row.issue.id),
        links=tuple(_links(row, ground)),
        conversation=f"pipeline logs --issue {row.issue.id}" if spent.calls else None,
        next=None if is_past and row.group is not Group.LANDED else next_of(row),
    )


def _is_earlier(row: Standing, run: RunOpened | None) -> bool:
    """Tell whether an issue had landed before the run that is told of, or outside any."""
    if row.group is not Group.LANDED:
        return False
    return row.attempt is None or run is None or row.attempt.run_id != run.run_id


def _checks(attempt: ExecutionRecord, ground: Ground, *stages: str) -> Iterator[Check]:
    for one in attempt.verification.commands:
        if one.stage in stages:
            yield _check(one, ground)


def _after(attempt: ExecutionRecord, ground: Ground) -> Iterator[Check]:
    """Yield what ran on the change: the tests of its tasks, then those of the whole."""
    for task in attempt.tasks:
        yield from (_check(one, ground) for one in task.commands)
    yield from _checks(attempt, ground, "acceptance", "suite")


def _check(one: CommandEvidence, ground: Ground) -> Check:
    return Check(
        stage=one.stage,
        task_id=one.task_id,
        command=line(one.command),
        passed=one.passed,
        exit_code=one.exit_code,
        timed_out=one.timed_out,
        tests=one.tests.ran if one.tests is not None else None,
        seconds=one.duration_s,
        output=one.output_path if one.output_path and ground.kept(one.output_path) else None,
    )


def _diff(attempt: ExecutionRecord | None, ground: Ground) -> Diff | None:
    found = ground.changes.get(attempt.commit_hash or "") if attempt is not None else None
    if attempt is None or found is None:
        return None
    text = ground.patches.get(attempt.commit_hash or "")
    return Diff(
        files=tuple(map(_file_diff, found)),
        added=sum(one.added or 0 for one in found),
        deleted=sum(one.deleted or 0 for one in found),
        text=None if text is None else clean(text),
    )


def _file_diff(one: FileChange) -> FileDiff:
    return FileDiff(path=line(one.path), added=one.added, deleted=one.deleted)


def _claim(attempt: ExecutionRecord | None) -> Said | None:
    said = attempt.claim if attempt is not None else None
    if said is None:
        return None
    differs = None if said.contradicts is None else line(said.contradicts)
    return Said(status=said.status, summary=line(said.summary), contradicts=differs)


def _kept(attempt: ExecutionRecord | None, ground: Ground) -> Kept | None:
    """Return what is kept of an attempt that did not land."""
    if attempt is None or attempt.status is ExecutionStatus.COMPLETED:
        return None
    found = newest_of(ground.work, attempt)
    if found is None:
        return None
    name = attempt.execution_result_id
    return Kept(
        kind=found.kind,
        ref=found.ref,
        commit=found.commit,
        command=f"pipeline restore {name} --into ../{name}",
    )


def _evidence(commands: Iterable[CommandEvidence]) -> Iterator[str]:
    for one in commands:
        outcome = "passed" if one.passed else f"exit {one.exit_code}"
        yield line(f"{one.stage}: {one.command}: {outcome} ({one.duration_s:.1f} s)")


def _decided(record: PlanningRecord | None) -> list[str]:
    """Return which rule approved the plan, where no person did."""
    approval = record.plan.approval if record is not None and record.plan is not None else None
    if approval is None or approval.rule is None:
        return []
    return [f"approved by {approver_of(approval)}"]


def _links(row: Standing, ground: Ground) -> Iterator[Link]:
    """Yield what there is to read on, as far as it is still there."""
    for label, path in _readings(row):
        if path and ground.kept(path):
            yield Link(label=label, path=path)


def _readings(row: Standing) -> Iterator[tuple[str, str | None]]:
    record, attempt = row.record, row.attempt
    if record is not None and record.solution is not None:
        yield PLAN, f"plans/{plan_path(Path(), record).name}"
    if attempt is not None:
        yield "outputs of commands", f"outputs/{attempt.execution_result_id}"
        yield "changes set aside", attempt.quarantine
