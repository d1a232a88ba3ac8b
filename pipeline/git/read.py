"""Questions to a repository; none of them changes anything."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.git.program import (
    GitError,
    Repository,
    call,
    discovery_environment,
    fields,
    last_line,
    require_version,
    run,
    text,
)

PATHS_PER_CALL = 200
KEPT_TREES = 1024
WHERE = ("rev-parse", "--path-format=absolute", "--is-bare-repository", "--git-common-dir")
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
NO_HEAD = "refs/heads/.invalid"
_HEAD = re.compile(r"ref:\s*(?P<ref>refs/heads/\S+)\s*|(?:[0-9a-f]{40}|[0-9a-f]{64})\s*")


@dataclass(frozen=True)
class CommitInfo:
    """One commit, as far as the pipeline cares."""

    hash: str
    parents: tuple[str, ...]
    tree: str
    message: str
    trailers: dict[str, list[str]] = field(default_factory=dict)


def open_repository(folder: Path) -> Repository:
    """Find the repository whose checkout holds `folder`.

    Raises `PipelineError` when there is none, when it is bare, or when it has no commit.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        name = repr(str(folder))
        what = f"{name} is not a folder" if folder.exists() else f"there is no folder {name}"
        raise PipelineError(f"{what}; name a repository with -C PATH")
    told = _in_checkout(folder, *WHERE, "--show-toplevel", "--verify", "-q", "HEAD", may_fail=True)
    if told and told.startswith("false\n") and told.count("\n") == 3:
        _, git_dir, top, _ = told.split("\n")
        return Repository(root=Path(top), git_dir=Path(git_dir).resolve())
    return _open_in_steps(folder)


def _open_in_steps(folder: Path) -> Repository:
    """Ask one thing after the other: something is wrong, or a path has a line break in it."""
    done = _in_checkout(folder, *WHERE, may_fail=True)
    if done is None:
        raise PipelineError(_why_not(folder))
    bare, _, git_dir = done.partition("\n")
    if bare == "true":
        raise PipelineError(f"{str(folder)!r} is a bare repository; name a checkout with -C PATH")
    top = _in_checkout(folder, "rev-parse", "--show-toplevel", may_fail=True)
    if not top:
        raise PipelineError(f"{str(folder)!r} lies inside a .git folder; name a checkout with -C")
    if _in_checkout(folder, "rev-parse", "--verify", "-q", "HEAD", may_fail=True) is None:
        there = _in_checkout(folder, "ls-files", "-co", "--exclude-standard", "--", top)
        first = "git add -A && git commit" if there else "git commit --allow-empty"
        raise PipelineError(
            f"{top!r} has no commits; make the first one, then start again: {first} -m start"
        )
    return Repository(root=Path(top), git_dir=Path(git_dir).resolve())


def _why_not(folder: Path) -> str:
    errors = call(
        ("rev-parse", "--git-dir"), cwd=folder, env=discovery_environment(), may_fail=True
    ).errors
    require_version()
    if b"dubious ownership" in errors:
        return (
            f"git distrusts {str(folder)!r}: it belongs to another user; "
            "change its owner or run as that user"
        )
    if b"not a git repository" in errors:
        return (
            f"{str(folder)!r} is not in a git repository; "
            "run `git init` there or name one with -C PATH"
        )
    return f"git cannot open {str(folder)!r}: {last_line(errors)}"


def _in_checkout(folder: Path, *words: str, may_fail: bool = False) -> str | None:
    """Ask git by discovery, for what belongs to one checkout (its HEAD)."""
    done = call(words, cwd=folder, env=discovery_environment(), may_fail=may_fail)
    return done.output.decode("utf-8", "surrogateescape").rstrip("\n") if done.ok else None


def head_commit(repo: Repository) -> str:
    """Return the commit that is checked out in the user's checkout."""
    return _in_checkout(repo.root, "rev-parse", "--verify", "HEAD^{commit}") or ""


def resolve(repo: Repository, rev: str) -> str | None:
    """Return the commit that `rev` names, or None. `HEAD` means the user's checkout."""
    words = ("rev-parse", "--verify", "-q", "--end-of-options", f"{rev}^{{commit}}")
    return _in_checkout(repo.root, *words, may_fail=True)


