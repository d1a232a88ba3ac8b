"""What would be lost if the power failed now: watches what Python asks of the system.

    with watching(root) as disk:
        ...
        assert disk.at_risk == set()

At risk are files written and not synced since, and folders in which a name was made, moved or taken
away and that were not synced since. Lock files do not count: nothing is in them.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class NotSynced(AssertionError):
    """A file got its final name before its content was on the disk."""


@dataclass
class Disk:
    """The part of the disk below `root`: what is safe, and what is not."""

    root: Path
    at_risk: set[str] = field(default_factory=set)
    """Paths of files and folders, relative to `root`."""
    safe: set[str] = field(default_factory=set)
    """What was waited for and not changed since."""

    def touch(self, path: Path) -> None:
        """Count `path` as changed."""
        if path.is_relative_to(self.root) and path.suffix != ".lock":
            self.at_risk.add(self._name(path))
            self.safe.discard(self._name(path))

    def sync(self, handle: int) -> None:
        """Count what is behind a descriptor as safe."""
        name = self._name(self.path(handle))
        self.at_risk.discard(name)
        self.safe.add(name)

    def move(self, old: Path, new: Path) -> None:
        """Count both folders as changed; raises `NotSynced` when the content is not safe."""
        if old.is_relative_to(self.root) and self._name(old) not in self.safe:
            raise NotSynced(f"{new} is in place before its content is safe")
        self.safe.discard(self._name(old))
        self.touch(old.parent)
        self.touch(new.parent)

    def path(self, handle: int) -> Path:
        """Return what a descriptor stands for."""
        return Path(f"/proc/self/fd/{handle}").readlink()

    def _name(self, path: Path) -> str:
        return os.path.relpath(path, self.root)


@contextmanager
def watching(root: Path) -> Iterator[Disk]:
    """Watch everything below `root` while inside."""
    disk = Disk(root.resolve())
    before = {name: getattr(os, name) for name in _watched(disk)}
    for name, seen in _watched(disk).items():
        setattr(os, name, _seeing(before[name], seen))
    try:
        yield disk
    finally:
        for name, real in before.items():
            setattr(os, name, real)


def _watched(disk: Disk) -> dict[str, Callable[..., None]]:
    """Return what is noted of each call of the system, before it is made."""

    def opened(path: Any, flags: int, *_: Any, **__: Any) -> None:
        where = Path(os.fsdecode(path)).absolute()
        if flags & os.O_CREAT and where.suffix not in (".lock", ".tmp") and not where.exists():
            disk.touch(where.parent)

    return {
        "open": opened,
        "mkdir": lambda path, *_, **__: opened(path, os.O_CREAT),
        "write": lambda handle, *_: disk.touch(disk.path(handle)),
        "ftruncate": lambda handle, *_: disk.touch(disk.path(handle)),
        "fsync": disk.sync,
        "fdatasync": disk.sync,
        "replace": lambda old, new, **_: disk.move(Path(old).absolute(), Path(new).absolute()),
        "link": lambda old, new, **_: disk.move(Path(old).absolute(), Path(new).absolute()),
    }


def _seeing(real: Callable[..., Any], seen: Callable[..., None]) -> Callable[..., Any]:
    def call(*words: Any, **options: Any) -> Any:
        seen(*words, **options)
        return real(*words, **options)

    return call
