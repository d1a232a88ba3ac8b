"""Init: settle what a crash left, open or continue the run, prove that the base's tests pass."""

import secrets

from pipeline.domain.group import Group
from pipeline.domain.results import Commit, ExecutionRecord, ExecutionStatus, FailureClass
from pipeline.errors import PipelineError
from pipeline.events import Adopted, Notice, RunResumed, RunStarted
from pipeline.execution.finish import RECOVERY_REFS
from pipeline.execution.land import land, save_recovery
from pipeline.git import (
    CommitInfo,
    changed_paths,
    find_attempt,
    head_commit,
    one_line,
    prefix_collision,
    ref_exists,
    remove_stale_locks,
    resolve,
    update_ref,
    worktree_with,
)
from pipeline.phases.work import Work
from pipeline.plans.standing import is_over
from pipeline.store.entries import AttemptBegun, AttemptRecorded, QuotaOver, RunClosed, RunOpened

OUR_REFS = "refs/pipeline/"


def init(work: Work, *, base: str | None = None, new: bool = False) -> bool:
    """Bring the journal and git to one state, then open a run or go on with the open one.

    Returns False when no run is open and nothing is left that needs one.
    """
    remove_stale_locks(work.repo, (f"refs/heads/{work.settings.branch_prefix}/", OUR_REFS))
    adopted = _settle_open_attempt(work) if work.book.state.run else 0
    if new and work.book.state.run is not None:
        close_run(work, "a new run was asked for")
    if work.book.state.run is None:
        if base is None and not new and _all_is_done(work):
            return False
        _open_run(work, base)
        work.held.work_on(work.run.run_id)
        return True
    if base is not None and _base_commit(work, base) != work.run.base_commit:
        raise PipelineError(
            f"the open run {work.run.run_id} has another base than {base!r}: "
            "leave --base out to go on with it, or add --new to start another"
        )
    _continue_run(work, adopted)
    work.held.work_on(work.run.run_id)
    return True


def _all_is_done(work: Work) -> bool:
    rows = work.standings()
    return bool(rows) and is_over(rows)


def close_run(work: Work, reason: str) -> None:
    """Record that the run has ended; its branch stays."""
    work.book.record(RunClosed(run_id=work.run.run_id, reason=reason))


def _open_run(work: Work, base: str | None) -> None:
    """Choose a branch, record the intent, then make it."""
    prefix = work.settings.branch_prefix
    if collision := prefix_collision(work.repo, prefix):
        raise PipelineError(
            f"the branch {collision!r} is in the way of {prefix}/<run id>: rename it, "
            "or set run.branch_prefix in .workflow/config.toml"
        )
    commit = head_commit(work.repo) if base is None else _base_commit(work, base)
    run_id = f"{work.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    opened = RunOpened(
        run_id=run_id,
        branch=f"{prefix}/{run_id}",
        base_commit=commit,
        sandbox=work.sandbox.name,
        rehearsal=work.settings.rehearsal,
    )
    work.book.record(opened)
    work.purse.open_run()
    _make_branch(work)
    work.bus.emit(RunStarted(run_id, opened.branch, commit, work.sandbox.name))


def _base_commit(work: Work, base: str) -> str:
    commit = resolve(work.repo, base)
    if commit is None:
        raise PipelineError(f"--base {base!r} names no commit of this repository")
    return commit


def _make_branch(work: Work) -> None:
    work.probe("update-ref:before")
    update_ref(
        work.repo, f"refs/heads/{work.run.branch}", work.run.base_commit, None, "pipeline: run"
    )
    work.probe("update-ref:after")


def _continue_run(work: Work, adopted: int) -> None:
    state = work.book.state
    for provider in tuple(state.quotas):
        work.book.record(QuotaOver(provider=provider))
    if work.run.rehearsal != work.settings.rehearsal:
        kind = "a rehearsal" if work.run.rehearsal else "real work"
        raise PipelineError(
            f"the open run {work.run.run_id} is {kind}: rehearse in a clone of its own, "
            "or close the run with `pipeline run --new`"
        )
    if not ref_exists(work.repo, f"refs/heads/{work.run.branch}"):
        landed = any(
            r.run_id == work.run.run_id and r.commit_hash for r in state.execution.values()
        )
        if landed:
            work.tip()
        _make_branch(work)
    rows = work.standings()
    done = sum(row.group is Group.LANDED for row in rows)
    over = sum(row.group in (Group.TURNED_DOWN, Group.FAILED) for row in rows)
    work.bus.emit(
        RunResumed(work.run.run_id, work.run.branch, done, adopted, len(rows) - done - over)
    )


