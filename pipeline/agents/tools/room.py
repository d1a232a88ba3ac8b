"""The files an agent may see: its workspace, under the path of the user's checkout.

    /home/u/project/src/a.py    the checkout's path, as commands in the sandbox print it
    src/a.py                    the same file
    .venv/lib/x.py              a kept folder: read from the checkout, never written
    .git, .workflow             closed, wherever they lie

A path without links is opened in one call that cannot leave the folder (`beneath.py`). Otherwise
every part is opened by itself, relative to the folder before it and without following links; a link
is followed by hand, and only as long as it stays inside.
"""

import os
import re
import stat
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.agents.tools.beneath import open_beneath
from pipeline.sandbox import Jail

CLOSED = frozenset({".git", ".workflow"})
MOST_LINKS = 20
IGNORED = (
    *(range(0x200B, 0x2010), range(0x202A, 0x202F), range(0x2060, 0x2070), range(0xFE00, 0xFE10)),
    *(
        range(0x180B, 0x1810),
        range(0xFFF0, 0xFFF9),
        range(0x1BCA0, 0x1BCA4),
        range(0x1D173, 0x1D17B),
    ),
    *(range(0xE0000, 0xE1000), range(0x115F, 0x1161), range(0x17B4, 0x17B6)),
    (0xAD, 0x34F, 0x61C, 0x3164, 0xFEFF, 0xFFA0),
)
"""Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties: file systems that fold names
(ext4 with `casefold`, HFS+) do not see these."""
_IGNORED_IN_NAMES = dict.fromkeys(code for codes in IGNORED for code in codes)
SHORT_NAMES = re.compile(r"(?:git|workfl)~[0-9]+")
"""What NTFS also calls them."""


class ToolProblem(ValueError):
    """Raised for what the model can mend; its text goes back to the model."""


@dataclass(frozen=True)
class Spot:
    """Where a path of the agent's leads: `parts` below the host folder `base`."""

    base: Path
    parts: tuple[str, ...]
    shown: str
    """Relative to the repository's root; `.` for the root itself."""
    writable: bool


