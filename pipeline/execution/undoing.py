"""What undoing a landed solution would take: its commit, what came later on its files, what stays.

base --- A --- B --- C --- tip          roll A back
               |     `-- other files    stays
               `-- files of A           refused by name, or rolled back with it, newest first
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain.issue import Issue
from pipeline.domain.results import ExecutionRecord, ExecutionStatus
from pipeline.errors import PipelineError
from pipeline.execution.land import in_the_way
from pipeline.git import (
    CommitInfo,
    Repository,
    changed_paths,
    commit_info,
    commits_between,
    find_attempt,
    is_ancestor,
    list_files,
    one_line,
    resolve,
)
from pipeline.safety.ground import named
from pipeline.store.state import State

SHORT = 10


@dataclass(frozen=True)
class Undone:
    """One landed attempt that is to be undone, and its commit as it is on the branch now."""

    record: ExecutionRecord
    commit: CommitInfo
    paths: frozenset[str]


@dataclass(frozen=True)
class Undoing:
    """Everything that is to be undone at once, on one branch."""

    branch: str
    tip: str
    steps: tuple[Undone, ...]
    """Newest first."""
    dependents: tuple[ExecutionRecord, ...]
    """What landed on it, by the backlog's word, and stays."""


def find_undoing(
    repo: Repository,
    state: State,
    record: ExecutionRecord,
    issues: Sequence[Issue],
    *,
    with_later: bool = False,
) -> Undoing:
    """Return what undoing `record`, which landed, would take.

    Raises `PipelineError`, with names, where the branch is gone, checked out, or has changed in the
    same files since, unless what did that landed here too and is to go as well (`with_later`).
    """
    name, branch = record.solution_id, record.branch or "(unknown)"
    tip = resolve(repo, f"refs/heads/{branch}")
    if tip is None:
        raise PipelineError(
            f"cannot roll back {name}: its branch {branch} is gone; where its commit is in use, "
            f"`git revert {record.commit_hash}` undoes it"
        )
    if reason := in_the_way(repo, branch):
        raise PipelineError(f"cannot roll back {name}: {reason}")
    commit = _on_branch(repo, record, tip)
    if commit is None:
        raise PipelineError(f"cannot roll back {name}: {branch} does not hold its commit any more")
    own = Undone(record, commit, _paths(repo, commit))
    later = list(_later(repo, state, own, tip))
    if later and not with_later:
        which = ", ".join(_in_words(one, own.paths) for one in later)
        raise PipelineError(
            f"cannot roll back {name} alone: later solutions changed the same files: {which}; "
            "roll those back first, or add --with-later"
        )
    steps = (*reversed(later), own)
    depend = [one for one in _dependents(state, steps, issues) if one.branch == branch]
    return Undoing(branch, tip, steps, tuple(depend))


def _in_words(one: Undone, paths: frozenset[str]) -> str:
    return f"{one.record.solution_id} ({named(one.paths & paths or one.paths)})"


def _on_branch(repo: Repository, record: ExecutionRecord, tip: str) -> CommitInfo | None:
    """Return the commit of a landed attempt as `tip` reaches it, also after a rewrite."""
    commit = record.commit_hash and resolve(repo, record.commit_hash)
    if commit and is_ancestor(repo, commit, tip):
        return commit_info(repo, commit)
    if record.base_commit and resolve(repo, record.base_commit):
        return find_attempt(repo, record.base_commit, tip, record.attempt_id)
    return None


def _paths(repo: Repository, commit: CommitInfo) -> frozenset[str]:
    """Return what a commit changed: of a merge what it brought in, of a first one all its files."""
    if not commit.parents:
        return frozenset(list_files(repo, commit.hash))
    return frozenset(changed_paths(repo, commit.parents[0], commit.hash))


def _later(repo: Repository, state: State, own: Undone, tip: str) -> Iterator[Undone]:
    """Yield what landed later on the same files, oldest first, and on the files of those.

    Raises `PipelineError` for commits of others there: nobody but their author undoes them.
    """
    paths = set(own.paths)
    for commit in reversed(commits_between(repo, own.commit.hash, tip)):
        changed = _paths(repo, commit)
        if paths.isdisjoint(changed):
            continue
        record, known = _recorded(state, commit)
        if not known:
            subject = one_line(commit.message.partition("\n")[0], limit=60)
            raise PipelineError(
                f"cannot roll back {own.record.solution_id}: {commit.hash[:SHORT]} ({subject}), "
                f"which is not the pipeline's, changed {named(changed & paths)} since"
            )
        if record is not None:
            paths |= changed
            yield Undone(record, commit, changed)


def _recorded(state: State, commit: CommitInfo) -> tuple[ExecutionRecord | None, bool]:
    """Return the landed attempt that a commit is of, and whether it is one of ours at all.

    A commit that was rolled back is ours and needs nothing, like the commit that did that.
    """
    nonces, solutions = (commit.trailers.get(one) for one in ("Attempt-Id", "Solution-Id"))
    for solution in solutions or ():
        for record in state.attempts(solution):
            if nonces == [record.attempt_id]:
                landed = record.status is ExecutionStatus.COMPLETED
                return (record if landed else None), True
            if record.rollback is not None and nonces == [record.rollback.attempt_id]:
                return None, True
    return None, False


def _dependents(
    state: State, steps: Sequence[Undone], issues: Sequence[Issue]
) -> Iterator[ExecutionRecord]:
    """Yield what landed and depends, over however many issues, on what is to be undone."""
    undone = {step.record.issue_id for step in steps}
    for issue_id in _all_that_depend(undone, {one.id: one.depends_on for one in issues}):
        landed = state.landed(issue_id)
        if landed is not None:
            yield landed


def _all_that_depend(on: set[str], needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the issues that need one of `on`, directly or not, in the order of the backlog."""
    reached = set(on)
    while True:
        more = {name for name, wanted in needs.items() if reached & set(wanted)} - reached
        if not more:
            return [name for name in needs if name in reached - on]
        reached |= more
