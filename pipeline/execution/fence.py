"""What of an agent's change counts: only what the plan names or allows; the rest is undone.

workspace -> tree of everything -> allowed? -> the tree that is verified and committed
                                     |
                                     `-- no: a patch in quarantine, and undone in the workspace
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from pipeline.errors import PipelineError
from pipeline.execution.workspace import Workspace
from pipeline.git import Repository, blobs_at, changed_paths, diff_bytes, undo_paths, write_tree
from pipeline.plans.globs import matches_any
from pipeline.plans.validation import path_problem

PATHS_PER_DIFF = 200
ROUNDS = 20
"""An undone `.gitignore` may show files that it hid; each round undoes what has come up."""


@dataclass(frozen=True)
class Fenced:
    """A workspace's change after the fence."""

    tree: str
    """Holds the allowed changes and nothing else; the workspace's files are exactly this."""
    changed: tuple[str, ...]
    """Paths that differ from the base in `tree`."""
    quarantined: tuple[str, ...] = ()
    """Paths whose change was set aside."""
    patch: bytes = b""
    """The changes set aside, for `git apply` on the base."""


def fence(
    repo: Repository,
    workspace: Workspace,
    *,
    base: str,
    planned: Sequence[str],
    may_touch: Sequence[str],
    deletable: Container[str] = (),
) -> Fenced:
    """Compute the allowed tree of a workspace and undo everything else in it.

    `base` is the commit or tree that the work started from; `planned` are paths, `may_touch`
    globs; a path that no plan could name is opened by no glob. Creation, change and mode all count;
    a file is deleted only where the plan says so (`deletable`): a lost test proves nothing, and no
    glob may take one away. A planned file counts even when it is ignored. Raises
    `WorkTreeProblem`, which the agent can mend.
    """
    outside: list[str] = []
    patch = b""
    for _ in range(ROUNDS):
        tree = _tree(repo, workspace, base, planned)
        changed = changed_paths(repo, base, tree)
        lost = _deleted(repo, tree, changed)
        found = [
            path
            for path in changed
            if (path not in deletable if path in lost else not _allowed(path, planned, may_touch))
        ]
        if not found:
            return Fenced(tree, tuple(changed), tuple(sorted(map(_shown, outside))), patch)
        outside += found
        patch += _patch(repo, base, tree, found)
        undo_paths(repo, tree, base, found, work_tree=workspace.root, index=workspace.index)
    raise PipelineError(
        f"changes outside the plan cannot be undone: {', '.join(map(_shown, found))}"
    )


def _patch(repo: Repository, base: str, tree: str, paths: Sequence[str]) -> bytes:
    starts = range(0, len(paths), PATHS_PER_DIFF)
    chunks = [paths[start : start + PATHS_PER_DIFF] for start in starts]
    return b"".join(diff_bytes(repo, base, tree, chunk) for chunk in chunks)


def _tree(repo: Repository, workspace: Workspace, base: str, planned: Sequence[str]) -> str:
    return write_tree(
        repo, workspace.root, workspace.index, base, force=planned, exclude=workspace.exclude
    )


def _deleted(repo: Repository, tree: str, changed: Sequence[str]) -> frozenset[str]:
    """Return which of the changed paths are no longer in `tree`."""
    return frozenset(path for path, blob in blobs_at(repo, tree, changed).items() if blob is None)


def _allowed(path: str, planned: Container[str], globs: Sequence[str]) -> bool:
    return path in planned or (path_problem(path) is None and matches_any(path, globs))


def _shown(path: str) -> str:
    """Return a path as text: bytes that are not UTF-8 are written out."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
