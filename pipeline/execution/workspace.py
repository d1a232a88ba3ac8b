"""The private clones in which agents read, edit and test, and in which trees are verified.

    <user cache>/workspaces/<repository>/<name>/tree     the files; mounted at the user's checkout
                                               /tree/.git  private, rebuilt on every open
                                               /index    ours: what git knows of the files
                                               /copies/  caches of builds, writable, one per name

The pipeline's git never reads `tree/.git`: an agent may have written anything there.
"""

import errno
import hashlib
import itertools
import os
import shlex
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline import proc
from pipeline.errors import PipelineError
from pipeline.execution.kept import Kept, find_kept, place_kept
from pipeline.execution.toolchains import (
    Toolchains,
    find_toolchains,
    interpreters,
    site_settings,
)
from pipeline.git import GitError, Repository, alternate_stores, check_out, text, write_skeleton
from pipeline.git.read import count_missing
from pipeline.paths import Places
from pipeline.sandbox import Jail, Sandbox
from pipeline.sandbox.jail import SYSTEM_BINS
from pipeline.store.files import make_folder

FRESH = "fresh-"
SETUP_SECONDS = 600.0
REMOVE_SECONDS = 600.0
MOST_DEEP = 100
PRIVATE = 0o700
MOST_TIMES = 2_000
"""So many places are asked when they were last changed."""


@dataclass(frozen=True)
class Workspace:
    """One private clone, at exactly one commit or tree when it was opened."""

    root: Path
    """Its folder on the host."""
    jail: Jail
    """How commands see it."""
    commit: str
    """What HEAD is."""
    index: Path
    """Our own index of it, outside `root`."""
    exclude: tuple[str, ...] = ()
    """Ignore patterns for what was put into it besides the commit."""


class Workspaces:
    """Makes the workspaces of one repository; call it from the thread that holds the run."""

    def __init__(
        self,
        repo: Repository,
        places: Places,
        sandbox: Sandbox,
        keep: Sequence[str] = (),
        setup: Sequence[str] = (),
        *,
        toolchains: Toolchains | None = None,
    ) -> None:
        self._repo = repo
        self._places = places
        self._sandbox = sandbox
        self._keep = tuple(keep)
        self._setup = tuple(setup)
        self._toolchains = toolchains
        self._untouched: dict[str, Workspace] = {}
        """What `open_for_reading` opened, by name."""

    @property
    def toolchains(self) -> Toolchains:
        """Return what was given, else what is found for the current user, asked once."""
        if self._toolchains is None:
            self._toolchains = find_toolchains(Path.home(), proc.search_path(), self._repo.root)
        return self._toolchains

    def fingerprint(self) -> str:
        """Return what changes when the tools change that commands find here: a digest.

        Seen by names and times alone: programs, dependencies and caches that are let in.
        """
        tools = self.toolchains
        places = [*tools.bins, *tools.read, *map(Path, SYSTEM_BINS)]
        kept = [self._repo.root / name for name in self._keep]
        said = (self._sandbox.name, self._setup, tools.env, *_times(places, 0), *_times(kept, 4))
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]

    def path(self, name: str) -> Path:
        """Return the folder of a named workspace, whether it exists or not."""
        return self._places.repo_cache / name / "tree"

    def open(self, name: str, commit: str) -> Workspace:
        """Bring the long-lived workspace `name` to exactly `commit` and return it.

        Nothing that was in it survives but build caches. Raises `PipelineError` when a setup
        command fails.
        """
        folder = self._places.repo_cache / name
        self._untouched.pop(name, None)
        try:
            workspace = self._fill(folder, commit, commit)
        except (GitError, OSError):
            remove_tree(folder)  # an unreadable rest of an attempt; a new clone needs nothing of it
            workspace = self._fill_anew(folder, commit)
        self._set_up(workspace)
        return workspace

    def open_for_reading(self, name: str, commit: str) -> Workspace:
        """Do what `open` does, for work that cannot write (the plan profile).

        What this process opened before at the same commit is still exactly that.
        """
        known = self._untouched.get(name)
        if known is None or known.commit != commit or not (known.root / ".git").is_dir():
            known = self.open(name, commit)
            self._untouched[name] = known
        return known

    @contextmanager
    def fresh(self, tree: str, head: str) -> Iterator[Workspace]:
        """Make a throw-away clone: files and index are `tree`, HEAD is `head`."""
        make_folder(self._places.repo_cache)
        folder = Path(tempfile.mkdtemp(prefix=FRESH, dir=self._places.repo_cache))
        try:
            workspace = self._fill(folder, tree, head)
            self._set_up(workspace)
            yield workspace
        finally:
            remove_tree(folder)

    def sweep(self) -> None:
        """Remove throw-away clones that a killed process left behind."""
        for folder in self._places.repo_cache.glob(f"{FRESH}*"):
            remove_tree(folder)

    def _fill_anew(self, folder: Path, commit: str) -> Workspace:
        try:
            return self._fill(folder, commit, commit)
        except OSError as error:
            raise PipelineError(
                f"cannot make the workspace {str(folder)!r}: {error.strerror}; "
                "is there room on the disk?"
            ) from error

    def _fill(self, folder: Path, tree: str, head: str) -> Workspace:
        root, index = folder / "tree", folder / "index"
        keep_private(self._places.user.cache)
        root.mkdir(parents=True, exist_ok=True)
        (folder / "index.lock").unlink(missing_ok=True)
        _remove_git(root)
        reset_modes(root)
        try:
            check_out(self._repo, tree, work_tree=root, index=index)
        except GitError:
            refuse_partial(self._repo, tree)
            raise
        kept = find_kept(self._repo, self._keep, tree, folder / "copies")
        place_kept(kept, root, linked=self._sandbox.name != "bwrap")
        self._write_git(root, index, head, kept)
        jail = self._jail(root, kept)
        return Workspace(root=root, jail=jail, commit=head, index=index, exclude=kept.exclude)

    def _write_git(self, root: Path, index: Path, head: str, kept: Kept) -> None:
        """Build the private `.git` by hand: objects borrowed, tags packed, no remote."""
        git_dir = root / ".git"
        write_skeleton(git_dir, self._repo, head=head, exclude=kept.exclude)
        stores = [self._sandbox.objects_path(self._repo.objects), *alternate_stores(self._repo)]
        (git_dir / "objects" / "info" / "alternates").write_text(
            "".join(f"{store}\n" for store in stores)
        )
        tags = text(self._repo, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags")
        (git_dir / "packed-refs").write_text(f"# pack-refs with: sorted\n{tags}\n" if tags else "")
        shutil.copy2(index, git_dir / "index")

    def _jail(self, root: Path, kept: Kept) -> Jail:
        tools, user = self.toolchains, self._places.user
        checkout = self._repo.root
        pythons = interpreters(kept.keep, tools.read)
        found = [*tools.read, *pythons, *kept.targets, *alternate_stores(self._repo)]
        read = tuple(place for place in found if not place.is_relative_to(checkout))
        return Jail(
            workspace=root,
            checkout=checkout,
            objects=self._repo.objects,
            keep=kept.keep,
            copies=kept.copies,
            read=read,
            hide=(self._repo.git_dir, user.config, user.state, user.cache),
            blank=site_settings((*read, *kept.keep)),
            bins=(*kept.bins, *tools.bins),
            env=tools.env,
        )

    def _set_up(self, workspace: Workspace) -> None:
        for command in self._setup:
            done = self._sandbox.run(
                command, workspace.jail, "execute", timeout_s=SETUP_SECONDS, stop=proc.never
            )
            if not done.ok:
                tail = done.output.decode("utf-8", "replace").strip().splitlines()[-1:]
                raise PipelineError(
                    f"workspace.setup command {command!r} failed "
                    f"(exit {done.exit_code}): {' '.join(tail)}"
                )


def _times(places: Iterable[Path], depth: int) -> Iterator[tuple[str, int]]:
    """Yield when places were last changed, and the folders in them, so deep and so many."""
    waiting = [(place, depth) for place in places]
    for place, _ in itertools.islice(_below(waiting), MOST_TIMES):
        with suppress(OSError):
            yield str(place), place.stat().st_mtime_ns


def _below(waiting: list[tuple[Path, int]]) -> Iterator[tuple[Path, int]]:
    """Yield places and the folders below them, nearest first; what is appended comes too."""
    for place, depth in waiting:
        yield place, depth
        if depth > 0:
            with suppress(OSError), os.scandir(place) as entries:
                inside = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False))
                waiting.extend((place / name, depth - 1) for name in inside)


