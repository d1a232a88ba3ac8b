"""The sandbox proper: each command in namespaces of its own, made by the bubblewrap program.

    /                    the machine, read-only
    /home /root /mnt /media /srv /run /var /tmp        empty, and the user's home wherever it lies
    OBJECTS_MOUNT        the repository's objects, read-only
    <user's checkout>    the workspace; kept folders of the checkout inside it, read-only

Each rule answers an attack that works without it: root without `--cap-drop ALL` remounts `/`
writable; sockets of daemons are reachable without a network (hence the empty /run); a child in the
background holds the pipes and outlives the command without a PID namespace; root needs no
capability to write `/proc/sys/kernel/core_pattern`, which names a program that the host runs.
"""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from pipeline import proc
from pipeline.sandbox import seccomp
from pipeline.sandbox.groups import Groups
from pipeline.sandbox.jail import (
    SECRET,
    WRITABLE,
    Jail,
    Profile,
    emptied,
    environment,
    hidden,
    let_in,
)
from pipeline.sandbox.kind import MAX_OUTPUT, Terms, require_started
from pipeline.sandbox.limits import MB, DiskWatch, shell_words

NOTHING = Path(__file__).with_name("nothing")
"""An empty file. No device can be read inside, and programs end where settings cannot be read."""
OBJECTS_MOUNT = Path("/run/pipeline/objects")
ROOMY = (Path("/tmp"), Path("/var"), Path("/dev/shm"))
"""Emptied places that hold `disk_mb`; the others hold mount points and a few small files."""
SMALL_MB = 64
COMPLAINTS = (b"bwrap: ", b"sh: ")
"""How bubblewrap and what joins the control groups say that they did not get to the command."""

# fmt: off
CORE = (
    "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv",
    "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
)
# fmt: on
"""`--die-with-parent` means the parent's thread: `run` starts it in the caller's."""

FIRST = 'exec 2>/dev/null; %s; bash -c "$1" 2>&1; exit $?'
"""The first process, whose end is the end of all others: none is alive when `run` returns.

With a first process of bubblewrap's own, one in the background lives on for a millisecond, and
could change the workspace while it is read.
"""


@cache
def system_call_filter() -> bytes | None:
    """Return the filter for this machine, None where there is none."""
    return seccomp.program(seccomp.RULES, platform.machine())


