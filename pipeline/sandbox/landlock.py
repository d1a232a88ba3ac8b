"""A weaker sandbox for machines without bubblewrap: Landlock and the filter of system calls.

    workspace          in its own folder: nothing can be mounted at the checkout's path
    /tmp and home      one new folder for each command, named by HOME and TMPDIR; /tmp is closed
    the machine        read-only, as far as `readable` names it; the rest cannot be opened
    network            no socket can be made at all
    processes          none can leave the group that ends with the command

Landlock (landlock(7)) allows by path and cannot hide, so places are opened one by one. `LACKS` is
what that leaves open. A program of its own (`launch.py`) sets the rules up and becomes the command.
"""

import ctypes
import errno
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
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
from pipeline.sandbox.limits import MB, DiskWatch

LAUNCHER = Path(__file__).with_name("launch.py")
BASH = ("/usr/bin/env", "bash", "-c")
REMOVE_SECONDS = 600.0
COMPLAINTS = (b"landlock: ", b"sh: ")
"""How the launcher and what joins the control groups say that they did not get to the command."""
OLDEST_ABI = 6
"""Linux 6.12: the first whose signals and abstract sockets stay inside (landlock(7))."""
CREATE_RULESET, ASK_VERSION = 444, 1

LACKS = (
    "a /tmp and a home of its own: programs that name /tmp fail, those that ask TMPDIR work",
    "a process namespace: commands see which programs run, and with which arguments",
    "the checkout's path: absolute paths and editable installs lead to what cannot be opened",
    "local and loopback sockets: tests that listen or connect fail",
    "a hold on what needs no opening: modes, owners, times and existence of your other files",
    "a session of its own: setsid and setpgid do nothing",
)
"""What bubblewrap gives and this does not, for doctor, reports and docs/safety.md."""

DEVICES = tuple(Path("/dev", name) for name in ("null", "zero", "full", "random", "urandom"))
RULES = (
    *seccomp.RULES,
    seccomp.Rule("socket", "no network namespace, and daemons listen on paths"),
    seccomp.Rule("setsid", "the group is the only hold on what a command starts", error=0),
    seccomp.Rule("setpgid", "the group is the only hold on what a command starts", error=0),
    seccomp.Rule(
        "prlimit64", "it would bind other processes of yours", (seccomp.IsNoneOf(0, (0,)),)
    ),
)


@dataclass(frozen=True)
class Landlock:
    """Confines each command with Landlock; weaker than bubblewrap, and never chosen by itself."""

    terms: Terms = field(default_factory=Terms)
    groups: Groups = field(default_factory=Groups)
    name: Literal["landlock"] = "landlock"

    @property
    def lacks(self) -> tuple[str, ...]:
        """Return what bubblewrap would give."""
        return LACKS

    def objects_path(self, objects: Path) -> Path:
        """Return the object store itself."""
        return objects

    def has_shell(self, profile: Profile) -> bool:
        """Return True: where the workspace is read-only, no file in it can be opened to write."""
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
        """Run a script in the workspace's own folder."""
        let_in(jail.workspace)
        watch = DiskWatch(jail.workspace, stop)
        with _home(jail.workspace.parent) as home:
            env = environment(jail) | {"HOME": str(home), "TMPDIR": str(home)}
            setup = json.dumps(self._setup(jail, profile, home))
            words = [sys.executable, "-I", "-S", str(LAUNCHER), setup, *BASH, script]
            done = proc.run(
                [*self.groups.words(), *words],
                env=env,
                cwd=jail.workspace,
                timeout_s=timeout_s,
                stop=watch,
                max_output=MAX_OUTPUT,
                spawn=self.groups.spawn,
            )
        require_started(done, COMPLAINTS)
        return watch.judged(done)

    def _setup(self, jail: Jail, profile: Profile, home: Path) -> dict[str, object]:
        """Return what the launcher reads: paths, limits, the filter."""
        terms, limits, may = self.terms, self.terms.limits, WRITABLE[profile]
        hide = tuple(
            place.resolve() for place in (*jail.hide, *jail.blank, *SECRET) if place.exists()
        )
        given = [place for place in jail.write if place.resolve() == place]
        granted = [part for one in (*given, *terms.write) for part in readable(one, hide)]
        shown = (*terms.read, *jail.read, *jail.keep)
        asked = [part for one in shown for part in readable(one, hide)]
        workspace = [jail.workspace, *(folder for folder, _ in jail.copies)]
        read = [*machine((*hide, *emptied())), *asked, *granted, *workspace]
        write = [home, *(workspace if "workspace" in may else ())]
        write += granted if "granted" in may else ()
        return {
            "read": _names([*read, jail.objects]),
            "write": _names(write),
            "devices": _names(DEVICES),
            "filter": (_filter() or b"").hex(),
            "limits": {
                "RLIMIT_CORE": 0,
                "RLIMIT_CPU": limits.cpu_seconds,
                "RLIMIT_FSIZE": limits.file_mb * MB,
                "RLIMIT_DATA": limits.memory_mb * MB,
            },
            "processes": None if "pids" in self.groups.binds else limits.processes,
        }


def abi() -> int:
    """Return the kernel's version of Landlock; 0 where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    found = int(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION))
    return max(found, 0) if ctypes.get_errno() not in (errno.ENOSYS, errno.EOPNOTSUPP) else 0


@cache
def machine(hide: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the places of the machine that any command may read, around those in `hide`."""
    top = [place for place in sorted(Path("/").iterdir()) if place != Path("/dev")]
    return tuple(part for place in top for part in readable(place, hide) if not hidden(part))


def readable(place: Path, hide: Iterable[Path]) -> Iterator[Path]:
    """Yield `place`, or the parts of it around what is hidden: a rule holds for all below it."""
    real = place.resolve()
    inside = [one for one in hide if one.is_relative_to(real)]
    if any(real.is_relative_to(one) for one in hide):
        return
    if not inside:
        yield place
    elif real.is_dir():
        for part in sorted(real.iterdir()):
            yield from readable(part, hide)


@cache
def _filter() -> bytes | None:
    return seccomp.program(RULES, platform.machine())


@contextmanager
def _home(beside: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="home-", dir=beside))
    try:
        yield folder
    finally:
        proc.run(["chmod", "-R", "u+rwX", "--", str(folder)], timeout_s=REMOVE_SECONDS)
        proc.run(["rm", "-rf", "--", str(folder)], timeout_s=REMOVE_SECONDS)


def _names(places: Iterable[Path]) -> list[str]:
    return list(dict.fromkeys(os.fspath(place) for place in places if place.exists()))
