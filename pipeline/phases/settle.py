"""What a process that died left half done: its journal is brought to one state with git.

attempt begun, its commit on the branch     recorded from git: it landed
attempt begun, no commit                    recorded as interrupted; its work is kept under a ref
rollback begun, its commit on the branch    recorded: it is undone
rollback begun, no commit                   dropped: nothing was changed
a change held for a person, nobody asked    the plan asks
"""

from pipeline.domain.results import Commit, ExecutionRecord, ExecutionStatus, FailureClass
from pipeline.events import Adopted, Notice
from pipeline.execution.asking import ask
from pipeline.execution.land import RECOVERY_REFS, kept_ref, land, save_work
from pipeline.execution.rollback import drop, record_undone
from pipeline.execution.site import Site
from pipeline.git import (
    CommitInfo,
    Repository,
    changed_paths,
    find_attempt,
    one_line,
    remove_stale_locks,
    resolve,
    worktree_with,
)
from pipeline.store.entries import AttemptBegun, AttemptRecorded, RunOpened
from pipeline.store.state import State

OUR_REFS = "refs/pipeline/"


def settle(site: Site) -> int:
    """Record what came of an open attempt and an open rollback; return how much git had of them.

    Call it while holding the run's lock.
    """
    remove_stale_locks(site.repo, (f"refs/heads/{site.settings.branch_prefix}/", OUR_REFS))
    attempts = _settle_attempt(site) if site.book.state.run else 0
    _settle_question(site)
    return attempts + _settle_rollback(site)


def will_adopt(repo: Repository, state: State) -> AttemptBegun | None:
    """Return the open attempt that `settle` would record as landed, or None; changes nothing."""
    attempt, landing = state.open_attempt, state.open_landing
    if state.run is None or attempt is None:
        return None
    branch = next(run.branch for run in state.runs if run.run_id == attempt.run_id)
    tip = resolve(repo, f"refs/heads/{branch}")
    if tip and find_attempt(repo, attempt.base_commit, tip, attempt.attempt_id):
        return attempt
    if landing is None or landing.attempt_id != attempt.attempt_id:
        return None
    is_made = resolve(repo, f"{landing.commit}^{{commit}}") is not None
    lands = is_made and tip == landing.expected and not worktree_with(repo, branch)
    return attempt if lands else None


def _settle_attempt(site: Site) -> int:
    """Record an attempt that a crash left open; return how many were adopted from git."""
    attempt = site.book.state.open_attempt
    if attempt is None:
        return 0
    run = next(r for r in site.book.state.runs if r.run_id == attempt.run_id)
    _complete_landing(site, attempt, run)
    tip = resolve(site.repo, f"refs/heads/{run.branch}")
    found = tip and find_attempt(site.repo, attempt.base_commit, tip, attempt.attempt_id)
    if found:
        site.book.record(AttemptRecorded(record=_adopted(site, attempt, run, found)))
        site.bus.emit(Adopted(attempt.solution_id, found.hash))
        return 1
    _keep_interrupted(site, attempt, run)
    return 0


def _settle_question(site: Site) -> None:
    """Have the newest attempt's plan ask, where the process ended before it did."""
    records = site.book.state.execution
    for newest in list(records)[-1:]:
        ask(site, records[newest])


def _settle_rollback(site: Site) -> int:
    """Record a rollback whose commits are on the branch, or drop it; return 1 or 0."""
    begun = site.book.state.open_rollback
    if begun is None:
        return 0
    _complete(site, begun.branch, begun.commit, begun.expected)
    tip = resolve(site.repo, f"refs/heads/{begun.branch}")
    known = tip and resolve(site.repo, begun.expected)
    if tip and known and find_attempt(site.repo, begun.expected, tip, begun.attempt_id):
        record_undone(site, begun)
        return 1
    drop(site, begun, "the process ended before the branch was moved")
    return 0


def _complete_landing(site: Site, attempt: AttemptBegun, run: RunOpened) -> None:
    """Do the landing of an attempt whose intent is recorded, if there is one."""
    landing = site.book.state.open_landing
    if landing is not None and landing.attempt_id == attempt.attempt_id:
        _complete(site, run.branch, landing.commit, landing.expected)


def _complete(site: Site, branch: str, commit: str, expected: str) -> None:
    """Move the branch as it was intended, as long as nothing else has happened to it.

    A `git update-ref` may outlive the process that started it. From here on it has no effect any
    more: it has done the same already, or it finds the branch moved.
    """
    if resolve(site.repo, f"refs/heads/{branch}") != expected or worktree_with(site.repo, branch):
        return
    if resolve(site.repo, f"{commit}^{{commit}}"):
        land(site.repo, branch=branch, commit=commit, base=expected, probe=site.probe)


def _adopted(
    site: Site, attempt: AttemptBegun, run: RunOpened, found: CommitInfo
) -> ExecutionRecord:
    """Return the record of a commit that had landed but was not recorded yet."""
    landing = site.book.state.open_landing
    if landing is not None and landing.attempt_id == attempt.attempt_id:
        record = landing.record
    else:
        files = changed_paths(site.repo, found.parents[0], found.hash)
        record = ExecutionRecord.model_validate(
            _identity(attempt)
            | {
                "status": ExecutionStatus.COMPLETED,
                "executed_at": site.now(),
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


def _keep_interrupted(site: Site, attempt: AttemptBegun, run: RunOpened) -> None:
    """Save the uncommitted work of an attempt that died, and record that it was interrupted."""
    ref = kept_ref(RECOVERY_REFS, attempt.execution_result_id)
    kept = save_work(site.repo, site.workspaces.path("executor"), attempt.base_commit, ref)
    where = f"; its uncommitted work is kept at {ref}" if kept else ""
    record = ExecutionRecord.model_validate(
        _identity(attempt)
        | {
            "status": ExecutionStatus.FAILED,
            "failure_class": FailureClass.INTERRUPTED,
            "executed_at": site.now(),
            "branch": run.branch,
            "error": one_line(f"the process ended while it worked{where}"),
            "rehearsal": run.rehearsal,
        }
    )
    site.book.record(AttemptRecorded(record=record))
    site.bus.emit(Notice(f"{attempt.solution_id} was interrupted and starts again{where}"))


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
