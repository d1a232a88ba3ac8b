"""What of an agent's change counts: only what the plan names or allows; the rest is undone.

workspace -> tree of everything -> allowed? -> the tree that is verified and committed
                                     |
                                     `-- no: a patch in quarantine, and undone in the workspace
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from pipeline.domain.results import Finding
from pipeline.errors import PipelineError
from pipeline.execution.nature import NEEDS_A_PLAN, Nature, findings, natures
from pipeline.execution.workspace import Workspace
from pipeline.git import Repository, diff_bytes, undo_paths, write_tree
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
    findings: tuple[Finding, ...] = ()
    """What a reviewer should look at in what is left."""


def unplanned(
    repo: Repository,
    workspace: Workspace,
    *,
    base: str,
    planned: Sequence[str],
    may_touch: Sequence[str],
    deletable: Container[str] = (),
) -> tuple[str, ...]:
    """Return what `fence` would set aside and a plan could name; nothing is changed."""
    seen = natures(repo, base, _tree(repo, workspace, base, planned))
    found = _outside(seen, planned, may_touch, deletable)
    return tuple(path for path in found if path_problem(path) is None)


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
    globs; a path that no plan could name is opened by no glob. A glob opens text files alone: no
    link, no binary or large file, no other mode (`nature.NEEDS_A_PLAN`). A file is deleted only
    where the plan says so (`deletable`): a lost test proves nothing, and no glob may take one away;
    a rename is a deletion too. A planned file counts even when it is ignored. Raises
    `WorkTreeProblem`, which the agent can mend.
    """
    outside: list[str] = []
    patch = b""
    for _ in range(ROUNDS):
        tree = _tree(repo, workspace, base, planned)
        seen = natures(repo, base, tree)
        found = _outside(seen, planned, may_touch, deletable)
        if not found:
            changed = tuple(one.path for one in seen)
            aside = tuple(sorted(map(_shown, outside)))
            return Fenced(tree, changed, aside, patch, findings(seen))
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


def _outside(
    seen: Sequence[Nature],
    planned: Sequence[str],
    globs: Sequence[str],
    deletable: Container[str],
) -> list[str]:
    """Return the changed paths that the plan does not allow."""
    return [
        one.path
        for one in seen
        if (one.path not in deletable if one.is_gone else one.path not in planned)
        and (one.is_gone or not _opened(one, globs, deletable))
    ]


def _opened(one: Nature, globs: Sequence[str], deletable: Container[str]) -> bool:
    """Tell whether a glob allows a change that the plan does not name."""
    half = one.renamed_from is not None and one.renamed_from not in deletable
    if half or not NEEDS_A_PLAN.isdisjoint(one.said):
        return False
    return path_problem(one.path) is None and matches_any(one.path, globs)


def _shown(path: str) -> str:
    """Return a path as text: bytes that are not UTF-8 are written out."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
