"""Room on the disk, kept before money is spent: what is paid for can be recorded.

`.workflow/room` holds it while a run works. Before each model call it is there, and the disks in
use have more than that left, or the call is not made. When the disk is full all the same, the
journal gives the room up once, and the run ends at its next call.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pipeline.errors import DiskProblem, cannot_write
from pipeline.paths import Places

HELD = 4 * 2**20
"""Bytes: the answers of one call, the lines about it, and both documents of some hundred issues."""
LEFT = 32 * 2**20
"""Bytes that each disk in use has left besides: the work of a turn, and git's objects."""


def require_room(places: Places, *, left: int = LEFT) -> None:
    """Hold the room; raise `DiskProblem` where it, or `left` bytes on a disk, is not there.

    Or where a disk is read-only, as Linux makes one with errors.
    """
    for folder in _in_use(places):
        found = os.statvfs(folder)
        free = found.f_bavail * found.f_frsize
        if found.f_flag & os.ST_RDONLY:
            raise DiskProblem(
                f"the disk of '{folder}' is read-only: mend that and run again; nothing was asked "
                "of a model meanwhile"
            )
        if found.f_blocks and free < left:
            raise DiskProblem(
                f"{free >> 20} MB are left on the disk of '{folder}', and work needs "
                f"{left >> 20}: make room and run again; nothing was asked of a model meanwhile"
            )
    if not _is_held(places.room):
        _hold(places.room)


def give_up_room(places: Places) -> bool:
    """Give the room back to the disk; tell whether any was held."""
    try:
        places.room.unlink()
    except OSError:
        return False
    return True


def _in_use(places: Places) -> Iterable[Path]:
    wanted = (places.workflow, places.git_dir, places.user.cache)
    return [folder for folder in wanted if folder.is_dir()]


def _is_held(path: Path) -> bool:
    try:
        return path.stat().st_size >= HELD
    except OSError:
        return False


def _hold(path: Path) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.posix_fallocate(handle, 0, HELD)
        finally:
            os.close(handle)
    except OSError as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise cannot_write(path, error) from error
