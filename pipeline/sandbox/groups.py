"""Control groups: the only limit on processes that binds root, and the only one on all memory.

    <mount of the controller>/<our own group or one above it>/pipeline-<pid>-<random>/

One group for the commands of a process, removed at its end, or by a later one where it was
killed: with hundreds of them left, the machine starts every process more slowly. Both hierarchies
of the kernel are known: version 1 has a mount per controller, version 2 one for all (cgroups(7)).
"""

import atexit
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock

from pipeline import proc
from pipeline.sandbox.limits import MB, CommandLimits

Start = Callable[[], "subprocess.Popen[bytes]"]
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


class Groups:
    """The groups of one sandbox's commands; made when the first command starts.

    To move a process into a group takes the kernel several milliseconds, to be born in one nothing.
    Version 1 moves single threads, so there the commands are started by a thread that stays in the
    groups. In version 2 each command moves itself.
    """

    def __init__(self, parents: Sequence[Parent] = (), limits: CommandLimits | None = None) -> None:
        self.parents = tuple(parents)
        self._limits = limits or CommandLimits()
        self._made: dict[int, list[Path]] | None = None
        self._spawner: ThreadPoolExecutor | None = None
        self._lock = Lock()
        """Held while groups are made: two threads may start their first commands at once."""

    @property
    def binds(self) -> frozenset[str]:
        """Return what groups limit here: `pids`, `memory`."""
        return frozenset().union(*(parent.binds for parent in self.parents))

    def words(self) -> list[str]:
        """Return the words that go before a command's own."""
        made = self._groups()[2]
        return _joining(made) if made else []

    def spawn(self, start: Start) -> "subprocess.Popen[bytes]":
        """Start a process by `start`, in the groups; its parent's thread ends with ours."""
        made = self._groups()[1]
        if not made:
            return start()
        if self._spawner is None:
            with self._lock:
                self._spawner = self._spawner or ThreadPoolExecutor(
                    1, initializer=_enter, initargs=(made,)
                )
        return self._spawner.submit(start).result()

    def _groups(self) -> dict[int, list[Path]]:
        with self._lock:
            if self._made is None:
                self._made = {1: [], 2: []}
                atexit.register(_leave, os.getpid(), self._made)
                for parent in self.parents:
                    prefix = f"{PREFIX}{os.getpid()}-"
                    group = Path(tempfile.mkdtemp(prefix=prefix, dir=parent.folder))
                    _write(group, parent, self._limits)
                    self._made[parent.version].append(group)
            return self._made


def _leave(maker: int, made: dict[int, list[Path]]) -> None:
    """Remove the groups of a process at its end; a process forked from it leaves them alone."""
    if os.getpid() == maker:
        for group in (*made[1], *made[2]):
            _remove(group)


def _enter(groups: list[Path]) -> None:
    """Move this thread, and so whatever it starts, into groups of version 1."""
    for group in groups:
        (group / "tasks").write_text("0")


def find_groups(
    limits: CommandLimits,
    table: str = "/proc/self/cgroup",
    mounts: str = "/proc/self/mounts",
) -> Groups:
    """Return where groups can be made, tried with one; those of dead processes are removed.

    For root alone: others are held by the limits of their user namespace, at no cost.
    """
    if os.geteuid() != 0:
        return Groups()
    found: list[Parent] = []
    for one in _hierarchies(table, mounts):
        own = one.root / one.own
        above = [folder for folder in [own, *own.parents] if folder.is_relative_to(one.root)]
        tried = (_tried(folder, one.wanted, one.version) for folder in above)
        found += islice((parent for parent in tried if parent is not None), 1)
    for parent in found:
        _sweep(parent.folder)
    return Groups(found, limits)


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
