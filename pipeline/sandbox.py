"""How a command of the project is confined: what it sees, what it may write, that it dies with us.

    /                    the machine, read-only
    /home /root /mnt /media /srv /run /var /tmp        empty
    OBJECTS_MOUNT        the repository's objects, read-only
    <user's checkout>    the workspace; kept folders of the checkout inside it, read-only

Each rule answers an attack that works without it: root without `--cap-drop ALL` remounts `/`
writable; sockets of daemons are reachable without a network (hence the empty /run); a child in the
background holds the pipes and outlives the command without a PID namespace; root needs no
capability to write `/proc/sys/kernel/core_pattern`, which names a program that the host runs.
"""

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

from pipeline import proc
from pipeline.errors import PipelineError, SandboxMissing

Profile = Literal["plan", "outside", "execute"]
"""What is writable besides /tmp: nothing; `Jail.write` alone; the workspace and that."""

OBJECTS_MOUNT = Path("/run/pipeline/objects")
EMPTY = tuple(map(Path, ("/home", "/root", "/mnt", "/media", "/srv", "/run", "/var", "/tmp")))
SECRET = tuple(map(Path, ("/etc/shadow", "/etc/gshadow", "/etc/ssh", "/etc/ssl/private")))
"""Root could read these inside; nobody's tests need them."""
SYSTEM_BINS = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")
MAX_OUTPUT = 10 * 2**20

# fmt: off
CORE = (
    "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv",
    "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
)
# fmt: on
"""`--die-with-parent` means the parent's thread: `run` starts it in the caller's."""

FIRST = ("bash", "-c", 'exec 2>/dev/null; bash -c "$1" 2>&1; exit $?', "bash")
"""The first process, whose end is the end of all others: none is alive when `run` returns.

With a first process of bubblewrap's own, one in the background lives on for a millisecond, and
could change the workspace while it is read.
"""

ENVIRONMENT = {
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "PYTHONDONTWRITEBYTECODE": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "pipeline",
    "GIT_AUTHOR_EMAIL": "pipeline@localhost",
    "GIT_COMMITTER_NAME": "pipeline",
    "GIT_COMMITTER_EMAIL": "pipeline@localhost",
}
"""The whole environment of a command, besides PATH and what a toolchain needs."""


MARK = "PIPELINE_COMMAND"
"""The variable by which a command's processes are known where no namespace holds them."""


class SandboxFailed(PipelineError):
    """Raised when the sandbox itself could not start; says nothing about the command."""


@dataclass(frozen=True)
class Jail:
    """What one workspace's commands see. All paths are absolute and on the host."""

    workspace: Path
    checkout: Path
    """The user's checkout; the workspace is mounted here."""
    objects: Path
    keep: tuple[Path, ...] = ()
    """Paths inside the checkout that are mounted read-only from the checkout itself."""
    copies: tuple[tuple[Path, Path], ...] = ()
    """(folder on the host, mount point): writable, one copy per workspace."""
    read: tuple[Path, ...] = ()
    """Host paths inside emptied places that are shown read-only (toolchains)."""
    hide: tuple[Path, ...] = ()
    """Host folders outside emptied places that are empty inside (git folder, state, cache)."""
    write: tuple[Path, ...] = ()
    """Host paths outside of the checkout that commands may write, because a plan was granted it."""
    bins: tuple[Path, ...] = ()
    """Folders that come first on PATH."""
    env: tuple[tuple[str, str], ...] = ()


class Sandbox(Protocol):
    """Runs commands for agents and for verification."""

    @property
    def name(self) -> Literal["bwrap", "none"]:
        """Return the name that settings and records use."""

    def objects_path(self, objects: Path) -> Path:
        """Return the path under which commands see the object store."""

    def has_shell(self, profile: Profile) -> bool:
        """Tell whether commands may be run at all under `profile`."""

    def run(
        self,
        script: str,
        jail: Jail,
        profile: Profile,
        *,
        timeout_s: float,
        stop: Callable[[], bool] = proc.never,
    ) -> proc.Finished:
        """Run `bash -c script` in the checkout; both streams are in `output`.

        Raises `SandboxFailed` when the command could not be started for reasons of ours.
        """


@dataclass(frozen=True)
class Bubblewrap:
    """Confines each command with the bubblewrap program."""

    program: str = "bwrap"
    name: Literal["bwrap"] = "bwrap"

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
        _let_in(jail.workspace)
        argv = [self.program, "--as-pid-1", *arguments(jail, profile), *FIRST, script]
        done = proc.run(
            argv, env={}, cwd=Path("/"), timeout_s=timeout_s, stop=stop, max_output=MAX_OUTPUT
        )
        if done.exit_code != 0 and done.errors.startswith(b"bwrap: "):
            reason = done.errors.decode("utf-8", "replace").strip().splitlines()[0]
            raise SandboxFailed(f"the sandbox did not start: {reason}; see `pipeline doctor`")
        return merged(done)