def ref_exists(repo: Repository, ref: str) -> bool:
    """Tell whether a full ref name (`refs/heads/x`) exists."""
    return run(repo, "show-ref", "--verify", "-q", "--", ref, may_fail=True).ok


def list_refs(repo: Repository, prefix: str) -> dict[str, str]:
    """Return full ref name -> object id of all refs under `prefix` (`refs/heads/pipeline/`)."""
    lines = text(repo, "for-each-ref", "--format=%(objectname) %(refname)", prefix).splitlines()
    return {ref: oid for oid, ref in (line.split(" ", 1) for line in lines)}


def dated_refs(repo: Repository, prefix: str) -> dict[str, tuple[str, datetime]]:
    """Return full ref name -> commit and when it was made (UTC), of all refs under `prefix`."""
    form = "--format=%(objectname) %(committerdate:unix) %(refname)"
    lines = (line.split(" ", 2) for line in text(repo, "for-each-ref", form, prefix).splitlines())
    return {ref: (oid, datetime.fromtimestamp(int(made), UTC)) for oid, made, ref in lines if made}


def tree_of(repo: Repository, commit: str) -> str:
    """Return the tree id of a commit (or of a tree)."""
    return _tree_of(repo, commit) if _ID.fullmatch(commit) else _ask_tree(repo, commit)


