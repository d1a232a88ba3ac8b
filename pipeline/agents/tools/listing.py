"""list_files: what is below a folder, in as few lines as will do."""

import os
import stat
from collections import Counter
from collections.abc import Iterator

from pipeline.agents.toolbox import Leash, Output
from pipeline.agents.tools.room import Room, Spot, ToolProblem, is_closed
from pipeline.agents.tools.wire import ListFiles, Wire
from pipeline.domain.counting import plural
from pipeline.plans import globs

MOST_LISTED = 400
MOST_WALKED = 50_000
MOST_DEEP = 50
"""Folders within folders; nobody's project has more, and walking takes a descriptor for each."""
SKIPPED = frozenset(
    {
        ".cache", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".tox", ".venv",
        "__pycache__", "node_modules", "target", "venv",
    }
)  # fmt: skip
"""Caches and installed dependencies, shown only when named as the path."""


class Listing:
    """The list_files tool of one turn."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def list_files(self, arguments: Wire, leash: Leash) -> Output:
        """List files with their sizes; a large tree as counts per folder."""
        assert isinstance(arguments, ListFiles)
        spot = self._room.spot(arguments.path)
        found = []
        for name, size in files_below(self._room, spot):
            shown = name if spot.shown == "." else f"{spot.shown}/{name}"
            if chosen(arguments.glob, name, shown):
                found.append((shown, size))
        if not found:
            return Output(f"no file matches {arguments.glob!r} below {spot.shown!r}")
        if len(found) > MOST_LISTED:
            return Output(counted([shown for shown, _ in found], spot.shown))
        return Output("\n".join(f"{shown}\t{size}" for shown, size in found))


def chosen(glob: str | None, name: str, shown: str) -> bool:
    """Tell whether a glob names a file: by its path from the root or from the folder named.

    A glob without `/` names files in every folder; None names every file.
    """
    if glob is None:
        return True
    glob = glob.removeprefix("./")
    glob = glob if "/" in glob else f"**/{glob}"
    return globs.matches(shown, glob) or globs.matches(name, glob)


def files_below(room: Room, spot: Spot) -> Iterator[tuple[str, int]]:
    """Yield the regular files below a folder: path relative to it, size in bytes; sorted."""
    with room.folder_of(spot) as (folder, name):
        try:
            state = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError as error:
            raise ToolProblem(f"there is no folder {spot.shown!r} (try '.')") from error
        if not stat.S_ISDIR(state.st_mode):
            raise ToolProblem(f"{spot.shown!r} is a file: use read_file")
        yield from _walk(folder, name)


def _walk(folder: int, name: str) -> Iterator[tuple[str, int]]:
    walked = 0
    for where, folders, files, descriptor in os.fwalk(name, dir_fd=folder):
        folders[:] = sorted(f for f in folders if not is_closed(f) and f not in SKIPPED)
        inside = where.removeprefix(name).lstrip("/")
        if inside.count("/") >= MOST_DEEP:
            folders.clear()
        for file in sorted(files):
            walked += 1
            if walked > MOST_WALKED:
                return
            state = os.stat(file, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISREG(state.st_mode) and not is_closed(file):
                yield (f"{inside}/{file}" if inside else file), state.st_size


def counted(paths: list[str], shown: str) -> str:
    """Return the next level below `shown`: files by name, folders with their number of files."""
    prefix = "" if shown == "." else f"{shown}/"
    folders: Counter[str] = Counter()
    files = []
    for path in paths:
        head, slash, _ = path.removeprefix(prefix).partition("/")
        if slash:
            folders[f"{prefix}{head}/"] += 1
        else:
            files.append(f"{prefix}{head}")
    lines = [
        f"{folder}\t{number} {plural(number, 'file')}" for folder, number in sorted(folders.items())
    ]
    more = [f"(and {len(files) - MOST_LISTED} more here)"] if len(files) > MOST_LISTED else []
    all_of_them = f"{len(paths)} {plural(len(paths), 'file')} in all"
    note = f"({all_of_them}: name a folder, or give a glob, to see its files)"
    return "\n".join([*lines, *files[:MOST_LISTED], *more, note])
