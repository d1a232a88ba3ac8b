"""What a command sees, whichever sandbox confines it: paths, environment, what is never shown."""

import os
import pwd
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Profile = Literal["plan", "outside", "execute", "verify"]
Part = Literal["workspace", "granted"]

WRITABLE: dict[Profile, frozenset[Part]] = {
    "plan": frozenset(),
    "outside": frozenset({"granted"}),
    "execute": frozenset({"workspace", "granted"}),
    "verify": frozenset({"workspace"}),
}
"""What is writable besides /tmp: the workspace with its build caches; places outside of it that the
plan was granted or the user's settings name. A verification must not find there tomorrow what it
left today, so it only reads them."""

EMPTY = tuple(map(Path, ("/home", "/root", "/mnt", "/media", "/srv", "/run", "/var", "/tmp")))
"""Empty on every machine; `emptied` adds the user's home."""
SECRET = tuple(map(Path, ("/etc/shadow", "/etc/gshadow", "/etc/ssh", "/etc/ssl/private")))
"""Root could read these inside; nobody's tests need them."""
NEEDED = ("/dev", "/etc", "/lib", "/proc", "/sys")
SYSTEM_BINS = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")

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
    "ASAN_OPTIONS": "detect_leaks=0",
}
"""The whole environment of a command, besides PATH and what a toolchain needs.

LeakSanitizer traces its own process, which the filter of system calls does not allow.
"""


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
    blank: tuple[Path, ...] = ()
    """Host files in what is shown that may hold a registry's token; empty inside."""
    write: tuple[Path, ...] = ()
    """Host paths outside of the checkout that commands may write, because a plan was granted it."""
    bins: tuple[Path, ...] = ()
    """Folders that come first on PATH."""
    env: tuple[tuple[str, str], ...] = ()


def environment(jail: Jail) -> dict[str, str]:
    """Return the whole environment of a command."""
    bins = [*map(str, jail.bins), *SYSTEM_BINS]
    return ENVIRONMENT | dict(jail.env) | {"PATH": ":".join(dict.fromkeys(bins))}


def emptied() -> tuple[Path, ...]:
    """Return the places of the machine that are empty inside: `EMPTY`, and the user's home where it
    lies elsewhere."""
    return (*EMPTY, *homes(os.environ.get("HOME", "")))


@cache
def homes(named: str) -> tuple[Path, ...]:
    """Return the home folder as the environment has it (`named`) and as the system has it.

    Only those that `EMPTY` does not cover; none that holds programs (`/` is the home of some).
    """
    found = [named]
    with suppress(KeyError):  # a user whom the system does not know
        found.append(pwd.getpwuid(os.getuid()).pw_dir)
    real = [Path(one).resolve() for one in found if one.startswith("/")]
    return tuple(
        one
        for one in dict.fromkeys(real)
        if one.is_dir()
        and not any(one.is_relative_to(empty) for empty in EMPTY)
        and not any(Path(needed).is_relative_to(one) for needed in (*SYSTEM_BINS, *NEEDED))
    )


def hidden(place: Path) -> bool:
    """Tell whether `place` lies in a part of the machine that is empty inside."""
    real = place.resolve()
    return any(real.is_relative_to(empty) for empty in emptied())


def let_in(workspace: Path) -> None:
    """Give the owner back the right to enter, which a command may have taken away."""
    try:
        mode = workspace.stat().st_mode & 0o7777
        if mode & 0o700 != 0o700:
            workspace.chmod(mode | 0o700)
    except FileNotFoundError:
        return