def _ask_tree(repo: Repository, commit: str) -> str:
    return text(repo, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")


_tree_of = lru_cache(KEPT_TREES)(_ask_tree)
"""For object ids: what they stand for never changes."""


def blob_at(repo: Repository, commit: str, path: str) -> str | None:
    """Return the object id at `path`, or None when the commit has nothing there."""
    return blobs_at(repo, commit, [path])[path]


def blobs_at(repo: Repository, commit: str, paths: Sequence[str]) -> dict[str, str | None]:
    """Return for each path its object id at `commit`, None for what is not there."""
    found: dict[str, str | None] = dict.fromkeys(paths)
    wanted = [path for path in found if path]
    for start in range(0, len(wanted), PATHS_PER_CALL):
        chunk = [path.rstrip("/") for path in wanted[start : start + PATHS_PER_CALL]]
        done = run(repo, "ls-tree", "-z", "--full-tree", commit, "--", *chunk)
        for entry in fields(done.output):
            facts, path = entry.split("\t", 1)
            found[path] = facts.split(" ")[2]
    return {path: found.get(path.rstrip("/")) for path in paths}


def submodules(repo: Repository, commit: str) -> list[str]:
    """Return the paths at which a commit names a commit of another repository."""
    entries = fields(run(repo, "ls-tree", "-r", "-z", "--full-tree", commit).output)
    return [entry.split("\t", 1)[1] for entry in entries if entry.startswith("160000 ")]


def count_missing(repo: Repository, commit: str) -> int:
    """Return how many objects of a commit's tree are not here: in a partial clone some may be."""
    words = ("rev-list", "--objects", "--missing=print", "--no-walk", "--end-of-options", commit)
    done = run(repo, *words, may_fail=True)
    return sum(line.startswith(b"?") for line in done.output.splitlines())


def ignored_files(repo: Repository) -> list[str]:
    """Return the ignored files of the user's checkout that lie beside tracked ones."""
    words = ("ls-files", "-z", "-o", "-i", "--exclude-standard", "--directory")
    done = call(words, cwd=repo.root, env=discovery_environment(), may_fail=True)
    return [path for path in fields(done.output) if not path.endswith("/")]


def show_file(repo: Repository, commit: str, path: str) -> bytes | None:
    """Return a file's bytes at `commit` as they are stored, or None when it is not there."""
    done = run(repo, "cat-file", "blob", f"{commit}:{path}", may_fail=True)
    return done.output if done.ok else None


def list_files_at_head(repo: Repository, folder: str) -> list[str]:
    """Return the paths of the files below `folder` in what the user has checked out."""
    words = ("ls-tree", "-r", "-z", "--full-tree", "--name-only", "HEAD", "--", folder)
    return fields(call(words, cwd=repo.root, env=discovery_environment()).output)


def list_files(repo: Repository, commit: str) -> list[str]:
    """Return the paths of all files of a commit or tree, in git's order."""
    return fields(run(repo, "ls-tree", "-r", "-z", "--full-tree", "--name-only", commit).output)


def _trees(old: str, new: str) -> tuple[str, str]:
    return f"{old}^{{tree}}", f"{new}^{{tree}}"


def changed_paths(repo: Repository, old: str, new: str) -> list[str]:
    """Return the paths that differ (content or mode) between two commits or trees."""
    words = ("diff-tree", "-r", "-z", "--no-renames", "--name-only", "--ignore-submodules=none")
    return fields(run(repo, *words, *_trees(old, new)).output)


def diff_bytes(repo: Repository, old: str, new: str, paths: Sequence[str] = ()) -> bytes:
    """Return a patch (`git apply` takes it, binary files too) between two commits or trees."""
    words = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--binary")
    ends = _trees(old, new)
    return run(repo, *words, "--full-index", *ends, "--", *paths).output


def diff_text(repo: Repository, old: str, new: str, paths: Sequence[str] = ()) -> str:
    """Return the change between two commits or trees for reading; bad bytes are replaced."""
    words = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames")
    done = run(repo, *words, *_trees(old, new), "--", *paths)
    return done.output.decode("utf-8", "replace")


def diff_stat(repo: Repository, old: str, new: str) -> str:
    """Return which files differ between two commits or trees and by how much, as git counts it."""
    words = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--stat=100")
    return text(repo, *words, *_trees(old, new))


@dataclass(frozen=True)
class FileChange:
    """How much of one file a commit changed, in lines."""

    path: str
    added: int | None
    """None: the file is binary."""
    deleted: int | None


def changes_of(repo: Repository, commits: Sequence[str]) -> dict[str, tuple[FileChange, ...]]:
    """Return what each commit changed against its parent; one that is gone is left out.

    One process for any number of commits.
    """
    done = _diff_trees(repo, commits, "--numstat", "-z")
    found: dict[str, list[FileChange]] = {}
    here: list[FileChange] = []
    for entry in fields(done):
        added, tab, rest = entry.partition("\t")
        if not tab:
            here = found.setdefault(entry, [])
            continue
        deleted, _, path = rest.partition("\t")
        here.append(FileChange(path, _lines(added), _lines(deleted)))
    return {commit: tuple(changes) for commit, changes in found.items()}


def patches_of(repo: Repository, commits: Sequence[str]) -> dict[str, str]:
    """Return each commit's change for reading; bad bytes are replaced. One process for all."""
    found: dict[str, list[str]] = {}
    here: list[str] = []
    wanted = set(commits)
    for line in _diff_trees(repo, commits, "-p").decode("utf-8", "replace").split("\n"):
        if line in wanted:
            here = found.setdefault(line, [])
        else:
            here.append(line)
    return {commit: "\n".join(lines) for commit, lines in found.items()}


def _diff_trees(repo: Repository, commits: Sequence[str], *form: str) -> bytes:
    words = ("diff-tree", "--stdin", "-r", "--root", "--no-renames", "--no-ext-diff")
    given = "".join(f"{commit}\n" for commit in commits).encode()
    return run(repo, *words, "--no-textconv", "--no-color", *form, stdin=given).output


def _lines(count: str) -> int | None:
    return int(count) if count.isdigit() else None


def commit_info(repo: Repository, commit: str) -> CommitInfo:
    """Return one commit; raises `GitError` when it is not in the repository."""
    return _commits(repo, "-1", "--end-of-options", commit)[0]


def is_ancestor(repo: Repository, ancestor: str, commit: str) -> bool:
    """Tell whether `commit` can reach `ancestor` (a commit reaches itself)."""
    done = run(repo, "merge-base", "--is-ancestor", ancestor, commit, may_fail=True)
    if done.exit_code not in (0, 1):
        raise GitError(f"git cannot compare {ancestor!r} and {commit!r}: {last_line(done.errors)}")
    return done.exit_code == 0


def commits_between(repo: Repository, base: str, tip: str) -> list[CommitInfo]:
    """Return the commits that `tip` reaches and `base` does not, newest first."""
    return commits_beyond(repo, (base,), (tip,))


def steps_between(repo: Repository, base: str, tip: str) -> list[CommitInfo]:
    """Return by which commits a branch went from `base` to `tip`, newest first; a merge is one."""
    return _commits(repo, "--first-parent", "--end-of-options", tip, f"^{base}")


def commits_beyond(repo: Repository, bases: Sequence[str], tips: Sequence[str]) -> list[CommitInfo]:
    """Return the commits that one of `tips` reaches and none of `bases` does, newest first."""
    return _commits(repo, "--end-of-options", *tips, *(f"^{base}" for base in bases))


def _commits(repo: Repository, *which: str) -> list[CommitInfo]:
    pretty = "--format=tformat:%H%x00%P%x00%T%x00%B%x00%(trailers:only,unfold)"
    words = ("log", "-z", "--encoding=UTF-8", "--no-show-signature", "--no-color", pretty)
    done = run(repo, *words, *which)
    parts = done.output.decode("utf-8", "replace").split("\0")
    rows = [parts[start : start + 5] for start in range(0, len(parts) - 4, 5)]
    return [
        CommitInfo(oid, tuple(parents.split()), tree, message.rstrip("\n"), _trailers(trailers))
        for oid, parents, tree, message, trailers in rows
    ]


def _trailers(lines: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines.splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), []).append(value.strip())
    return found


