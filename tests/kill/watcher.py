"""Stops a process before each system call that changes something, and decides what becomes of it.

    with Watcher(folder / "line", inside=lane.live, decide=decide) as watcher:
        ...  # a process that calls `listener.submit(watcher.line)`
    watcher.points  ->  what was about to happen, in the order of the whole tree of processes

Only what concerns files below `inside` is a point, and every start of git. What happens inside a
sandbox is not: there the same paths name other files, and they are a project's.
"""

import fcntl
import os
import re
import select
import signal
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from types import TracebackType

from tests.kill.listener import numbers

RECEIVE, SEND = 0xC0502100, 0xC0182101
"""ioctl numbers, see `include/uapi/linux/seccomp.h`."""
NOTE = struct.Struct("=QIIiIQ6Q")
ANSWER = struct.Struct("=QqiI")
GO_ON = 1
NO_FOLDER = 1 << 31
"""Descriptors from here are negative: AT_FDCWD, the current folder."""
GO = "go"
KILL = "kill"

ON_DESCRIPTOR = frozenset(
    {"write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate", "fsync", "fdatasync"}
    | {"copy_file_range", "sendfile"}
)
PATH_AT: dict[str, tuple[int | None, int]] = {
    "rename": (None, 1),
    "renameat": (2, 3),
    "renameat2": (2, 3),
    "link": (None, 1),
    "linkat": (2, 3),
    "symlinkat": (1, 2),
    "unlink": (None, 0),
    "unlinkat": (0, 1),
    "rmdir": (None, 0),
    "mkdir": (None, 0),
    "mkdirat": (0, 1),
    "open": (None, 0),
    "openat": (0, 1),
    "execve": (None, 0),
}
"""Call -> which arguments are the folder's descriptor and the path; the new name of two."""
OUT_DESCRIPTOR = {"copy_file_range": 2}
VARYING = re.compile(
    r"\.[0-9]+\.tmp|[0-9a-f]{12,}|[0-9]{2,}|tmp_obj_\w+|(?<=/)[0-9a-f]{2}(?=/)|(?<=fresh-)\w+"
)


@dataclass(frozen=True)
class Point:
    """A system call that is about to be done."""

    number: int
    """From 1."""
    pid: int
    is_pipeline: bool
    """True: the watched process itself does it; False: one that it has started."""
    call: str
    path: str
    """Which file; for `execve` of git its words."""

    @property
    def name(self) -> str:
        """Return what is the same for calls of one kind."""
        who = "pipeline" if self.is_pipeline else "git"
        return f"{who}:{self.call}:{VARYING.sub('#', self.path)}"


Decision = str | int
"""`GO`, `KILL`, or the number of an error with which the call fails."""
Decide = Callable[[Point], Decision]


def go_on(_point: Point) -> Decision:
    """Let everything happen."""
    return GO


@dataclass
class Watcher:
    """Listens at a socket for one process, and serves it to the end of its last descendant."""

    line: Path
    inside: Path
    decide: Decide = go_on
    points: list[Point] = field(default_factory=list)
    _pid: int = 0
    _numbers: dict[int, str] = field(default_factory=numbers)

    def __enter__(self) -> "Watcher":
        self.line.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.line))
        self._socket.listen(1)
        self._ends, self._end = os.pipe()
        self._space = Path("/proc/self/ns/mnt").stat().st_ino
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._end)
        self._thread.join()
        os.close(self._ends)
        self._socket.close()
        self.line.unlink(missing_ok=True)

    def _serve(self) -> None:
        if self._socket not in select.select([self._socket, self._ends], [], [])[0]:
            return
        line, _ = self._socket.accept()
        with line:
            _, descriptors, _, _ = socket.recv_fds(line, 1, 1)
            self._pid = struct.unpack(
                "3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            )[0]
            line.send(b".")
        (listener,) = descriptors
        try:
            self._answer_all(listener)
        finally:
            os.close(listener)

    def _answer_all(self, listener: int) -> None:
        """Answer until nobody is left who could ask, or nobody waits for us any more."""
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        poll.register(self._ends, select.POLLIN)
        while True:
            for descriptor, event in poll.poll():
                if descriptor == listener and event & select.POLLIN:
                    self._answer(listener)
                elif descriptor == listener or not event & select.POLLIN:
                    return

    def _answer(self, listener: int) -> None:
        note = bytearray(NOTE.size)
        try:
            fcntl.ioctl(listener, RECEIVE, note)
        except FileNotFoundError:
            return  # whoever asked is dead
        key, pid, _, number, _, _, *arguments = NOTE.unpack(note)
        decision: Decision = GO
        with suppress(OSError):  # whoever asked is dead
            if point := self._point(pid, self._numbers[number], arguments):
                self.points.append(point)
                decision = self.decide(point)
        if decision == KILL:
            self._kill(pid)
        error = -decision if isinstance(decision, int) else 0
        answer = ANSWER.pack(key, 0, error, 0 if error else GO_ON)
        with suppress(FileNotFoundError):
            fcntl.ioctl(listener, SEND, bytearray(answer))

    def _kill(self, pid: int) -> None:
        for one in {self._pid, pid}:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)

    def _point(self, pid: int, call: str, arguments: list[int]) -> Point | None:
        if Path(f"/proc/{pid}/ns/mnt").stat().st_ino != self._space:
            return None
        if call in ON_DESCRIPTOR:
            at = OUT_DESCRIPTOR.get(call, 0)
            path = _link(pid, f"fd/{arguments[at]}")
        else:
            path = _path(pid, *PATH_AT[call], arguments)
        if call == "execve":
            if Path(path).name != "git" or not Path(path).exists():
                return None
            shown = _git_command(pid, arguments[1])
        elif path.startswith(f"{self.inside}/"):
            shown = path.removeprefix(f"{self.inside}/").removesuffix(" (deleted)")
        else:
            return None
        is_pipeline = Path(f"/proc/{self._pid}/task/{pid}").exists()
        return Point(len(self.points) + 1, pid, is_pipeline, call, shown)


def _path(pid: int, folder_at: int | None, path_at: int, arguments: list[int]) -> str:
    path = _text(pid, arguments[path_at])
    if path.startswith("/"):
        return os.path.normpath(path)
    at = "cwd"
    if folder_at is not None and (descriptor := arguments[folder_at] & 0xFFFFFFFF) < NO_FOLDER:
        at = f"fd/{descriptor}"
    return os.path.normpath(f"{_link(pid, at)}/{path}")


def _link(pid: int, name: str) -> str:
    return str(Path(f"/proc/{pid}/{name}").readlink())


def _git_command(pid: int, address: int) -> str:
    words = []
    while len(words) < 200:
        (at,) = struct.unpack("Q", _memory(pid, address + 8 * len(words), 8))
        if at == 0:
            break
        words.append(_text(pid, at))
    rest = iter(words[1:])
    for word in rest:
        if word in ("-c", "-C", "--git-dir", "--work-tree"):
            next(rest, None)
        elif not word.startswith("-"):
            return f"git {word}"
    return "git"


def _text(pid: int, address: int) -> str:
    found = b""
    while b"\0" not in found and len(found) < 8192:
        at = address + len(found)
        found += _memory(pid, at, min(256, 4096 - at % 4096))
    return os.fsdecode(found.split(b"\0")[0])


def _memory(pid: int, address: int, size: int) -> bytes:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(size)