class Room:
    """Translates the paths of an agent into files of this machine."""

    def __init__(
        self, jail: Jail, beneath: Callable[[int, str], int | None] = open_beneath
    ) -> None:
        self._root = jail.workspace
        self._beneath = beneath
        self._checkout = jail.checkout
        kept = [(path, path) for path in jail.keep]
        self._mounts = [
            (mount.relative_to(jail.checkout).parts, host)
            for host, mount in [*kept, *jail.copies]
            if mount.is_relative_to(jail.checkout)
        ]

    def spot(self, text: str) -> Spot:
        """Return where `text` leads; raises `ToolProblem` for a path that is closed."""
        parts = self._relative_parts(text)
        for part in parts:
            check_open(part, text)
        shown = "/".join(parts) or "."
        for mount, host in self._mounts:
            if parts[: len(mount)] == mount:
                return Spot(host, parts[len(mount) :], shown, writable=False)
        return Spot(self._root, parts, shown, writable=True)

    @contextmanager
    def folder_of(self, spot: Spot, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Open the folder that holds the last part; gives its descriptor and that part's name.

        `make` creates folders that are missing. The name is `.` when the spot is a whole base.
        """
        base, parts = spot.base, spot.parts
        if not base.is_dir():
            base, parts = base.parent, (base.name, *parts)
        stack = [os.open(base, os.O_RDONLY | os.O_DIRECTORY)]
        try:
            parts = self._jump(stack, parts)
            name = self._descend(stack, parts, spot, make=make)
            yield stack[-1], name
        finally:
            for descriptor in stack:
                os.close(descriptor)

    def _jump(self, stack: list[int], parts: tuple[str, ...]) -> tuple[str, ...]:
        """Open the folder of the last part at once, where that can be; return what is left to do.

        Not where the last part is a link: its target is relative to folders that are not open.
        """
        if len(parts) > 1:
            folder = self._beneath(stack[0], "/".join(parts[:-1]))
            if folder is not None:
                stack.append(folder)
                if not is_link(parts[-1], folder):
                    return parts[-1:]
                os.close(stack.pop())
        return parts

    def _descend(self, stack: list[int], parts: Sequence[str], spot: Spot, *, make: bool) -> str:
        """Open folder after folder onto `stack`; return the name of the last part."""
        todo, links = deque(parts), 0
        while todo:
            part = todo.popleft()
            if part == "..":
                leave(stack, spot)
                continue
            check_open(part, spot.shown)
            if is_link(part, stack[-1]):
                links += 1
                if links > MOST_LINKS:
                    raise ToolProblem(f"{spot.shown!r} runs through too many symbolic links")
                todo.extendleft(reversed(self._follow(stack, part, spot)))
            elif todo:
                stack.append(enter(part, stack[-1], spot, make=make))
            else:
                return part
        return "."

    def _follow(self, stack: list[int], part: str, spot: Spot) -> tuple[str, ...]:
        """Return the parts of a link's target; an absolute one starts again at the root."""
        target = Path(os.readlink(part, dir_fd=stack[-1]))
        if not target.is_absolute():
            return target.parts
        if not spot.writable or not target.is_relative_to(self._checkout):
            raise leaves(spot)
        while len(stack) > 1:
            os.close(stack.pop())
        return target.relative_to(self._checkout).parts

    def _relative_parts(self, text: str) -> tuple[str, ...]:
        if "\0" in text:
            raise ToolProblem(f"the path {text!r} contains a NUL character")
        path = Path(text)
        if path.is_absolute():
            path = self._inside(path, text)
        if ".." in path.parts:
            raise ToolProblem(f"the path {text!r} contains '..': name it from the root on")
        return path.parts

    def _inside(self, path: Path, text: str) -> Path:
        for root in (self._checkout, self._root):
            if path.is_relative_to(root):
                return path.relative_to(root)
        raise ToolProblem(
            f"{text!r} lies outside of the repository: use paths relative to its root"
        )


def check_open(part: str, shown: str) -> None:
    """Raise when `part` names a folder that is closed to agents."""
    if is_closed(part):
        raise ToolProblem(f"{shown!r} is closed: .git and .workflow belong to the pipeline")


def is_closed(part: str) -> bool:
    """Tell whether any file system takes `part` for the name of a closed folder."""
    seen = unicodedata.normalize("NFD", part.translate(_IGNORED_IN_NAMES))
    plain = seen.casefold().rstrip(" .")
    return plain in CLOSED or SHORT_NAMES.fullmatch(plain) is not None


def is_link(part: str, folder: int) -> bool:
    """Tell whether `part` of an open folder is a symbolic link; a missing one is none."""
    try:
        return stat.S_ISLNK(os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def enter(part: str, folder: int, spot: Spot, *, make: bool) -> int:
    """Open the folder `part` of an open folder."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    if make:
        with suppress(FileExistsError):
            os.mkdir(part, dir_fd=folder)
    try:
        return os.open(part, flags, dir_fd=folder)
    except FileNotFoundError as error:
        raise ToolProblem(
            f"there is no {spot.shown!r}: the folder {part!r} does not exist (see list_files)"
        ) from error
    except NotADirectoryError as error:
        raise ToolProblem(f"there is no {spot.shown!r}: {part!r} is not a folder") from error


def leave(stack: list[int], spot: Spot) -> None:
    """Go one folder up, which a link's target may ask for, but never above the base."""
    if len(stack) == 1:
        raise leaves(spot)
    os.close(stack.pop())


def leaves(spot: Spot) -> ToolProblem:
    """Return the error for a link that leads out."""
    return ToolProblem(f"{spot.shown!r} is closed: a symbolic link in it leaves the repository")
