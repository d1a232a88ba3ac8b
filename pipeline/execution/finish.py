"""The end of an attempt: land what was verified, keep what failed, write the record.

verified tree -> commit -> journal intent -> compare-and-swap of the run branch -> record
                               |
                               `-- the branch has moved: adopt, or move the change there,
                                   check drift, verify everything again (at most twice)
"""

from pipeline.clocks import elapsed
from pipeline.domain.counting import counted
from pipeline.domain.results import (
    Claim,
    Commit,
    ExecutionRecord,
    ExecutionStatus,
    FailureClass,
    TaskOutcome,
    Usage,
)
from pipeline.events import AttemptFailed, Landed
from pipeline.execution import land
from pipeline.execution.asking import ask
from pipeline.execution.attempt import Attempt
from pipeline.execution.evidence import failures_in_words, is_good
from pipeline.execution.site import Site
from pipeline.git import changed_paths, find_attempt, one_line
from pipeline.safety.gate import Cleared
from pipeline.store import entries

MOVES = 2
"""How often a change is moved to a branch tip that somebody else has moved."""

KEPT_FOR_RECOVERY = frozenset(
    {FailureClass.QUOTA, FailureClass.INTERRUPTED, FailureClass.INFRASTRUCTURE}
)


def finish(site: Site, attempt: Attempt, cleared: Cleared, usage: Usage) -> ExecutionRecord:
    """Land the attempt if nothing speaks against it, and make its record durable."""
    record: ExecutionRecord | None = None
    if attempt.failure is None:
        record = _land(site, attempt, cleared, usage)
    if record is None:
        record = _record(site, attempt, usage)
        _keep_work(site, attempt, record)
    site.book.record(entries.AttemptRecorded(record=record))
    ask(site, record)
    if record.status is ExecutionStatus.COMPLETED:
        assert record.commit_hash is not None
        files = len(record.files_modified)
        site.bus.emit(Landed(record.issue_id, record.solution_id, record.commit_hash, files))
    else:
        failure, reason = record.failure_class or FailureClass.AGENT, record.error or ""
        site.bus.emit(AttemptFailed(record.issue_id, record.solution_id, failure, reason))
    return record


def _land(site: Site, attempt: Attempt, cleared: Cleared, usage: Usage) -> ExecutionRecord | None:
    """Move the run branch to the verified change; None when that failed (`attempt.failure`)."""
    assert attempt.fenced is not None
    tree, base = attempt.fenced.tree, attempt.begun.base_commit
    message = land.commit_message(
        attempt.solution,
        run_id=site.run.run_id,
        attempt_id=attempt.begun.attempt_id,
    )
    for move in range(MOVES + 1):
        if reason := land.in_the_way(site.repo, site.run.branch):
            attempt.fail(FailureClass.INFRASTRUCTURE, f"parked: {reason}")
            return None
        commit = land.make_commit(site.repo, tree=tree, base=base, message=message, when=site.now())
        record = _record(site, attempt, usage, commit=commit, base=base, message=message)
        site.book.record(
            entries.LandingBegun(
                solution_id=record.solution_id,
                attempt_id=record.attempt_id,
                commit=commit,
                expected=base,
                record=record,
            )
        )
        outcome = land.land(
            site.repo, branch=site.run.branch, commit=commit, base=base, probe=site.probe
        )
        if isinstance(outcome, land.Landed):
            return record
        if outcome.tip is None:
            attempt.fail(
                FailureClass.INFRASTRUCTURE, f"parked: the branch {site.run.branch} is gone"
            )
            return None
        found = find_attempt(site.repo, attempt.begun.base_commit, outcome.tip, record.attempt_id)
        if found is not None:
            return record.model_copy(update={"commit_hash": found.hash, "recovered": True})
        if move == MOVES:
            break
        moved = _move(site, attempt, cleared, commit, outcome.tip)
        if moved is None:
            return None
        tree, base = moved, outcome.tip
    attempt.fail(FailureClass.INFRASTRUCTURE, f"parked: {site.run.branch} moved {MOVES + 1} times")
    return None