def refuse_partial(repo: Repository, commit: str) -> None:
    """Raise `PipelineError` when a partial clone has not all files of `commit`."""
    missing = count_missing(repo, commit)
    if missing:
        raise PipelineError(
            f"{missing} objects of {commit[:12]} are not in this partial clone, and the pipeline "
            f"downloads nothing: git -C {shlex.quote(str(repo.root))} fetch --refetch --no-filter"
        )


def keep_private(folder: Path) -> None:
    """Make a folder where it is missing, and let nobody else in: what agents write lies there."""
    make_folder(folder)
    if stat.S_IMODE(folder.stat().st_mode) != PRIVATE:
        folder.chmod(PRIVATE)


def _remove_git(root: Path) -> None:
    """Remove whatever an agent made of `.git`: folder, file or link."""
    git_dir = root / ".git"
    if git_dir.is_symlink() or git_dir.is_file():
        git_dir.unlink()
    remove_tree(git_dir)


def remove_tree(folder: Path) -> None:
    """Remove a folder, however deep, even when somebody took the right to do so from parts of it.

    By the `rm` program: Python's own way gives up on folders a thousand deep.
    """
    if not os.path.lexists(folder) or _run_rm(folder).ok:
        return
    proc.run(["chmod", "-R", "u+rwX", "--", str(folder)], timeout_s=REMOVE_SECONDS)
    done = _run_rm(folder)
    if not done.ok:
        reason = done.errors.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise PipelineError(f"cannot remove {str(folder)!r}: {' '.join(reason)}; remove it by hand")


def _run_rm(folder: Path) -> proc.Finished:
    return proc.run(["rm", "-rf", "--", str(folder)], timeout_s=REMOVE_SECONDS)


def reset_modes(folder: Path) -> None:
    """Give folders and files below `folder` their plain modes; git knows only the x bit.

    Raises `OSError` for folders that are too deep: git needs minutes to remove those.
    """
    folder.chmod(0o755)
    waiting, deepest = [folder], len(folder.parts) + MOST_DEEP
    while waiting:
        current = waiting.pop()
        if len(current.parts) > deepest:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(current))
        with os.scandir(current) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISLNK(mode):
                    continue
                plain = 0o755 if stat.S_ISDIR(mode) or mode & 0o100 else 0o644
                if stat.S_IMODE(mode) != plain:
                    Path(entry).chmod(plain)
                if stat.S_ISDIR(mode):
                    waiting.append(Path(entry))
