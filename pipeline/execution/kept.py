"""What a workspace holds besides its commit: dependencies, build caches, generated files.

    .venv venv node_modules  and whatever `workspace.keep` names    read-only, from the checkout
    target .tox                                                     a copy per workspace
    a folder that the commit has in part                            its other files are copied in

A name that the commit itself has is never covered: the change is what gets tested.
"""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline import proc
from pipeline.errors import PipelineError
from pipeline.execution.toolchains import is_environment
from pipeline.git import Repository, blobs_at, list_files

DEPENDENCIES = (".venv", "venv", "node_modules")
CACHES = ("target", ".tox")
LINKED_ALIKE = ("node_modules", *CACHES)
"""Nothing in such a folder tells that it is one; where it is a link, its end must have the name."""
CACHE_COPY_SECONDS = 600.0
BINS = {".venv": "bin", "venv": "bin", "node_modules": ".bin"}


@dataclass(frozen=True)
class Kept:
    """What is put into one workspace; all paths absolute."""

    keep: tuple[Path, ...] = ()
    """In the checkout; mounted read-only from there."""
    copies: tuple[tuple[Path, Path], ...] = ()
    """(folder on the host, mount point in the checkout)."""
    files: tuple[tuple[Path, str], ...] = ()
    """(file of the checkout, path in the workspace): copied."""
    mounts: tuple[str, ...] = ()
    """Mount points, relative to the root."""
    bins: tuple[Path, ...] = ()
    checkout: Path = Path("/")

    @property
    def exclude(self) -> tuple[str, ...]:
        """Return ignore patterns for everything that was put in."""
        names = [*self.mounts, *(name for _, name in self.files)]
        return tuple("/" + re.sub(r"([\\*?\[\] ])", r"\\\1", name) for name in names)

    @property
    def targets(self) -> tuple[Path, ...]:
        """Return where kept links lead outside the checkout; scripts name these paths."""
        real = ((place, place.resolve()) for place in self.keep)
        return tuple(end for place, end in real if place.is_symlink() and is_environment(end))


def find_kept(repo: Repository, names: Sequence[str], tree: str, copies: Path) -> Kept:
    """Return what to keep of the user's checkout beside `tree`; missing caches are copied now.

    `names` are paths relative to the checkout; `copies` is the workspace's folder for caches.
    """
    wanted = [name.rstrip("/") for name in dict.fromkeys([*DEPENDENCIES, *CACHES, *names])]
    there = [name for name in wanted if (repo.root / name).exists()]
    there = [name for name in there if name not in LINKED_ALIKE or _is_itself(repo.root / name)]
    tracked = blobs_at(repo, tree, there) if there else {}
    free = [name for name in there if tracked[name] is None]
    caches = [name for name in free if PurePosixPath(name).name in CACHES]
    bound = [name for name in free if name not in caches and _is_wanted(repo.root, name)]
    shared = [name for name in there if tracked[name] is not None and name in names]
    for name in caches:
        _copy_cache(repo.root / name, copies / _flat(name))
    return Kept(
        keep=tuple(repo.root / name for name in bound),
        copies=tuple((copies / _flat(name), repo.root / name) for name in caches),
        files=tuple(_untracked_files(repo, tree, shared)),
        mounts=(*bound, *caches),
        bins=tuple(repo.root / name / BINS[name] for name in bound if name in BINS),
        checkout=repo.root,
    )


def place_kept(kept: Kept, root: Path, *, linked: bool) -> None:
    """Make the mount points and copy the files; `linked`: nothing will be mounted, so link.

    A path that leads through a link of the commit is left out: it would lead out of `root`.
    """
    for name in kept.mounts:
        source, target = kept.checkout / name, root / name
        if not _is_own(root, target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if linked:
            copy = {place: folder for folder, place in kept.copies}.get(source)
            target.symlink_to(copy or source)
        elif source.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.touch()
    for source, name in kept.files:
        target = root / name
        if _is_own(root, target) and not os.path.lexists(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _is_itself(place: Path) -> bool:
    """Tell whether a folder is no link, or one to a folder of the same name.

    The branch that is checked out may hold a link of that name to anything of the user's.
    """
    return place.resolve().name == place.name


def _is_wanted(checkout: Path, name: str) -> bool:
    """Tell whether a detected name is what it seems to be; `venv` may be anybody's folder."""
    place = checkout / name
    return is_environment(place) if name in (".venv", "venv") else True


def _is_own(root: Path, target: Path) -> bool:
    """Tell whether no part of the way from `root` to `target` is a link."""
    parents = [target, *target.parents]
    return not any(part.is_symlink() for part in parents[: parents.index(root)])


def _untracked_files(repo: Repository, tree: str, names: Sequence[str]) -> list[tuple[Path, str]]:
    if not names:
        return []
    tracked = set(list_files(repo, tree))
    found = []
    for name in names:
        for folder, _, files in os.walk(repo.root / name):
            for file in files:
                source = Path(folder, file)
                path = source.relative_to(repo.root).as_posix()
                if path not in tracked and not source.is_symlink():
                    found.append((source, path))
    return found


def _copy_cache(source: Path, target: Path) -> None:
    """Copy a build cache once, sharing blocks where the file system can."""
    if target.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    words = ["cp", "-a", "--reflink=auto", "--", f"{source}/.", str(unfinished)]
    done = proc.run(words, timeout_s=CACHE_COPY_SECONDS)
    if not done.ok:
        reason = done.errors.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise PipelineError(f"cannot copy the build cache {str(source)!r}: {' '.join(reason)}")
    unfinished.rename(target)


def _flat(name: str) -> str:
    return name.replace("/", "%2F")
