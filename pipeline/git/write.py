"""What the pipeline writes into a repository: trees, commits, and refs by compare-and-swap."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.errors import PipelineError, cannot_write
from pipeline.git.program import GitError, Plain, Repository, fields, last_line, maybe, plain, run

GITLINK = "160000"
FILES = ("100644", "100755")
SHA256_DIGITS = 64
COMPLAINTS = 5
CANNOT_STORE = (b"failed to insert into database", b"unable to write", b"No space left")
"""What git says when the object store is to blame, and not what it is to hold."""
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+"
)


class RefMoved(PipelineError):
    """Raised when a ref is not where it was expected; `actual` is where it is (None: gone)."""

    def __init__(self, message: str, actual: str | None) -> None:
        super().__init__(message)
        self.actual = actual


class WorkTreeProblem(PipelineError):
    """Raised for what a work tree holds and git cannot; whoever works there can mend it."""


class CannotAdd(WorkTreeProblem):
    """Raised for pipes, sockets, unreadable files and names that git keeps for itself."""


class NestedRepository(WorkTreeProblem):
    """Raised when a work tree holds repositories of its own; `names` are their folders."""

    def __init__(self, names: Sequence[str]) -> None:
        shown = ", ".join(repr(name) for name in names)
        super().__init__(f"nested git repositories cannot be committed: {shown}; remove them")
        self.names = tuple(names)


@dataclass(frozen=True)
class Identity:
    """Who a commit is by."""

    name: str
    email: str


PIPELINE_IDENTITY = Identity("pipeline", "pipeline@localhost")


def one_line(text: str, *, limit: int | None = None) -> str:
    """Return text without line breaks, control, bidi or zero-width characters, cut to `limit`."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    if limit is not None and len(line) > limit:
        return line[: limit - 3].rstrip() + "..."
    return line


def check_out(repo: Repository, tree: str, *, work_tree: Path, index: Path) -> None:
    """Make `work_tree` hold exactly `tree` (a commit or tree), without any other file.

    `index` is private and keeps what is known of the files between calls; `.git` is left alone.
    """
    was_empty = not any(work_tree.iterdir())
    with plain(repo, work_tree=work_tree, index=index) as git:
        git.run("read-tree", "--reset", "-u", f"{tree}^{{tree}}", cwd=work_tree)
        if not was_empty:
            git.run("clean", "-ffdxq", cwd=work_tree)


def undo_paths(
    repo: Repository,
    tree: str,
    base: str,
    paths: Sequence[str],
    *,
    work_tree: Path,
    index: Path,
) -> str:
    """Return `tree` with `paths` as `base` has them (or has not), and bring the work tree there.

    `index` must hold `tree`, as `write_tree` leaves it.
    """
    wanted = frozenset(paths)
    zeros = "0" * len(tree)
    with plain(repo) as git:
        removed = [f"0 {zeros}\t{path}" for path in paths]
        git.run("read-tree", tree)
        git.run("update-index", "-z", "--index-info", stdin=_joined(removed))
        listed = fields(git.run("ls-tree", "-r", "-z", "--full-tree", base).output)
        restored = [entry for entry in listed if entry.split("\t", 1)[1] in wanted]
        git.run("update-index", "-z", "--index-info", stdin=_joined(restored))
        undone = git.run("write-tree").output.decode().strip()
    with plain(repo, work_tree=work_tree, index=index) as git:
        git.run("read-tree", "--reset", "-u", undone, cwd=work_tree)
    return undone


def _joined(entries: Sequence[str]) -> bytes:
    return "".join(f"{entry}\0" for entry in entries).encode("utf-8", "surrogateescape")


def write_tree(
    repo: Repository,
    work_tree: Path,
    index: Path,
    base: str,
    *,
    force: Sequence[str] = (),
    exclude: tuple[str, ...] = (),
    leave_out: bool = False,
) -> str:
    """Write everything in a work tree as a tree and return its id.

    Ignored files are left out, except `force` (paths that count although they are ignored);
    `exclude` are ignore patterns beside the user's own. The index is left as the new tree.
    Raises `NestedRepository` for a repository in the work tree that `base` does not have, and
    `CannotAdd` for what git cannot hold, unless it is to be left out (`leave_out`).
    """
    with plain(repo, work_tree=work_tree, index=index, exclude=exclude) as git:
        git.run("read-tree", "--reset", f"{base}^{{tree}}", cwd=work_tree)
        _refuse_filled_submodules(git, work_tree)
        _add(git, work_tree, "-A", *(["--ignore-errors"] if leave_out else []))
        there = [path for path in force if os.path.lexists(work_tree / path)]
        if there:
            _add(git, work_tree, "-f", "--", *there)
        changes = _staged(git, base)
        _refuse_new_gitlinks(changes)
        _leave_as_stored(git, work_tree, changes)
        return git.run("write-tree").output.decode().strip()


def _add(git: Plain, work_tree: Path, *words: str) -> None:
    done = git.run("add", *words, cwd=work_tree, may_fail=True)
    if b"does not have a commit checked out" in done.errors:
        found = re.search(rb"'([^']*)' does not have a commit", done.errors)
        raise NestedRepository([found[1].decode("utf-8", "replace").rstrip("/") if found else "?"])
    if any(sign in done.errors for sign in CANNOT_STORE):
        raise GitError(f"git cannot store {str(work_tree)!r}: {_complaints(done.errors)}")
    if not done.ok and "--ignore-errors" not in words:
        raise CannotAdd(f"git cannot hold what is here: {_complaints(done.errors)}; remove it")