@dataclass(frozen=True)
class Bubblewrap:
    """Confines each command with the bubblewrap program."""

    program: str = "bwrap"
    terms: Terms = field(default_factory=Terms)
    groups: Groups = field(default_factory=Groups)
    sizes: bool = True
    """Whether this version of the program can size a tmpfs."""
    filter: bytes | None = field(default_factory=system_call_filter)
    name: Literal["bwrap"] = "bwrap"

    @property
    def lacks(self) -> tuple[str, ...]:
        """Return what the machine or the program does not let us have."""
        is_root = os.geteuid() == 0
        missing = {
            "a filter of system calls for this machine": self.filter is None,
            "a size for /tmp (bubblewrap 0.7 or newer)": not self.sizes,
            "a limit on processes (no pids cgroup)": is_root and "pids" not in self.groups.binds,
            "a limit on all memory together (no memory cgroup)": "memory" not in self.groups.binds,
        }
        return tuple(what for what, is_missing in missing.items() if is_missing)

    def objects_path(self, objects: Path) -> Path:
        """Return the mount point of the object store."""
        return OBJECTS_MOUNT

    def has_shell(self, profile: Profile) -> bool:
        """Return True: the plan profile is read-only by its mounts."""
        return True

    def run(
        self,
        script: str,
        jail: Jail,
        profile: Profile,
        *,
        timeout_s: float,
        stop: Callable[[], bool] = proc.never,
    ) -> proc.Finished:
        """Run a script; only bubblewrap's own complaints arrive on the second stream."""
        let_in(jail.workspace)
        watch = DiskWatch(jail.workspace, stop)
        limits = self.terms.limits
        first = FIRST % shell_words(limits, processes="pids" not in self.groups.binds)
        inside = [*self.arguments(jail, profile), "bash", "-c", first, "bash", script]
        joining = self.groups.words()
        with _readable(self.filter) as descriptors:
            filtered = [word for one in descriptors for word in ("--seccomp", str(one))]
            done = proc.run(
                [*joining, self.program, "--as-pid-1", *filtered, *inside],
                env={"PATH": os.defpath} if joining else {},
                cwd=Path("/"),
                timeout_s=timeout_s,
                stop=watch,
                max_output=MAX_OUTPUT,
                pass_fds=descriptors,
                spawn=self.groups.spawn,
            )
        require_started(done, COMPLAINTS)
        return watch.judged(proc.merged(done))

    def arguments(self, jail: Jail, profile: Profile) -> list[str]:
        """Return bubblewrap's arguments; a later mount covers an earlier one."""
        words = list(CORE)
        for mount in self._mounts(jail, profile):
            words += mount
        for name, value in environment(jail).items():
            words += ["--setenv", name, value]
        return [*words, "--chdir", str(jail.checkout)]

    def _mounts(self, jail: Jail, profile: Profile) -> Iterator[list[str]]:
        terms = self.terms
        writable = "--bind" if "workspace" in WRITABLE[profile] else "--ro-bind"
        granted = "--bind" if "granted" in WRITABLE[profile] else "--ro-bind"
        for place in settings_of_the_kernel():
            yield ["--ro-bind", str(place), str(place)]
        yield from self._emptied()
        yield ["--dir", "/var/tmp", "--symlink", "/run", "/var/run"]
        for place in terms.read:
            yield ["--ro-bind-try", str(place), str(place)]
        for place in terms.write:
            yield [f"{granted}-try", str(place), str(place)]
        for place in SECRET:
            if place.is_dir():
                yield ["--tmpfs", str(place)]
            elif place.exists():
                yield ["--ro-bind", "/dev/null", str(place)]
        for place in jail.hide:
            if place.is_dir() and self._shows(place):
                yield ["--tmpfs", str(place.resolve())]
        for place in jail.read:
            if place.exists():
                yield ["--ro-bind", str(place), str(place)]
        yield ["--ro-bind", str(jail.objects), str(OBJECTS_MOUNT)]
        yield [writable, str(jail.workspace), str(jail.checkout)]
        for place in jail.write:
            if place.exists() and place.resolve() == place:
                yield [granted, str(place), str(place)]
        kept = [place for place in jail.keep if _has_mount_point(jail, place)]
        for place in kept:
            yield ["--ro-bind", str(place), str(place)]
        for folder, place in jail.copies:
            if _has_mount_point(jail, place):
                yield [writable, str(folder), str(place)]
        for place in jail.blank:
            if any(place.is_relative_to(shown) for shown in (*jail.read, *kept)):
                yield ["--ro-bind", str(NOTHING), str(place)]

    def _emptied(self) -> Iterator[list[str]]:
        """Return the mounts that empty places, each with a size; /dev takes no files after them."""
        for place in [*emptied(), Path("/dev/shm")]:
            if place.is_dir() and not place.is_symlink():
                megabytes = self.terms.limits.disk_mb if place in ROOMY else SMALL_MB
                size = ["--size", str(megabytes * MB)] if self.sizes else []
                yield [*size, "--tmpfs", str(place)]
        yield ["--remount-ro", "/dev"]

    def _shows(self, place: Path) -> bool:
        """Tell whether commands would see `place` if nothing covered it."""
        real = place.resolve()
        shown = [*self.terms.read, *self.terms.write]
        return not hidden(place) or any(real.is_relative_to(one.resolve()) for one in shown)


@cache
def settings_of_the_kernel() -> tuple[Path, ...]:
    """Return what the whole machine shares in /proc and root may write; nothing for other users.

    The files belong to root, and no namespace holds them.
    """
    if os.geteuid() != 0:
        return ()
    shared = (p for p in sorted(Path("/proc").iterdir()) if not p.name.isdigit())
    return tuple(
        p for p in shared if not p.is_symlink() and (p.is_dir() or p.stat().st_mode & 0o222)
    )


@contextmanager
def _readable(content: bytes | None) -> Iterator[tuple[int, ...]]:
    """Give a descriptor from which `content` can be read once; it fits into any pipe."""
    if content is None:
        yield ()
        return
    reader, writer = os.pipe()
    try:
        os.write(writer, content)
        os.close(writer)
        yield (reader,)
    finally:
        os.close(reader)


def _has_mount_point(jail: Jail, place: Path) -> bool:
    """Tell whether the workspace has what is mounted over, not behind a link of an agent's.

    Bubblewrap would make what is missing, and a link could lead it anywhere on the host.
    """
    target = jail.workspace.resolve() / place.relative_to(jail.checkout)
    return target.exists() and target.resolve() == target