def find_attempt(repo: Repository, base: str, tip: str, attempt_id: str) -> CommitInfo | None:
    """Return the newest commit between `base` and `tip` that carries this `Attempt-Id`."""
    commits = commits_between(repo, base, tip)
    return next((c for c in commits if c.trailers.get("Attempt-Id") == [attempt_id]), None)


def is_mentioned(repo: Repository, tip: str, text: str) -> bool:
    """Tell whether a commit that `tip` reaches has `text` in its message."""
    words = ("log", "-1", "--format=%H", "--fixed-strings", f"--grep={text}")
    return bool(run(repo, *words, "--end-of-options", tip).output.strip())


def worktree_with(repo: Repository, branch: str) -> Path | None:
    """Return the checkout that has `branch` (short name) checked out, or None.

    Asked before every step of a run, so git is started only when a checkout's HEAD may name it.
    """
    heads = [repo.git_dir / "HEAD", *repo.git_dir.glob("worktrees/*/HEAD")]
    if all(_is_elsewhere(head, f"refs/heads/{branch}") for head in heads):
        return None
    wanted = f"branch refs/heads/{branch}"
    return next((place for place, said in worktrees(repo).items() if wanted in said), None)


def _is_elsewhere(head: Path, ref: str) -> bool:
    """Tell whether the file of a HEAD surely names something else than `ref`.

    Not sure: it cannot be read, is a link (an old form), or stands in for a table of refs
    (`refs/heads/.invalid`, git's reftable format).
    """
    try:
        said = _HEAD.fullmatch(head.read_text("utf-8", "surrogateescape"))
    except OSError:
        return False
    return said is not None and not head.is_symlink() and said["ref"] not in (ref, NO_HEAD)


def worktrees(repo: Repository) -> dict[Path, list[str]]:
    """Return all checkouts of the repository, each with what git says of it, line by line."""
    blocks = run(repo, "worktree", "list", "--porcelain", "-z").output.split(b"\0\0")
    found = [lines for block in blocks if (lines := fields(block))]
    return {Path(first.removeprefix("worktree ")): rest for first, *rest in found}


def prefix_collision(repo: Repository, prefix: str) -> str | None:
    """Return the branch that makes branches under `prefix/` impossible (`x` blocks `x/y`)."""
    parts = prefix.strip("/").split("/")
    names = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    return next((name for name in names if ref_exists(repo, f"refs/heads/{name}")), None)


def alternate_stores(repo: Repository) -> tuple[Path, ...]:
    """Return the object stores that the repository borrows from (absolute, transitive).

    Sandboxes show them, so a folder that is no object store is left out.
    """
    found: list[Path] = []
    waiting = [repo.objects]
    while waiting:
        store = waiting.pop()
        listing = store / "info" / "alternates"
        names = listing.read_text().splitlines() if listing.is_file() else []
        for name in names:
            if name and not name.startswith("#"):
                other = (store / name).resolve()
                if (other / "pack").is_dir() and other not in found:
                    found.append(other)
                    waiting.append(other)
    return tuple(found)
