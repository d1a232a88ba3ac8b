"""read_file, edit_file, write_file, apply_patch: the text files of the room."""

from pipeline.agents.toolbox import Leash, Output
from pipeline.agents.tools.applier import Applier
from pipeline.agents.tools.outputs import CAP_CHARS, Outputs
from pipeline.agents.tools.patch import new_content, patched
from pipeline.agents.tools.reading import read_bytes
from pipeline.agents.tools.replacing import replaced, with_crlf
from pipeline.agents.tools.room import Room, Spot, ToolProblem
from pipeline.agents.tools.wire import ApplyPatch, EditFile, ReadFile, Wire, WriteFile
from pipeline.domain.counting import counted
from pipeline.store.secret_forms import without_private_keys

LINE_CHARS = 2_000
PAGE_CHARS = CAP_CHARS - 500
"""A page with its last line stays below the cap of outputs."""
BINARY_PROBE = 8_192


class Files:
    """The file tools of one turn."""

    def __init__(self, room: Room, outputs: Outputs) -> None:
        self._room = room
        self._outputs = outputs
        self._applier = Applier(room)

    def read_file(self, arguments: Wire, leash: Leash) -> Output:
        """Show a page of a text file, or of a kept output."""
        assert isinstance(arguments, ReadFile)
        text = self._outputs.read(arguments.path)
        if text is None:
            spot = self._room.spot(arguments.path)
            text = without_private_keys(as_text(read_bytes(self._room, spot), spot))
        return Output(page(text, arguments.start_line, arguments.end_line))

    def edit_file(self, arguments: Wire, leash: Leash) -> Output:
        """Replace an exact piece of a file."""
        assert isinstance(arguments, EditFile)
        wanted = arguments

        def edit(before: str, spot: Spot) -> tuple[str, str]:
            old, new = wanted.old_string, wanted.new_string
            if "\r\n" in before and old not in before:
                old, new = with_crlf(old), with_crlf(new)
            after, count = replaced(before, old, new, every=wanted.replace_all, shown=spot.shown)
            places = counted(count, "place")
            line = before[: before.index(old)].count("\n") + 1
            return after, f"{spot.shown} changed in {places} (first at line {line})"

        sent = wanted.old_string + wanted.new_string
        return Output(self._applier.change(arguments.path, edit, sent))

    def write_file(self, arguments: Wire, leash: Leash) -> Output:
        """Create or replace a file."""
        assert isinstance(arguments, WriteFile)
        return Output(self._applier.put(arguments.path, arguments.content))

    def apply_patch(self, arguments: Wire, leash: Leash) -> Output:
        """Create, change or delete one file, as OpenAI's models were trained to ask for it."""
        assert isinstance(arguments, ApplyPatch)
        path, diff = arguments.path, arguments.diff or ""

        def edit(before: str, spot: Spot) -> tuple[str, str]:
            return patched(before, diff, shown=spot.shown), f"{spot.shown} changed"

        if arguments.type == "delete_file":
            return Output(self._applier.delete(path))
        if arguments.type == "create_file":
            return Output(self._applier.put(path, new_content(diff)))
        return Output(self._applier.change(path, edit, diff))


def as_text(content: bytes, spot: Spot) -> str:
    """Return a file's text for reading; bytes that are not UTF-8 are replaced."""
    if b"\0" in content[:BINARY_PROBE]:
        raise ToolProblem(f"{spot.shown!r} is binary ({len(content)} bytes): it cannot be shown")
    return content.decode("utf-8", "replace")


def page(text: str, start: int | None, end: int | None) -> str:
    """Return numbered lines from `start` (1 is the first) to `end`, as many as fit a page."""
    lines = text.splitlines()
    first = max(1, start or 1)
    last = min(len(lines), end or len(lines))
    if not lines:
        return "(the file is empty)"
    if first > len(lines):
        raise ToolProblem(f"start_line is {first}, of {counted(len(lines), 'line')} that there are")
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
