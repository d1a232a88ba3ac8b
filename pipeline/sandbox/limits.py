"""How much a command may use, and by which means of the kernel it is held to that.

    CPU seconds, file size     of each process (setrlimit)
    memory                     private memory of each process (RLIMIT_DATA); as root also all of it,
                               where a memory cgroup can be made (`groups.py`)
    processes                  of the sandbox's user namespace (RLIMIT_NPROC); as root, whom that
                               does not bind, where a pids cgroup can be made
    /tmp and /dev/shm          size of their tmpfs
    disk of the workspace      the command ends when less than `SPARE_MB` is free

RLIMIT_AS would bind more, but Node, Go and Java reserve address space by the terabyte.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import proc

MB = 2**20
SPARE_MB = 256
"""How much of a workspace's disk a command leaves free."""
WHY_ENDED = (
    b"\n[ended by the pipeline: less than %d MB were left on the workspace's disk]\n" % SPARE_MB
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


class DiskWatch:
    """Tells whether a command has left too little of the disk that its workspace is on."""

    def __init__(self, workspace: Path, stop: Callable[[], bool]) -> None:
        self._workspace = workspace
        self._stop = stop
        self._wanted = min(SPARE_MB * MB, _free(workspace) // 2)
        self.is_full = False

    def __call__(self) -> bool:
        """Return True when the command has to end, for this reason or the caller's."""
        self.is_full = self.is_full or _free(self._workspace) < self._wanted
        return self.is_full or self._stop()

    def judged(self, done: proc.Finished) -> proc.Finished:
        """Return the ending as the command's own failure, said in its output."""
        if not (self.is_full and done.stopped):
            return done
        return replace(done, stopped=False, exit_code=KILLED, output=done.output + WHY_ENDED)


def _free(folder: Path) -> int:
    try:
        found = os.statvfs(folder)
    except FileNotFoundError:
        return 0
    return found.f_bavail * found.f_frsize
