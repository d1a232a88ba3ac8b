"""Wiring of `restore` and `clean`: what is kept of attempts, and what nothing needs any more."""

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import timedelta

from pipeline import git
from pipeline.app.books import read_state
from pipeline.app.project import Project
from pipeline.domain.base import utc_now
from pipeline.domain.results import ExecutionRecord
from pipeline.errors import PipelineError
from pipeline.execution.debris import Debris, Ground, find_debris, remove
from pipeline.execution.kept_work import KeptWork, all_kept, kept_of
from pipeline.paths import Places
from pipeline.safety.decisions import unknown
from pipeline.safety.policy import require_owner
from pipeline.store.run_file import hold
from pipeline.store.run_info import alive
from pipeline.store.state import State


def kept_here(project: Project) -> list[KeptWork]:
    """Return everything that is kept in the repository, oldest first."""
    return all_kept(project.repo)


def find_kept_work(project: Project, name: str) -> list[KeptWork]:
    """Return what is kept of an attempt, or of all attempts at a plan, oldest first."""
    return kept_of(project.repo, _attempts(project, read_state(project), name))


def clean(project: Project, *, older_than: timedelta, dry_run: bool) -> list[Debris]:
    """Remove what nothing needs and return it; with `dry_run` only find it.

    Raises `PipelineError` where a run is alive, here or in another worktree of the repository:
    they share workspaces and refs.
    """
    with ExitStack() as stack:
        if not dry_run:
            require_owner(project.places.user.state)
            _require_no_other(project)
            stack.enter_context(hold(project.places))
        ground = Ground(project.repo, project.places, read_state(project), utc_now(), older_than)
        found = find_debris(ground)
        if not dry_run:
            remove(project.repo, found)
    return found


def _require_no_other(project: Project) -> None:
    for root in git.worktrees(project.repo):
        info = alive(Places(root, project.places.user, project.repo.git_dir))
        if info is not None and root != project.places.root:
            raise PipelineError(
                f"cannot clean: a run is alive in another worktree, {str(root)!r} "
                f"(process {info.pid}); wait until it has ended"
            )


def _attempts(project: Project, state: State, name: str) -> Iterable[ExecutionRecord]:
    record = state.execution.get(name)
    if record is not None:
        return [record]
    key = state.current_key(name) or name
    if key in state.planning or state.attempts(key):
        return state.attempts(key)
    known = [*state.execution, *{one.solution_id for one in state.execution.values()}]
    raise unknown("attempt", name, known)
