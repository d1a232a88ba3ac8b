"""Links that are swapped in while a file tool works: how many tries get through.

    python -m tests.attacks.races [tries]      10,000 unless told; exit code 1 when one got through

Once with openat2, once without.

Another process exchanges, as fast as it can, a folder with a link to a folder outside, and a file
with a link to a file outside. Meanwhile each try writes, replaces, reads or deletes through them.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from pipeline.agents.tools.applier import Applier
from pipeline.agents.tools.beneath import open_beneath
from pipeline.agents.tools.reading import read_bytes
from pipeline.agents.tools.room import Room, ToolProblem
from pipeline.sandbox import Jail

TRIES = 10_000
SECRET = "kept outside"
AT_CWD, EXCHANGE = -100, 2
Act = Callable[[], str | None]


@dataclass
class Tally:
    """What came of the tries."""

    done: int = 0
    refused: int = 0
    through: int = 0


def swap(folder: Path) -> None:
    """Exchange the names for ever; `folder` holds them and the links."""
    rename = ctypes.CDLL(None).renameat2
    names = [(folder / one, folder / other) for one, other in (("d", "e"), ("f", "g"))]
    pairs = [(os.fsencode(one), os.fsencode(other)) for one, other in names]
    while True:
        for one, other in pairs:
            rename(AT_CWD, one, AT_CWD, other, EXCHANGE)


@contextmanager
def swapped(base: Path) -> Iterator[Path]:
    """Give a workspace whose `d` and `f` are links to `base/outside` half of the time."""
    outside, workspace = base / "outside", base / "workspace"
    for folder in (outside, workspace / "d"):
        folder.mkdir(parents=True)
    (outside / "key").write_text(SECRET)
    (workspace / "d/key").write_text("inside")
    (workspace / "f").write_text("inside")
    (workspace / "e").symlink_to(outside)
    (workspace / "g").symlink_to(outside / "key")
    words = [sys.executable, "-m", "tests.attacks.races", "--swap", str(workspace)]
    swapper = subprocess.Popen(words, cwd=Path(__file__).parents[2])
    try:
        _wait_for_a_swap(workspace)
        yield workspace
    finally:
        swapper.kill()
        swapper.wait()


def _wait_for_a_swap(workspace: Path) -> None:
    for _ in range(10_000_000):
        if (workspace / "d").is_symlink():
            return
    raise AssertionError("nothing is swapped")


def step_by_step(workspace: Path) -> list[Act]:
    """Return the same as `tools` on a kernel that has no openat2."""
    return tools(workspace, lambda *_: None)


def tools(workspace: Path, beneath: Callable[[int, str], int | None] = open_beneath) -> list[Act]:
    """Return what an agent can do to the names, each through the file tools."""
    room = Room(Jail(workspace, workspace, workspace), beneath)
    applier = Applier(room)

    def read(path: str) -> str:
        return read_bytes(room, room.spot(path)).decode()

    return [
        lambda: applier.put("d/key", "written"),
        lambda: read("d/key"),
        lambda: applier.put("f", "written"),
        lambda: read("f"),
        lambda: applier.change("d/key", lambda before, _: (before, before), ""),
        lambda: applier.delete("d/key"),
        lambda: applier.put("d/new/key", "written"),
        lambda: read("d/new/key"),
    ]


def plain(workspace: Path) -> list[Act]:
    """Return the same by path alone, which does not hold."""
    return [(workspace / "d/key").read_text, (workspace / "f").read_text]


def race(tries: int, acts: Callable[[Path], list[Act]] = tools) -> Tally:
    """Make the tries; those after which anything outside has changed or was read got through."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as base, swapped(Path(base)) as workspace:
        outside = Path(base, "outside")
        for act in islice(cycle(acts(workspace)), tries):
            said = None
            try:
                said = act()
                tally.done += 1
            except (ToolProblem, OSError):
                tally.refused += 1
            was_read = said is not None and SECRET in said
            if (
                was_read
                or [*outside.iterdir()] != [outside / "key"]
                or _text(outside / "key") != SECRET
            ):
                tally.through += 1
    return tally


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""


if __name__ == "__main__":
    if sys.argv[1:2] == ["--swap"]:
        swap(Path(sys.argv[2]))
    tries = int(sys.argv[1]) if sys.argv[1:] else TRIES
    through = 0
    for acts in (tools, step_by_step):
        tally = race(tries, acts)
        through += tally.through
        told = f"{tally.done} done, {tally.refused} refused, {tally.through} got through"
        sys.stdout.write(f"{acts.__name__}: {told}\n")
    sys.exit(bool(through))
