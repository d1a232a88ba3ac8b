"""Locks between processes, and whether the file system under a folder holds them.

A lock is `flock`: the kernel frees it when its holder dies, however it dies. Some file systems have
none, and some say yes to everybody, or to everybody on another machine; there two runs would work
in one repository, so none is begun.
"""

import errno
import fcntl
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline import proc
from pipeline.errors import PipelineError

ALWAYS: frozenset[str] = frozenset()
SOFT: Mapping[str, frozenset[str]] = {
    "nfs": frozenset({"nolock", "local_lock=flock", "local_lock=all"}),
    "nfs4": frozenset({"nolock", "local_lock=flock", "local_lock=all"}),
    "cifs": frozenset({"nobrl"}),
    "smb3": frozenset({"nobrl"}),
    "lustre": frozenset({"localflock"}),
    "gfs2": frozenset({"localflocks"}),
    "ocfs2": frozenset({"localflocks"}),
    **dict.fromkeys(("9p", "drvfs", "vboxsf", "prl_fs", "davfs", "afs", "coda"), ALWAYS),
    **dict.fromkeys(("fuse.sshfs", "fuse.vmhgfs-fuse", "fuse.gvfsd-fuse", "fuse.davfs2"), ALWAYS),
    **dict.fromkeys(("fuse.s3fs", "fuse.gcsfuse", "fuse.goofys", "fuse.rclone"), ALWAYS),
}
"""Kinds of file systems whose locks hold on this machine only, or not at all: with one of the mount
options named (nfs(5), mount.cifs(8), mount.lustre(8), gfs2(5)), or always (none named)."""

SOUND = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "tmpfs", "overlay"}
)
"""Kinds that are known to hold locks; every other one is tried before a run."""

MOUNTS = Path("/proc/self/mountinfo")
ADVICE = "move the repository to a local disk: two runs at once would not see each other here"
NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}
"""What the system says where there is no `flock`."""
TRY_S = 30.0
TAKEN, FREE = 3, 4
_TRY = f"""
import fcntl, sys
try:
    fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit({TAKEN})
sys.exit({FREE})
"""


@dataclass(frozen=True)
class Mount:
    """The file system that a folder lies on."""

    point: Path
    kind: str
    """As the kernel names it: `ext4`, `nfs4`, `fuse.sshfs`."""
    options: frozenset[str]


def file_lock(path: Path, timeout_s: float = 0) -> FileLock:
    """Return the lock at `path`, for `take`; never a file in its place, which outlives a kill."""
    return FileLock(path, timeout=timeout_s, fallback_to_soft=False)


class OftenLock:
    """A lock that is taken many times a second: its file stays open.

    Where it is free that costs one `flock`; everything else (the first time, a lock that somebody
    holds, a file that was removed or replaced) is filelock's, and both keep each other out.
    """

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path = path
        self.lock_file = str(path)
        self._waiting = file_lock(path, timeout_s)
        self._handle: int | None = None
        self._opened: tuple[int, int, int] | None = None
        """The process that opened the file (a fork shares its locks), its device and inode."""
        self._is_quick = False

    @property
    def is_open(self) -> bool:
        """Tell whether the file is open; its folder exists then."""
        return self._handle is not None

    def acquire(self) -> None:
        """Take the lock, or raise what filelock raises."""
        self._is_quick = self._acquired_at_once()
        if not self._is_quick:
            self._waiting.acquire()
            self._open()

    def release(self) -> None:
        """Give the lock back."""
        if self._is_quick and self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_UN)
        else:
            self._waiting.release()

    def _acquired_at_once(self) -> bool:
        if self._handle is None:
            return False
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # filelock says what is wrong
            self._close()
            return False
        if self._is_still_there():
            return True
        self._close()
        return False

    def _is_still_there(self) -> bool:
        try:
            found = self._path.stat()
        except OSError:
            return False
        return self._opened == (os.getpid(), found.st_dev, found.st_ino)

    def _open(self) -> None:
        """Open the file, which filelock holds, for the next times."""
        if self._handle is None:
            with suppress(OSError):
                self._handle = os.open(self.lock_file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
                ours = os.fstat(self._handle)
                self._opened = (os.getpid(), ours.st_dev, ours.st_ino)

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
        self._handle = self._opened = None

    def __del__(self) -> None:
        self._close()


def take(lock: FileLock | OftenLock) -> None:
    """Take a lock, or raise `filelock.Timeout`; `PipelineError` where there are none."""
    try:
        lock.acquire()
    except OSError as error:
        if isinstance(error, Timeout) or error.errno not in NO_LOCKS:
            raise
        folder, reason = Path(lock.lock_file).parent, error.strerror
        raise PipelineError(f"there are no locks in '{folder}': {reason}; {ADVICE}") from error


def mount_of(folder: Path, mounts: Path = MOUNTS) -> Mount | None:
    """Return the mount that `folder` lies on; None where the system has no such list.

    The list's form is that of proc_pid_mountinfo(5); the last of several at one place is on top.
    """
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    real, found = folder.resolve(), None
    for line in lines:
        before, _, behind = line.partition(" - ")
        point, own = Path(_plain(before.split()[4])), before.split()[5]
        kind, _, options = behind.split(" ", 2)
        if real.is_relative_to(point) and (found is None or point.is_relative_to(found.point)):
            found = Mount(point, kind, frozenset(f"{own},{options}".split(",")))
    return found


def require_locks(folder: Path, mounts: Path = MOUNTS) -> None:
    """Raise `PipelineError` when locks in `folder` (which exists) do not hold.

    Costs a look at the list of mounts where the kind of file system is a known one, else a process.
    """
    mount = mount_of(folder, mounts)
    if why := why_soft(mount):
        raise PipelineError(f"'{folder}' lies on {why}; {ADVICE}")
    if mount is None or mount.kind not in SOUND:
        try_lock(folder, mount)


def why_soft(mount: Mount | None) -> str | None:
    """Return what is wrong with the locks of a mount, as far as its kind tells; None: nothing."""
    if mount is None or mount.kind not in SOFT:
        return None
    needed = SOFT[mount.kind]
    found = sorted(needed & mount.options)
    if needed and not found:
        return None
    how = f" ({', '.join(found)})" if found else ""
    return (
        f"{mount.kind}{how}, mounted at '{mount.point}', where locks hold on one machine or never"
    )


def another_process(place: Path) -> int:
    """Try to take the lock at `place` in another process; return `TAKEN` or `FREE`."""
    words = [sys.executable, "-I", "-S", "-c", _TRY, str(place)]
    return proc.run(words, timeout_s=TRY_S, env={}).exit_code


def try_lock(
    folder: Path,
    mount: Mount | None = None,
    contend: Callable[[Path], int] = another_process,
) -> None:
    """Have another process contend for a lock that this one holds in `folder`.

    Raises `PipelineError` when there are no locks, or when both get it.
    """
    place = folder / f".locks.{os.getpid()}.tmp"
    where = f"'{folder}'" + (f" ({mount.kind})" if mount else "")
    lock = file_lock(place)
    try:
        take(lock)
        found = contend(place)
    finally:
        lock.release()
        place.unlink(missing_ok=True)
    if found == FREE:
        raise PipelineError(f"locks in {where} do not hold, two processes got one; {ADVICE}")
    if found != TAKEN:
        raise PipelineError(f"locks in {where} cannot be tried; {ADVICE}")


def _plain(name: str) -> str:
    """Return a path of the list without its octal escapes (`\\040` is a blank)."""
    parts = name.split("\\")
    return parts[0] + "".join(chr(int(part[:3], 8)) + part[3:] for part in parts[1:])
