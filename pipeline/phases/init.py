"""Init: settle what a crash left, open or continue the run, prove that the base's tests pass."""

import secrets
from datetime import timedelta

from pipeline.domain.group import Group
from pipeline.domain.wanted import Wanted
from pipeline.errors import PipelineError
from pipeline.events import Notice, RunResumed, RunStarted
from pipeline.execution.debris import BY_ITSELF, KINDS, Ground, find_debris, remove
from pipeline.git import head_commit, prefix_collision, ref_exists, resolve, update_ref
from pipeline.phases.settle import settle
from pipeline.phases.todo import is_anything_to_do
from pipeline.phases.work import Work
from pipeline.plans.history import left_out
from pipeline.store.entries import QuotaOver, RunClosed, RunOpened


def init(work: Work, wanted: Wanted) -> bool:
    """Bring the journal and git to one state, then open a run or go on with the open one.

    Returns False when no run is open and there is nothing to open one for.
    """
    base, new = wanted.base, wanted.new
    adopted = settle(work)
    if new and work.book.state.run is not None:
        close_run(work, "a new run was asked for")
    if work.book.state.run is None:
        if base is None and not new and not is_anything_to_do(work, wanted):
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
    _sweep(work)
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
    if said := left_out(work.repo, work.book.state, commit):
        work.bus.emit(Notice(f"{said}, then `pipeline run --new` works with them"))


def _sweep(work: Work) -> None:
    """Remove what runs before this one left, once it is old; no run is open."""
    age = timedelta(days=work.settings.keep_days)
    ground = Ground(work.repo, work.places, work.book.state, work.now(), age)
    found = find_debris(ground, [kind for kind in KINDS if kind in BY_ITSELF])
    if found:
        remove(work.repo, found)
        kinds = ", ".join(dict.fromkeys(one.kind for one in found))
        work.bus.emit(Notice(f"removed what is older than {work.settings.keep_days} days: {kinds}"))


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