def _complaints(errors: bytes) -> str:
    """Return the names that git complains about, a few of them."""
    lines = [one_line(line) for line in errors.decode("utf-8", "replace").splitlines()]
    told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return "; ".join(dict.fromkeys(told[:COMPLAINTS])) or last_line(errors)


def _refuse_filled_submodules(git: Plain, work_tree: Path) -> None:
    """Keep git from looking into a submodule's folder, where it would obey the config it finds."""
    staged = fields(git.run("ls-files", "-s", "-z").output)
    links = [entry.split("\t", 1)[1] for entry in staged if entry.startswith(GITLINK)]
    filled = [path for path in links if os.path.lexists(work_tree / path / ".git")]
    if filled:
        raise NestedRepository(filled)


def _staged(git: Plain, base: str) -> list[tuple[list[str], str]]:
    """Return what the index changes: (both modes, both object ids, how), path."""
    words = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--ignore-submodules=none")
    parts = fields(git.run(*words, f"{base}^{{tree}}").output)
    return [(facts.split(" "), path) for facts, path in zip(parts[::2], parts[1::2], strict=True)]


def _refuse_new_gitlinks(changes: Sequence[tuple[list[str], str]]) -> None:
    links = [path for (_, mode, *_), path in changes if mode == GITLINK]
    if links:
        raise NestedRepository(links)


def _leave_as_stored(git: Plain, work_tree: Path, changes: Sequence[tuple[list[str], str]]) -> None:
    """Take back what git changed by itself: files stored with line ends that attributes forbid.

    Nobody wrote to those, and whether git looks at them again hangs on the clock.
    """
    same = [
        f"{mode} {old}\t{path}"
        for (_, mode, old, _, how), path in changes
        if how == "M" and mode in FILES and _is_blob(work_tree / path, old)
    ]
    if same:
        git.run("update-index", "-z", "--index-info", stdin=_joined(same))


def _is_blob(place: Path, oid: str) -> bool:
    """Tell whether a file is a stored object byte for byte (Pro Git, "Git Objects")."""
    with place.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.new("sha256" if len(oid) == SHA256_DIGITS else "sha1", b"blob %d\0" % size)
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest() == oid


def commit_tree(
    repo: Repository,
    tree: str,
    parents: Sequence[str],
    message: str,
    *,
    author: Identity = PIPELINE_IDENTITY,
    when: datetime,
) -> str:
    """Make a commit object and return its id; no ref moves. `when` is aware."""
    date = f"@{int(when.timestamp())} +0000"
    env = {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_NAME": PIPELINE_IDENTITY.name,
        "GIT_COMMITTER_EMAIL": PIPELINE_IDENTITY.email,
        "GIT_COMMITTER_DATE": date,
    }
    words = [word for parent in parents for word in ("-p", parent)]
    text = message.encode("utf-8", "replace")
    done = run(repo, "commit-tree", tree, *words, "-F", "-", stdin=text, env=env)
    return done.output.decode().strip()


def update_ref(repo: Repository, ref: str, new: str, old: str | None, reason: str) -> None:
    """Move a ref from `old` (None: it must not exist) to `new`, durably, or not at all.

    Raises `RefMoved` when the ref is elsewhere. When this returns, power loss does not undo it.
    """
    zeros = "0" * len(new)
    env = {
        "GIT_COMMITTER_NAME": PIPELINE_IDENTITY.name,
        "GIT_COMMITTER_EMAIL": PIPELINE_IDENTITY.email,
    }
    words = ("update-ref", "-m", one_line(reason), ref, new, old or zeros)
    done = run(repo, *words, env=env, may_fail=True)
    if not done.ok:
        actual = maybe(repo, "rev-parse", "--verify", "-q", ref)
        if actual != old:
            where = f"is at {actual}" if actual else "is gone"
            raise RefMoved(f"{ref!r} {where}, expected {old or 'that it does not exist'}", actual)
        raise GitError(f"git cannot move {ref!r}: {last_line(done.errors)}")
    sync_folders(repo.git_dir, ref)


def delete_refs(repo: Repository, refs: Mapping[str, str]) -> None:
    """Delete refs that are still at the commits given (name -> commit), all of them or none."""
    if refs:
        orders = [f"delete {ref} {commit}" for ref, commit in refs.items()]
        run(repo, "update-ref", "--stdin", stdin="".join(f"{one}\n" for one in orders).encode())


def _sync(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise cannot_write(folder, error) from error


def sync_folders(git_dir: Path, ref: str) -> None:
    """Make the names on a ref's path durable: fsync each folder from the ref's up to git's."""
    folder = (git_dir / ref).parent
    while True:
        if folder.is_dir():
            _sync(folder)
        if folder == git_dir:
            return
        folder = folder.parent


def merge_trees(repo: Repository, ours: str, theirs: str) -> str | None:
    """Merge two commits without a work tree; return the tree's id, or None on a conflict."""
    with plain(repo) as git:
        done = git.run("merge-tree", "--write-tree", "--no-messages", ours, theirs, may_fail=True)
    if done.exit_code > 1:
        raise GitError(f"git cannot merge {ours!r} and {theirs!r}: {last_line(done.errors)}")
    return done.output.decode().splitlines()[0] if done.ok else None


def remove_stale_locks(repo: Repository, prefixes: Sequence[str]) -> list[Path]:
    """Remove `*.lock` files that a killed git left under our ref prefixes; return them.

    Call it only while holding the run's lock, with prefixes that are ours alone
    (`refs/heads/pipeline/`, `refs/pipeline/`).
    """
    removed = []
    for prefix in prefixes:
        for lock in sorted((repo.git_dir / prefix).rglob("*.lock")):
            with suppress(FileNotFoundError):
                lock.unlink()
                removed.append(lock)
    return removed