def _move(site: Site, attempt: Attempt, cleared: Cleared, commit: str, tip: str) -> str | None:
    """Carry the change over to a new tip and verify it there; return its tree, or None."""
    tree = land.rebased_tree(site.repo, commit, tip)
    if tree is None or not site.gate.still_cleared(cleared, site.book.state, tip):
        attempt.fail(
            FailureClass.INTERRUPTED,
            "the run branch moved and the change no longer fits; the plan is checked again",
        )
        return None
    verification, ran = site.verifier.verify(
        tree=tree,
        head=tip,
        acceptance=attempt.solution.acceptance.commands,
        suite=site.suite,
        label=attempt.begun.execution_result_id,
        stop=site.stop,
    )
    attempt.verification = verification
    if not is_good(verification, ran, site.suite):
        attempt.fail(FailureClass.TESTS, one_line(failures_in_words(ran)))
        return None
    return tree


def _record(
    site: Site,
    attempt: Attempt,
    usage: Usage,
    *,
    commit: str | None = None,
    base: str | None = None,
    message: str = "",
) -> ExecutionRecord:
    """Return the record of what has been seen; completed when there is a commit."""
    begun, now = attempt.begun, site.now()
    base = base or begun.base_commit
    failure, reason = attempt.failure or (None, None)
    tasks = tuple(
        attempt.outcomes.get(task.id) or TaskOutcome(id=task.id, status="open")
        for task in attempt.solution.tasks
    )
    return ExecutionRecord(
        execution_result_id=begun.execution_result_id,
        issue_id=begun.issue_id,
        solution_id=begun.solution_id,
        run_id=begun.run_id,
        attempt=begun.attempt,
        attempt_id=begun.attempt_id,
        status=ExecutionStatus.COMPLETED if commit else ExecutionStatus.FAILED,
        failure_class=failure,
        failed_task_id=attempt.failed_task,
        branch=site.run.branch,
        base_commit=base,
        commit_hash=commit,
        commits=(Commit(hash=commit, message=message),) if commit else (),
        files_modified=tuple(changed_paths(site.repo, base, commit)) if commit else (),
        started_at=attempt.started_at,
        executed_at=now,
        duration_s=round(elapsed() - attempt.began_s, 3),
        tasks_completed=sum(task.status == "completed" for task in tasks),
        tasks=tasks,
        verification=attempt.evidence,
        claim=_claim(attempt),
        quarantine=attempt.quarantine,
        held=attempt.held,
        findings=attempt.fenced.findings if attempt.fenced else (),
        ignored_commits=attempt.own_commits,
        usage=usage,
        error=None if reason is None else one_line(site.redaction(reason)),
        too_narrow=_too_narrow(attempt),
        rehearsal=site.run.rehearsal,
    )


def _too_narrow(attempt: Attempt) -> tuple[str, ...]:
    """Return what the plan would have had to name, by the agent's word and by what was seen."""
    said = attempt.sent.too_narrow_paths if attempt.sent else ()
    failed = attempt.failure is not None and attempt.failure[0] is FailureClass.PLAN_TOO_NARROW
    seen = (*attempt.beyond, *sorted(attempt.quarantined)) if failed else ()
    return tuple(dict.fromkeys([*said, *seen]))


def _claim(attempt: Attempt) -> Claim | None:
    """Return what the agent said, with what the pipeline saw where the two differ."""
    said = attempt.sent
    if said is None:
        return None
    contradiction = None
    if said.status == "completed" and attempt.failure is not None:
        contradiction = f"claimed completed; the pipeline saw: {attempt.failure[1]}"
    elif said.tests_passed and attempt.repairs:
        contradiction = (
            f"claimed passing tests {counted(attempt.repairs, 'time')} before they passed"
        )
    return Claim(
        status=said.status,
        summary=said.summary,
        tests_passed=said.tests_passed,
        contradicts=None if contradiction is None else one_line(contradiction),
    )


def _keep_work(site: Site, attempt: Attempt, record: ExecutionRecord) -> None:
    """Keep the tree of a failed attempt under a ref; it costs the branch nothing."""
    if attempt.opened is None:
        return
    recovery = record.failure_class in KEPT_FOR_RECOVERY
    folder = land.RECOVERY_REFS if recovery else land.FAILED_REFS
    land.save_work(
        site.repo,
        attempt.opened.root,
        attempt.begun.base_commit,
        land.kept_ref(folder, record.execution_result_id),
    )