def _settle_open_attempt(work: Work) -> int:
    """Record an attempt that a crash left open; return how many were adopted from git."""
    attempt = work.book.state.open_attempt
    if attempt is None:
        return 0
    run = next(r for r in work.book.state.runs if r.run_id == attempt.run_id)
    _complete_landing(work, attempt, run)
    tip = resolve(work.repo, f"refs/heads/{run.branch}")
    found = tip and find_attempt(work.repo, attempt.base_commit, tip, attempt.attempt_id)
    if found:
        work.book.record(AttemptRecorded(record=_adopted(work, attempt, run, found)))
        work.bus.emit(Adopted(attempt.solution_id, found.hash))
        return 1
    _keep_interrupted(work, attempt, run)
    return 0


def _complete_landing(work: Work, attempt: AttemptBegun, run: RunOpened) -> None:
    """Do the landing whose intent is recorded, as long as nothing else has happened to the branch.

    A `git update-ref` may outlive the process that started it. From here on it has no effect any
    more: it has done the same already, or it finds the branch moved.
    """
    landing, ref = work.book.state.open_landing, f"refs/heads/{run.branch}"
    if landing is None or landing.attempt_id != attempt.attempt_id:
        return
    if resolve(work.repo, ref) != landing.expected or worktree_with(work.repo, run.branch):
        return
    if resolve(work.repo, f"{landing.commit}^{{commit}}"):
        base, commit = landing.expected, landing.commit
        land(work.repo, branch=run.branch, commit=commit, base=base, probe=work.probe)


def _adopted(
    work: Work, attempt: AttemptBegun, run: RunOpened, found: CommitInfo
) -> ExecutionRecord:
    """Return the record of a commit that had landed but was not recorded yet."""
    landing = work.book.state.open_landing
    if landing is not None and landing.attempt_id == attempt.attempt_id:
        record = landing.record
    else:
        files = changed_paths(work.repo, found.parents[0], found.hash)
        record = ExecutionRecord.model_validate(
            _identity(attempt)
            | {
                "status": ExecutionStatus.COMPLETED,
                "executed_at": work.now(),
                "branch": run.branch,
                "files_modified": files,
                "rehearsal": run.rehearsal,
            }
        )
    return record.model_copy(
        update={
            "commit_hash": found.hash,
            "commits": (Commit(hash=found.hash, message=found.message),),
            "recovered": True,
        }
    )


def _keep_interrupted(work: Work, attempt: AttemptBegun, run: RunOpened) -> None:
    """Save the uncommitted work of an attempt that died, and record that it was interrupted."""
    ref = f"{RECOVERY_REFS}/{attempt.execution_result_id}"
    kept = save_recovery(work.repo, work.workspaces.path("executor"), attempt.base_commit, ref)
    where = f"; its uncommitted work is kept at {ref}" if kept else ""
    record = ExecutionRecord.model_validate(
        _identity(attempt)
        | {
            "status": ExecutionStatus.FAILED,
            "failure_class": FailureClass.INTERRUPTED,
            "executed_at": work.now(),
            "branch": run.branch,
            "error": one_line(f"the process ended while it worked{where}"),
            "rehearsal": run.rehearsal,
        }
    )
    work.book.record(AttemptRecorded(record=record))
    work.bus.emit(Notice(f"{attempt.solution_id} was interrupted and starts again{where}"))


def _identity(attempt: AttemptBegun) -> dict[str, object]:
    """Return the fields that an attempt's record shares with its intent."""
    return attempt.model_dump(
        include={
            "execution_result_id",
            "issue_id",
            "solution_id",
            "run_id",
            "attempt",
            "attempt_id",
            "base_commit",
        }
    )
