"""`edit_file`: an exact piece of a text, replaced where it stands exactly once, or everywhere."""

from collections.abc import Sequence

from pipeline.agents.tools.room import ToolProblem


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
