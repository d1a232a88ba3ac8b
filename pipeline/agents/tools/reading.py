"""Reads files of the room: regular ones, not too large, never through a link that leads out."""

import os
import stat

from pipeline.agents.tools.room import Room, Spot, ToolProblem

MOST_BYTES = 10 * 2**20


def read_bytes(room: Room, spot: Spot) -> bytes:
    """Return the bytes of a regular file, at most `MOST_BYTES`."""
    with room.folder_of(spot) as (folder, name):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(name, flags, dir_fd=folder)
        except FileNotFoundError as error:
            raise ToolProblem(f"there is no file {spot.shown!r} (see list_files)") from error
        try:
            check_readable(descriptor, spot)
        except ToolProblem:
            os.close(descriptor)
            raise
        with os.fdopen(descriptor, "rb") as file:
            return file.read(MOST_BYTES)


def check_readable(descriptor: int, spot: Spot) -> None:
    """Raise unless an open file is a regular one of a size that can be read."""
    state = os.fstat(descriptor)
    if stat.S_ISDIR(state.st_mode):
        raise ToolProblem(f"{spot.shown!r} is a folder: use list_files")
    if not stat.S_ISREG(state.st_mode):
        raise ToolProblem(f"{spot.shown!r} is not a regular file")
    if state.st_size > MOST_BYTES:
        size = state.st_size
        raise ToolProblem(f"{spot.shown!r} has {size} bytes, too many to read: use search")