@dataclass(frozen=True)
class Unconfined:
    """Runs commands without a sandbox, because the user said `sandbox = "none"`."""

    name: Literal["none"] = "none"

    def objects_path(self, objects: Path) -> Path:
        """Return the object store itself."""
        return objects

    def has_shell(self, profile: Profile) -> bool:
        """Return False where the workspace is to stay as it is: nothing would keep it so."""
        return profile == "execute"

    def run(
        self,
        script: str,
        jail: Jail,
        profile: Profile,
        *,
        timeout_s: float,
        stop: Callable[[], bool] = proc.never,
    ) -> proc.Finished:
        """Run a script in the workspace itself, with the same small environment.

        What it leaves running is looked for by a mark in its environment, and killed.
        """
        if not self.has_shell(profile):
            raise SandboxMissing("without a sandbox the planner has no shell: install bubblewrap")
        mark = secrets.token_hex(8)
        try:
            return proc.run(
                ["bash", "-c", script],
                cwd=jail.workspace,
                env=environment(jail) | {MARK: mark},
                timeout_s=timeout_s,
                stop=stop,
                merge_errors=True,
                max_output=MAX_OUTPUT,
            )
        finally:
            proc.end_marked(f"{MARK}={mark}")


def find_sandbox(wanted: Literal["bwrap", "none"]) -> Sandbox:
    """Return the sandbox that settings name; raise `SandboxMissing` when it does not work here."""
    if wanted == "none":
        return Unconfined()
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxMissing(
            "bubblewrap is not installed: sudo apt-get install bubblewrap, "
            "or run with --sandbox none"
        )
    done = proc.run([program, *CORE, "true"], env={}, timeout_s=20)
    if not done.ok:
        reason = done.errors.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise SandboxMissing(
            f"bubblewrap does not work here ({reason[0]}); "
            "allow user namespaces for it, or run with --sandbox none"
        )
    return Bubblewrap(program)


def environment(jail: Jail) -> dict[str, str]:
    """Return the whole environment of a command."""
    bins = [*map(str, jail.bins), *SYSTEM_BINS]
    return ENVIRONMENT | dict(jail.env) | {"PATH": ":".join(dict.fromkeys(bins))}


def arguments(jail: Jail, profile: Profile) -> list[str]:
    """Return bubblewrap's arguments; a later mount covers an earlier one."""
    words = list(CORE)
    for mount in _mounts(jail, profile):
        words += mount
    for name, value in environment(jail).items():
        words += ["--setenv", name, value]
    return [*words, "--chdir", str(jail.checkout)]


def _mounts(jail: Jail, profile: Profile) -> Iterator[list[str]]:
    for place in settings_of_the_kernel():
        yield ["--ro-bind", str(place), str(place)]
    for place in EMPTY:
        if place.is_dir() and not place.is_symlink():
            yield ["--tmpfs", str(place)]
    for place in SECRET:
        if place.is_dir():
            yield ["--tmpfs", str(place)]
        elif place.exists():
            yield ["--ro-bind", "/dev/null", str(place)]
    yield ["--dir", "/var/tmp", "--symlink", "/run", "/var/run"]
    for place in jail.hide:
        if place.is_dir() and not hidden(place):
            yield ["--tmpfs", str(place.resolve())]
    for place in jail.read:
        if place.exists():
            yield ["--ro-bind", str(place), str(place)]
    yield ["--ro-bind", str(jail.objects), str(OBJECTS_MOUNT)]
    writable = "--bind" if profile == "execute" else "--ro-bind"
    yield [writable, str(jail.workspace), str(jail.checkout)]
    for place in jail.write:
        if place.exists() and place.resolve() == place:
            yield ["--ro-bind" if profile == "plan" else "--bind", str(place), str(place)]
    for place in jail.keep:
        if _has_mount_point(jail, place):
            yield ["--ro-bind", str(place), str(place)]
    for folder, place in jail.copies:
        if _has_mount_point(jail, place):
            yield [writable, str(folder), str(place)]


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


def _has_mount_point(jail: Jail, place: Path) -> bool:
    """Tell whether the workspace has what is mounted over, not behind a link of an agent's.

    Bubblewrap would make what is missing, and a link could lead it anywhere on the host.
    """
    target = jail.workspace.resolve() / place.relative_to(jail.checkout)
    return target.exists() and target.resolve() == target


def hidden(place: Path) -> bool:
    """Tell whether `place` lies in a part of the machine that is empty inside."""
    return any(place.resolve().is_relative_to(empty) for empty in EMPTY)


def _let_in(workspace: Path) -> None:
    """Give the owner back the right to enter, which a command may have taken away."""
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(workspace.stat().st_mode)
        if mode & 0o700 != 0o700:
            workspace.chmod(mode | 0o700)


def merged(done: proc.Finished) -> proc.Finished:
    """Return the same ending with both streams in `output`."""
    return proc.Finished(
        exit_code=done.exit_code,
        output=done.output + done.errors,
        errors=b"",
        duration_s=done.duration_s,
        timed_out=done.timed_out,
        stopped=done.stopped,
        truncated=done.truncated,
    )
