"""The one way in which an agent's tools change files, whatever the tool is called.

Each change reads, checks and replaces a file of the room in one step; a path is closed, kept or
writable for all of them alike.
"""

import os
import secrets
import stat
from collections.abc import Callable

from pipeline.agents.tools.reading import read_bytes
from pipeline.agents.tools.room import Room, Spot, ToolProblem
from pipeline.domain.counting import counted
from pipeline.store.redaction import HIDDEN

MOST_WRITTEN = 2 * 2**20


class Applier:
    """Changes the files of a room."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def put(self, path: str, content: str) -> str:
        """Create a file, or replace the whole of one; tell which."""
        spot = writable(self._room.spot(path))
        encoded = content.encode()
        if len(encoded) > MOST_WRITTEN:
            raise ToolProblem(f"the content is larger than {MOST_WRITTEN} bytes: write less")
        if HIDDEN in content:
            refuse_placeholder(self._before(spot), content, content, spot)
        existed = write_bytes(self._room, spot, encoded)
        lines = content.count("\n") + (not content.endswith("\n"))
        return f"{spot.shown} {'replaced' if existed else 'created'} ({counted(lines, 'line')})"

    def change(self, path: str, edit: Callable[[str, Spot], tuple[str, str]], sent: str) -> str:
        """Give a text file what `edit` makes of it: its text after, and what to say of that.

        `sent` is all text of the model that `edit` uses.
        """
        spot = writable(self._room.spot(path))
        before = exact_text(read_bytes(self._room, spot), spot)
        refuse_placeholder(before, sent, before, spot)
        after, said = edit(before, spot)
        refuse_placeholder(before, sent, after, spot)
        write_bytes(self._room, spot, after.encode())
        return said

    def _before(self, spot: Spot) -> str:
        """Return the text of a file that is about to be replaced; "" when there is none."""
        with self._room.folder_of(spot, make=True) as (folder, name):
            if name == "." or mode_of(name, folder, spot) is None:
                return ""
        return read_bytes(self._room, spot).decode("utf-8", "replace")

    def delete(self, path: str) -> str:
        """Delete a file."""
        spot = writable(self._room.spot(path))
        with self._room.folder_of(spot) as (folder, name):
            if name == "." or mode_of(name, folder, spot) is None:
                raise ToolProblem(f"there is no file {spot.shown!r} (see list_files)")
            os.unlink(name, dir_fd=folder)
        return f"{spot.shown} deleted"


def write_bytes(room: Room, spot: Spot, content: bytes) -> bool:
    """Replace or create a file in one step, keeping its mode; tell whether it existed."""
    with room.folder_of(spot, make=True) as (folder, name):
        if name == ".":
            raise ToolProblem(f"{spot.shown!r} is a folder: name a file")
        mode = mode_of(name, folder, spot)
        beside = f".{name[:60]}.{secrets.token_hex(4)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(beside, flags, 0o666, dir_fd=folder), "wb") as file:
            file.write(content)
            if mode is not None:
                os.fchmod(file.fileno(), mode)
        os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
        return mode is not None


def mode_of(name: str, folder: int, spot: Spot) -> int | None:
    """Return the mode of an existing regular file, None when there is no file."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise ToolProblem(f"{spot.shown!r} is not a regular file: it cannot be written")
    return stat.S_IMODE(mode)


def refuse_placeholder(before: str, sent: str, after: str, spot: Spot) -> None:
    """Raise when a model sends what it was shown in the place of a secret, as if it were text.

    A file may have the very words in it: then they may be named, and not become more.
    """
    if HIDDEN in sent and (HIDDEN not in before or after.count(HIDDEN) > before.count(HIDDEN)):
        raise ToolProblem(
            f"{HIDDEN!r} stands for a secret in {spot.shown!r} that you are not shown; it is not "
            "in the file. Leave that line as it is: name and change only what is around it"
        )


def writable(spot: Spot) -> Spot:
    """Return `spot`, or raise when it lies in what is kept from the checkout."""
    if not spot.writable:
        raise ToolProblem(f"{spot.shown!r} is kept from the checkout and read-only")
    return spot


def exact_text(content: bytes, spot: Spot) -> str:
    """Return a file's text for editing, which must give the same bytes back."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ToolProblem(f"{spot.shown!r} is not UTF-8 text: it cannot be changed") from error
