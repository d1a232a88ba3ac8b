"""Control groups: the only limit on processes that binds root, and the only one on all memory.

    <mount of the controller>/<our own group or one above it>/pipeline-<pid>-<random>/

One group for each command, made before and removed after it. Both hierarchies of the kernel are
known: version 1 has a mount per controller, version 2 one for all (cgroups(7)).
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipeline import proc
from pipeline.sandbox.limits import MB, CommandLimits

PREFIX = "pipeline-"
JOIN = """for g in $0; do echo 0 >"$g/cgroup.procs" || exit 1; done; exec "$@\""""
"""For `sh -c`: `$0` holds the groups, whose names have no spaces."""
TRIES = 20
BOUND = frozenset({"pids", "memory"})


@dataclass(frozen=True)
class Parent:
    """A folder in which groups that bind something can be made."""

    folder: Path
    binds: frozenset[str]
    """Of `pids` and `memory`."""
    version: int


FILES = {("pids", 1): "pids.max", ("pids", 2): "pids.max"} | {
    ("memory", 1): "memory.limit_in_bytes",
    ("memory", 2): "memory.max",
}


@dataclass(frozen=True)
class Groups:
    """Where groups for commands are made; empty where the machine lets us make none."""

    parents: tuple[Parent, ...] = ()

    @property
    def binds(self) -> frozenset[str]:
        """Return what groups limit here: `pids`, `memory`."""
        return frozenset().union(*(parent.binds for parent in self.parents))

    @contextmanager
    def joined(self, limits: CommandLimits) -> Iterator[list[str]]:
        """Make groups for one command; gives the words that go before its own."""
        made: list[Path] = []
        try:
            for parent in self.parents:
                group = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent.folder))
                made.append(group)
                _write(group, parent, limits)
            yield _joining(made) if made else []
        finally:
            for group in made:
                _remove(group)


def find_groups(table: str = "/proc/self/cgroup", mounts: str = "/proc/self/mounts") -> Groups:
    """Return where groups can be made, tried with one; those of dead processes are removed."""
    found: list[Parent] = []
    for one in _hierarchies(table, mounts):
        own = one.root / one.own
        above = [folder for folder in [own, *own.parents] if folder.is_relative_to(one.root)]
        tried = (_tried(folder, one.wanted, one.version) for folder in above)
        found += islice((parent for parent in tried if parent is not None), 1)
    for parent in found:
        _sweep(parent.folder)
    return Groups(tuple(found))


@dataclass(frozen=True)
class _Hierarchy:
    wanted: frozenset[str]
    root: Path
    """Where it is mounted."""
    own: str
    """Our own group, below `root`."""
    version: int


def _hierarchies(table: str, mounts: str) -> list[_Hierarchy]:
    groups = [line.split(":", 2) for line in _lines(table)]
    found = []
    for words in (line.split() for line in _lines(mounts)):
        if len(words) < 4 or words[2] not in ("cgroup", "cgroup2"):
            continue
        version = 2 if words[2] == "cgroup2" else 1
        wanted = BOUND if version == 2 else BOUND & set(words[3].split(","))
        for number, names, own in (group for group in groups if len(group) == 3):
            if number == "0" if version == 2 else wanted & set(names.split(",")):
                found.append(_Hierarchy(wanted, Path(words[1]), own.lstrip("/"), version))
    return found


def _tried(folder: Path, wanted: frozenset[str], version: int) -> Parent | None:
    """Make a group in `folder` and put a process into it; None when that does not work."""
    try:
        group = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=folder))
    except OSError:
        return None
    try:
        binds = frozenset(one for one in wanted if (group / FILES[one, version]).exists())
        parent = Parent(folder, binds, version)
        _write(group, parent, CommandLimits())
        works = binds and proc.run([*_joining([group]), "true"], timeout_s=10).ok
        return parent if works else None
    except OSError:
        return None
    finally:
        _remove(group)


def _joining(groups: list[Path]) -> list[str]:
    return ["sh", "-c", JOIN, " ".join(map(str, groups))]


def _write(group: Path, parent: Parent, limits: CommandLimits) -> None:
    values = {"pids": limits.processes, "memory": limits.memory_mb * MB}
    for one in parent.binds:
        (group / FILES[one, parent.version]).write_text(str(values[one]))


def _remove(group: Path) -> None:
    """Remove a group; the kernel needs a moment after its last process has ended."""
    for _ in range(TRIES):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            os.sched_yield()
        else:
            return


def _sweep(folder: Path) -> None:
    for group in folder.glob(f"{PREFIX}*"):
        owner = group.name.removeprefix(PREFIX).partition("-")[0]
        if not Path("/proc", owner).exists():
            with suppress(OSError):
                group.rmdir()


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
