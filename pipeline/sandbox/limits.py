"""How much a command may use, and by which means of the kernel it is held to that.

    CPU seconds, file size     of each process (setrlimit)
    memory                     private memory of each process (RLIMIT_DATA); as root also all of it,
                               where a memory cgroup can be made (`groups.py`)
    processes                  of the sandbox's user namespace (RLIMIT_NPROC); as root, whom that
                               does not bind, where a pids cgroup can be made
    /tmp and /dev/shm          size of their tmpfs
    disk of the workspace      the command ends when less than `SPARE_MB` is free, or names for
                               fewer than `SPARE_FILES` files

RLIMIT_AS would bind more, but Node, Go and Java reserve address space by the terabyte.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from pipeline import proc

MB = 2**20
SPARE_MB = 256
"""How much of a workspace's disk a command leaves free."""
SPARE_FILES = 50_000
"""How many more files have to fit on it; file systems that count none have room for any number."""
WHY_ENDED = (
    b"\n[ended by the pipeline: less than %d MB or room for %d files were left on the workspace's"
    b" disk]\n" % (SPARE_MB, SPARE_FILES)
)
KILLED = 137


@dataclass(frozen=True)
class CommandLimits:
    """What one command may use; the defaults are wide enough for builds of large projects."""

    memory_mb: int = 8192
    processes: int = 1024
    """Threads count, as the kernel counts."""
    file_mb: int = 4096
    """Largest size of one file."""
    cpu_seconds: int = 3600
    """Of one process; the time that passes is the caller's business."""
    disk_mb: int = 2048
    """What /tmp holds, and /dev/shm."""


def shell_words(limits: CommandLimits, *, processes: bool) -> str:
    """Return a line of bash that binds the shell and whatever it starts, for good.

    `processes`: also their number, counted over the user in this user namespace. Such a process is
    also the first one that the kernel ends when the machine has no memory left.
    """
    words = [
        "echo 1000 >/proc/self/oom_score_adj",
        "ulimit -c 0",
        f"ulimit -t {limits.cpu_seconds}",
        f"ulimit -f {limits.file_mb * 1024}",
        f"ulimit -d {limits.memory_mb * 1024}",
    ]
    if processes:
        words.append(f"ulimit -u {limits.processes}")
    return "; ".join(words)


class Free(NamedTuple):
    """What is left of a disk."""

    bytes: int
    files: int


def _free(folder: Path) -> Free:
    try:
        found = os.statvfs(folder)
    except FileNotFoundError:
        return Free(0, 0)
    return Free(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else SPARE_FILES)


class DiskWatch:
    """Tells whether a command has left too little of the disk that its workspace is on."""

    def __init__(
        self, workspace: Path, stop: Callable[[], bool], free: Callable[[Path], Free] = _free
    ) -> None:
        self._workspace = workspace
        self._stop = stop
        self._free = free
        left = free(workspace)
        self._wanted = Free(min(SPARE_MB * MB, left.bytes // 2), min(SPARE_FILES, left.files // 2))
        self.is_full = False

    def __call__(self) -> bool:
        """Return True when the command has to end, for this reason or the caller's."""
        left = self._free(self._workspace)
        is_short = left.bytes < self._wanted.bytes or left.files < self._wanted.files
        self.is_full = self.is_full or is_short
        return self.is_full or self._stop()

    def judged(self, done: proc.Finished) -> proc.Finished:
        """Return the ending as the command's own failure, said in its output."""
        if not (self.is_full and done.stopped):
            return done
        return replace(done, stopped=False, exit_code=KILLED, output=done.output + WHY_ENDED)
