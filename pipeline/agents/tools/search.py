"""search: lines that match a regular expression, found in a process of its own.

Python's `re` cannot be stopped from outside, and one bad pattern takes for ever; a process can.
"""

import json
import os
import re
import sys
from pathlib import Path

from pipeline import proc
from pipeline.agents.toolbox import Leash, Output
from pipeline.agents.tools.listing import chosen, files_below
from pipeline.agents.tools.room import Room, Spot, ToolProblem
from pipeline.agents.tools.wire import Search, Wire
from pipeline.domain.counting import counted

SEARCH_SECONDS = 20.0
MOST_HITS = 200
WORKER = Path(__file__).with_name("search_worker.py")
CAPPED = 3
"""The exit code of a worker that stopped at `MOST_HITS`."""


class Searching:
    """The search tool of one turn."""

    def __init__(self, room: Room, seconds: float = SEARCH_SECONDS) -> None:
        self._room = room
        self._seconds = seconds

    def search(self, arguments: Wire, leash: Leash) -> Output:
        """Find matching lines as `path:line: text`."""
        assert isinstance(arguments, Search)
        try:
            re.compile(arguments.pattern)
        except re.error as error:
            raise ToolProblem(f"the pattern is no regular expression: {error}") from error
        spot = self._room.spot(arguments.path or ".")
        names = self._names(spot, arguments.glob)
        done = self._run(spot, names, arguments.pattern, leash)
        hits = done.output.decode("utf-8", "replace").rstrip("\n")
        if done.timed_out:
            note = f"(stopped after {self._seconds:g} s: simplify the pattern or name a folder)"
            return Output(f"{hits}\n{note}".lstrip(), is_error=not hits)
        if done.exit_code == CAPPED:
            return Output(
                f"{hits}\n(only the first {MOST_HITS} hits: narrow the pattern, or name a folder)"
            )
        if done.exit_code != 0:
            raise ToolProblem("the search failed; try a simpler pattern")
        return Output(hits or f"no line matches in {counted(len(names), 'file')}")

    def _names(self, spot: Spot, glob: str | None) -> list[str]:
        """Return the files to search, relative to the spot; '' when the spot is a file."""
        with self._room.folder_of(spot) as (folder, name):
            is_file = name != "." and _is_regular(name, folder)
        if is_file:
            return [""]
        prefix = "" if spot.shown == "." else f"{spot.shown}/"
        return [
            name for name, _ in files_below(self._room, spot) if chosen(glob, name, prefix + name)
        ]

    def _run(self, spot: Spot, names: list[str], pattern: str, leash: Leash) -> proc.Finished:
        with self._room.folder_of(spot) as (folder, name):
            base = Path(os.readlink(f"/proc/self/fd/{folder}")) / name  # noqa: PTH115 of a link
        wanted = {
            "base": str(base),
            "shown": "" if spot.shown == "." else spot.shown,
            "names": names,
            "pattern": pattern,
            "most": MOST_HITS,
        }
        return proc.run(
            [sys.executable, "-I", "-S", str(WORKER)],
            env={},
            timeout_s=min(self._seconds, leash.remaining()),
            stdin=json.dumps(wanted).encode(),
            stop=leash.stop,
        )


def _is_regular(name: str, folder: int) -> bool:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError as error:
        raise ToolProblem(f"there is no {name!r} to search in (see list_files)") from error
    try:
        return not os.path.isdir(descriptor)  # noqa: PTH112 of a descriptor
    finally:
        os.close(descriptor)
