"""read_file, edit_file, write_file: text files of the room, and the one way they are written."""

import os
import secrets
import stat
from collections.abc import Sequence

from pipeline.agents.toolbox import Leash, Output
from pipeline.agents.tools.outputs import CAP_CHARS, Outputs
from pipeline.agents.tools.room import Room, Spot, ToolProblem
from pipeline.agents.tools.wire import EditFile, ReadFile, Wire, WriteFile

MOST_BYTES = 10 * 2**20
MOST_WRITTEN = 2 * 2**20
LINE_CHARS = 2_000
PAGE_CHARS = CAP_CHARS - 500
"""A page with its last line stays below the cap of outputs."""
BINARY_PROBE = 8_192


class Files:
    """The file tools of one turn."""

    def __init__(self, room: Room, outputs: Outputs) -> None:
        self._room = room
        self._outputs = outputs

    def read_file(self, arguments: Wire, leash: Leash) -> Output:
        """Show a page of a text file, or of a kept output."""
        assert isinstance(arguments, ReadFile)
        text = self._outputs.read(arguments.path)
        if text is None:
            spot = self._room.spot(arguments.path)
            text = as_text(read_bytes(self._room, spot), spot)
        return Output(page(text, arguments.start_line, arguments.end_line))

    def edit_file(self, arguments: Wire, leash: Leash) -> Output:
        """Replace an exact piece of a file."""
        assert isinstance(arguments, EditFile)
        spot = writable(self._room.spot(arguments.path))
        before = exact_text(read_bytes(self._room, spot), spot)
        old, new = arguments.old_string, arguments.new_string
        if "\r\n" in before and old not in before:
            old, new = with_crlf(old), with_crlf(new)
        after, count = replaced(before, old, new, every=arguments.replace_all, shown=spot.shown)
        write_bytes(self._room, spot, after.encode())
        places = "1 place" if count == 1 else f"{count} places"
        line = before[: before.index(old)].count("\n") + 1
        return Output(f"{spot.shown} changed in {places} (first at line {line})")

    def write_file(self, arguments: Wire, leash: Leash) -> Output:
        """Create or replace a file."""
        assert isinstance(arguments, WriteFile)
        spot = writable(self._room.spot(arguments.path))
        content = arguments.content.encode()
        if len(content) > MOST_WRITTEN:
            raise ToolProblem(f"the content is larger than {MOST_WRITTEN} bytes: write less")
        existed = write_bytes(self._room, spot, content)
        lines = arguments.content.count("\n") + (not arguments.content.endswith("\n"))
        return Output(f"{spot.shown} {'replaced' if existed else 'created'} ({lines} lines)")


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


def writable(spot: Spot) -> Spot:
    """Return `spot`, or raise when it lies in what is kept from the checkout."""
    if not spot.writable:
        raise ToolProblem(f"{spot.shown!r} is kept from the checkout and read-only")
    return spot


def as_text(content: bytes, spot: Spot) -> str:
    """Return a file's text for reading; bytes that are not UTF-8 are replaced."""
    if b"\0" in content[:BINARY_PROBE]:
        raise ToolProblem(f"{spot.shown!r} is binary ({len(content)} bytes): it cannot be shown")
    return content.decode("utf-8", "replace")


def exact_text(content: bytes, spot: Spot) -> str:
    """Return a file's text for editing, which must give the same bytes back."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ToolProblem(
            f"{spot.shown!r} is not UTF-8 text: edit_file cannot change it"
        ) from error


def page(text: str, start: int | None, end: int | None) -> str:
    """Return numbered lines from `start` (1 is the first) to `end`, as many as fit a page."""
    lines = text.splitlines()
    first = max(1, start or 1)
    last = min(len(lines), end or len(lines))
    if not lines:
        return "(the file is empty)"
    if first > len(lines):
        raise ToolProblem(f"start_line is {first}, but there are {len(lines)} lines")
    if last < first:
        raise ToolProblem(f"end_line {last} lies before start_line {first}")
    shown: list[str] = []
    room = PAGE_CHARS
    for number in range(first, last + 1):
        line = f"{number:>6}\t{shortened(lines[number - 1])}"
        room -= len(line) + 1
        if room < 0 and shown:
            break
        shown.append(line)
    stop = first + len(shown) - 1
    if stop < len(lines):
        on = f"; read on with start_line {stop + 1}" if stop < last else ""
        shown.append(f"(lines {first} to {stop} of {len(lines)}{on})")
    return "\n".join(shown)


def shortened(line: str) -> str:
    """Return a line of at most `LINE_CHARS` characters."""
    if len(line) <= LINE_CHARS:
        return line
    return f"{line[:LINE_CHARS]} [... {len(line) - LINE_CHARS} more characters in this line]"


def replaced(before: str, old: str, new: str, *, every: bool, shown: str) -> tuple[str, int]:
    """Return the text after the replacement and the number of places."""
    if not old:
        raise ToolProblem("old_string is empty: use write_file to create a file")
    if old == new:
        raise ToolProblem("old_string and new_string are the same: nothing would change")
    count = before.count(old)
    if count == 0:
        raise ToolProblem(f"old_string does not occur in {shown!r}. {nearest(before, old)}")
    if count > 1 and not every:
        raise ToolProblem(
            f"old_string occurs {count} times in {shown!r} (lines {places(before, old)}): "
            "include more of the lines around it, or set replace_all"
        )
    return before.replace(old, new), count


def nearest(text: str, old: str) -> str:
    """Return where lines like the first of `old` stand, to help the next try."""
    wanted = next((line.strip() for line in old.splitlines() if line.strip()), "")
    alike = [n for n, line in enumerate(text.splitlines(), 1) if wanted and wanted in line]
    if not alike:
        return "Read the file again: it may have changed, or the text stands in another file."
    return (
        f"Its first line, apart from whitespace, stands at {numbered(alike)}: "
        "read around there and copy the text exactly, indentation included."
    )


def places(text: str, old: str) -> str:
    """Return the line numbers at which `old` begins, a few of them."""
    found: list[int] = []
    position = text.find(old)
    while position >= 0 and len(found) < 8:
        found.append(text.count("\n", 0, position) + 1)
        position = text.find(old, position + len(old))
    return numbered(found).removeprefix("line ")


def numbered(lines: Sequence[int]) -> str:
    """Return `line 3, 7, 9`, at most five of them."""
    return "line " + ", ".join(str(number) for number in lines[:5])


def with_crlf(text: str) -> str:
    """Return `text` with the line ends of a file from Windows."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n")
