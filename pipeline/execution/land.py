"""How a verified tree becomes a commit on the run branch, and where other work is kept.

make_commit -> land: compare-and-swap of refs/heads/<branch>   the commit point
failed       -> refs/pipeline/failed/<id>                      costs the branch nothing
interrupted  -> refs/pipeline/recovery/<id>
task done    -> refs/pipeline/checkpoints/<id>/<task>
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline import git
from pipeline.domain.results import ExecutionRecord
from pipeline.domain.solution import Solution
from pipeline.git import NestedRepository, Repository, one_line
from pipeline.plans.sanitize import clean

CHECKPOINT_REFS = "refs/pipeline/checkpoints"
FAILED_REFS = "refs/pipeline/failed"
RECOVERY_REFS = "refs/pipeline/recovery"
SUBJECT_LENGTH = 72
Probe = Callable[[str], None]


def no_probe(point: str) -> None:
    """Do nothing; tests put a crash here instead."""


@dataclass(frozen=True)
class Landed:
    """The branch is at `commit`, durably."""

    commit: str


@dataclass(frozen=True)
class Refused:
    """The branch was not where it was expected; `tip` is where it is (None: it is gone)."""

    tip: str | None


def in_the_way(repo: Repository, branch: str) -> str | None:
    """Return why `branch` must not be moved now: somebody has it checked out; None when not."""
    place = git.worktree_with(repo, branch)
    if place is None:
        return None
    return f"the branch {branch} is checked out in {place}; check another branch out there"


def commit_message(solution: Solution, *, run_id: str, attempt_id: str) -> str:
    """Return a commit's message: one clean subject, the goal, and trailers that are ours.

    The body cannot hold a trailer: its lines are indented. `attempt_id` is the nonce by which
    a commit is found again.
    """
    trailers = {
        "Issue-Id": solution.issue_id,
        "Solution-Id": solution.solution_id,
        "Pipeline-Run": run_id,
        "Attempt-Id": attempt_id,
    }
    return _message(solution.title or solution.solution_id, [solution.goal], trailers)


def rollback_message(
    record: ExecutionRecord, title: str, *, commit: str, reason: str, attempt_id: str
) -> str:
    """Return the message of the commit that undoes `commit`, by which `record` landed."""
    trailers = {
        "Issue-Id": record.issue_id,
        "Solution-Id": record.solution_id,
        "Pipeline-Run": record.run_id,
        "Rolls-Back": record.attempt_id,
        "Attempt-Id": attempt_id,
    }
    undone = f"This takes back commit {commit}."
    return _message(f"roll back: {title or record.solution_id}", [undone, reason], trailers)


def _message(title: str, said: Sequence[str], trailers: Mapping[str, str]) -> str:
    subject = one_line(clean(title), limit=SUBJECT_LENGTH) or trailers["Solution-Id"]
    lines = [line for text in said if (line := one_line(clean(text))) and line != subject]
    body = "".join(f"  {line}\n\n" for line in lines)
    return f"{subject}\n\n{body}" + "".join(f"{name}: {trailers[name]}\n" for name in trailers)


def kept_ref(folder: str, *names: str) -> str:
    """Return the ref under which work is kept; git allows less in a ref than we do in an id."""
    parts = [name.replace("..", ".%2E").replace(".lock", "%2Elock") for name in names]
    return "/".join([folder, *(f"{part[:-1]}%2E" if part[-1] == "." else part for part in parts)])


def make_commit(repo: Repository, *, tree: str, base: str, message: str, when: datetime) -> str:
    """Make the commit of `tree` on `base` and return its id; no branch moves yet."""
    return git.commit_tree(repo, tree, [base], message, when=when)


def land(
    repo: Repository, *, branch: str, commit: str, base: str, probe: Probe = no_probe
) -> Landed | Refused:
    """Move the branch (short name) from `base` to `commit`, or refuse when it is elsewhere."""
    ref = f"refs/heads/{branch}"
    probe("update-ref:before")
    try:
        git.update_ref(repo, ref, commit, base, "pipeline: land")
    except git.RefMoved as moved:
        return Refused(moved.actual)
    probe("update-ref:after")
    return Landed(commit)


def rebased_tree(repo: Repository, commit: str, tip: str) -> str | None:
    """Return the tree of `commit`'s change on top of `tip`; None when they conflict."""
    return git.merge_trees(repo, tip, commit)


def keep_failed(
    repo: Repository, ref: str, tree: str, parent: str, message: str, *, when: datetime
) -> str:
    """Keep a tree as a commit under `ref`, over whatever was there; return the commit."""
    commit = git.commit_tree(repo, tree, [parent], message, when=when)
    git.update_ref(repo, ref, commit, git.list_refs(repo, ref).get(ref), "pipeline: keep")
    return commit


def save_work(
    repo: Repository, work_tree: Path, base: str, ref: str, *, when: datetime | None = None
) -> str | None:
    """Keep the uncommitted work of a workspace's folder under `ref`; None when there is none.

    Repositories that an agent made inside it, and what git cannot hold, are left out.
    """
    if not work_tree.is_dir():
        return None
    tree = _tree_of_folder(repo, work_tree, base)
    if tree == git.tree_of(repo, base):
        return None
    message = f"work kept from {one_line(ref)}\n"
    return keep_failed(repo, ref, tree, base, message, when=when or datetime.now(UTC))


def _tree_of_folder(repo: Repository, work_tree: Path, base: str) -> str:
    """Write the folder's tree through a copy of its index, which stays as it is.

    The copy is as old as the index: by that git knows which files to read again although they look
    as they did (gitformat-index, "racy git").
    """
    with tempfile.TemporaryDirectory(prefix="pipeline-index-") as folder:
        index = Path(folder) / "index"
        if (work_tree.parent / "index").is_file():
            shutil.copy2(work_tree.parent / "index", index)
        left_out: tuple[str, ...] = ()
        while True:
            try:
                return git.write_tree(
                    repo, work_tree, index, base, exclude=left_out, leave_out=True
                )
            except NestedRepository as nested:
                names = tuple(f"/{name}" for name in nested.names)
                if set(names) <= set(left_out):
                    return git.tree_of(repo, base)
                left_out += names
