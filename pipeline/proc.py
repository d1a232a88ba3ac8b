"""The one place where processes start: bounded in time and output, ended as a group.

The reader runs in the caller's thread. A sandbox dies with the thread that started it, so call
`run` from a thread that outlives the child.
"""

import errno
import os
import select
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.clocks import Awake
from pipeline.errors import DiskProblem, PipelineError

SLICE_S = 0.05
"""How often the clock, the stop flag and the child are looked at while its pipes are silent."""
GRACE_S = 0.2
"""How long pipes may stay open after the child has ended before its group is killed."""
CHUNK = 65536
SWEEPS = 5
"""How often processes are looked for again that may have forked while they were killed."""
DYING_S = 2.0
"""How long a killed process may take to end: on a busy machine it has to be its turn first."""


class CannotStart(PipelineError):
    """Raised when a program is not there or cannot be started."""


@dataclass(frozen=True)
class Finished:
    """How a process ended and what it printed."""

    exit_code: int
    """128 + n when signal n ended it."""
    output: bytes
    errors: bytes
    """Empty when both streams were merged."""
    duration_s: float
    timed_out: bool = False
    stopped: bool = False
    truncated: bool = False
    """True when the middle of a stream was left out; its head and tail are kept."""

    @property
    def ok(self) -> bool:
        """Tell whether it ended by itself with exit code 0."""
        return self.exit_code == 0 and not self.timed_out and not self.stopped


def merged(done: Finished) -> Finished:
    """Return the same ending with both streams in `output`."""
    return replace(done, output=done.output + done.errors, errors=b"")


def never() -> bool:
    """Return False: a stop flag that nobody raises."""
    return False


def search_path() -> str:
    """Return PATH without entries that are relative, such as `.` and `./node_modules/.bin`.

    Programs of ours start in checkouts and workspaces, where those would find an agent's.
    """
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(one for one in entries if one.startswith("/")) or os.defpath


def here(start: "Callable[[], subprocess.Popen[bytes]]") -> "subprocess.Popen[bytes]":
    """Call `start` in this thread."""
    return start()


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 60,
    stdin: bytes = b"",
    merge_errors: bool = False,
    stop: Callable[[], bool] = never,
    max_output: int = 10 * 2**20,
    pass_fds: Sequence[int] = (),
    spawn: "Callable[[Callable[[], subprocess.Popen[bytes]]], subprocess.Popen[bytes]]" = here,
    clock: Callable[[], float] | None = None,
) -> Finished:
    """Run a program to its end, its deadline or `stop`, whichever comes first.

    `env` replaces the whole environment; None inherits ours, PATH as `search_path` has it.
    `max_output` is bytes per stream; `pass_fds` are descriptors that the program inherits, under
    their numbers. `spawn` calls what it is given, in a thread of its choice, and returns what that
    returns. `clock` (seconds) tells the deadline; None: an `Awake` one, so that after a pause of
    ours no command is found too late.
    Returns within about 0.3 s of the deadline, even when grandchildren hold the pipes open.
    Raises `CannotStart` when the program is not there.
    """
    started, clock = time.monotonic(), clock or Awake()
    process = spawn(lambda: _start(argv, cwd, env, bool(stdin), merge_errors, pass_fds))
    reader = _Reader(process, stdin, max_output)
    try:
        ending = _drive(process, reader, clock, clock() + timeout_s, stop)
    finally:
        _end(process)
        reader.close()
    code = process.returncode
    return Finished(
        exit_code=128 - code if code < 0 else code,
        output=reader.output.value(),
        errors=reader.errors.value(),
        duration_s=time.monotonic() - started,
        timed_out=ending == "timed_out",
        stopped=ending == "stopped",
        truncated=reader.output.left_out + reader.errors.left_out > 0,
    )


def _start(
    argv: Sequence[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    feed: bool,
    merge_errors: bool,
    pass_fds: Sequence[int],
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=os.environ | {"PATH": search_path()} if env is None else env,
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_errors else subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
            pass_fds=pass_fds,
        )
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise DiskProblem(
                f"cannot start {argv[0]!r}: {error.strerror}; close programs or raise the limit "
                "(`ulimit -n`), and run again"
            ) from error
        missing = f"{error.filename!r}: {error.strerror}"
        raise CannotStart(f"cannot start {argv[0]!r} ({missing}); is it installed?") from error


def end_marked(mark: str) -> None:
    """Kill every process whose environment has `mark` (`NAME=value`), wherever it has gone.

    It finds what has left its group and its parent, unless it has cleared its environment too, and
    returns when they have ended. Where there is no /proc nothing is found.
    """
    wanted = mark.encode()
    for _ in range(SWEEPS):
        found = [pid for pid in _processes() if wanted in _environment(pid)]
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in found:
            _watch_end(pid, DYING_S)


def _processes() -> list[int]:
    folder = Path("/proc")
    names = [place.name for place in folder.iterdir()] if folder.is_dir() else []
    return [int(name) for name in names if name.isdigit() and int(name) != os.getpid()]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []  # it is gone, or another user's


def _drive(
    process: "subprocess.Popen[bytes]",
    reader: "_Reader",
    clock: Callable[[], float],
    deadline: float,
    stop: Callable[[], bool],
) -> str:
    """Read until the pipes close; return `ended`, `timed_out` or `stopped`."""
    ended_at: float | None = None
    while reader.is_open:
        now = clock()
        if ended_at is None and process.poll() is not None:
            ended_at = now
        if ended_at is not None and now > ended_at + GRACE_S:
            return "ended"  # a background process holds the pipes
        if ending := _asked_to_end(now, deadline, stop):
            return _cut(process, reader, ending if ended_at is None else "ended")
        reader.read(min(SLICE_S, max(deadline - now, 0)))
    while process.poll() is None:
        if ending := _asked_to_end(clock(), deadline, stop):
            return ending
        _await_end(process, SLICE_S)
    return "ended"


def _await_end(process: "subprocess.Popen[bytes]", timeout_s: float) -> None:
    """Wait up to `timeout_s` for a child that was there a moment ago.

    The kernel says when it ends. `Popen.wait` with a timeout sleeps and looks again: its first
    sleep is longer than most calls of git.
    """
    if not _watch_end(process.pid, timeout_s):
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout_s)


def _watch_end(pid: int, timeout_s: float) -> bool:
    """Wait up to `timeout_s` for a process to end; False where the kernel does not tell of it.

    It is gone already, or: macOS, Linux before 5.3, a filter of system calls.
    """
    try:
        ending = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return False
    try:
        poller = select.poll()
        poller.register(ending, select.POLLIN)
        poller.poll(timeout_s * 1000)
    finally:
        os.close(ending)
    return True


def _asked_to_end(now: float, deadline: float, stop: Callable[[], bool]) -> str | None:
    if now >= deadline:
        return "timed_out"
    return "stopped" if stop() else None


def _cut(process: "subprocess.Popen[bytes]", reader: "_Reader", ending: str) -> str:
    """Kill the group, then take what it had printed already."""
    _end(process)
    until = time.monotonic() + GRACE_S
    while reader.is_open and (left := until - time.monotonic()) > 0:
        reader.read(min(SLICE_S, left))
    return ending


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@dataclass
class _Capture:
    """The head and the tail of a stream, never more than `limit` bytes."""

    limit: int
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    left_out: int = 0

    def add(self, chunk: bytes) -> None:
        """Keep `chunk`, or its last bytes when the room is used up."""
        room = max(self.limit // 2 - len(self.head), 0)
        self.head += chunk[:room]
        self.tail += chunk[room:]
        surplus = len(self.tail) - (self.limit - self.limit // 2)
        if surplus > 0:
            del self.tail[:surplus]
            self.left_out += surplus

    def value(self) -> bytes:
        """Return head and tail, with a line between them when something was left out."""
        mark = b"\n[... %d bytes left out ...]\n" % self.left_out if self.left_out else b""
        return bytes(self.head) + mark + bytes(self.tail)


class _Reader:
    """Feeds a child's input and collects its output without blocking on any pipe."""

    def __init__(self, process: "subprocess.Popen[bytes]", stdin: bytes, limit: int) -> None:
        self.output = _Capture(limit)
        self.errors = _Capture(limit)
        self._left = memoryview(stdin)
        self._process = process
        self._selector = selectors.DefaultSelector()
        self._open = 0
        for stream, capture in ((process.stdout, self.output), (process.stderr, self.errors)):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                self._selector.register(stream, selectors.EVENT_READ, capture)
                self._open += 1
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._selector.register(process.stdin, selectors.EVENT_WRITE)

    @property
    def is_open(self) -> bool:
        """Tell whether any output pipe may still bring something."""
        return self._open > 0

    def read(self, timeout_s: float) -> None:
        """Wait up to `timeout_s` for any pipe and serve those that are ready."""
        for key, _ in self._selector.select(timeout_s):
            if isinstance(key.data, _Capture):
                self._take(key.fd, key.data)
            else:
                self._feed(key.fd)

    def close(self) -> None:
        """Close all pipes."""
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _take(self, descriptor: int, capture: _Capture) -> None:
        with suppress(BlockingIOError):
            chunk = os.read(descriptor, CHUNK)
            capture.add(chunk)
            if not chunk:
                self._selector.unregister(descriptor)
                self._open -= 1

    def _feed(self, descriptor: int) -> None:
        try:
            self._left = self._left[os.write(descriptor, self._left[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._left = self._left[:0]
        if not self._left and self._process.stdin is not None:
            self._selector.unregister(descriptor)
            self._process.stdin.close()


class Conversation:
    """A program that answers one question after another; it ends when `end` closes its input.

    For programs of ours that answer at once (git), never for a project's: nothing here has a
    deadline. Not for several threads at a time.
    """

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        """Start it, its errors unread. Raises `CannotStart` when the program is not there."""
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise CannotStart(
                f"cannot start {argv[0]!r} ({error.strerror}); is it installed?"
            ) from error

    @property
    def is_alive(self) -> bool:
        """Tell whether it can be asked."""
        return self._process.poll() is None

    def send(self, question: bytes) -> None:
        """Write one question; nothing happens when it has ended."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(question)
            self._process.stdin.flush()

    def line(self) -> bytes:
        """Return the next line of its output with the newline; empty at its end."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def exactly(self, size: int) -> bytes:
        """Return the next `size` bytes of its output, fewer at its end."""
        assert self._process.stdout is not None
        return self._process.stdout.read(size)

    def end(self) -> None:
        """Close its pipes and wait for it."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()
        self._process.wait()


def in_foreground(argv: Sequence[str]) -> int:
    """Run a program that the person talks to (an editor) on our terminal; return its exit code.

    Raises `CannotStart` when it is not there.
    """
    try:
        return subprocess.run(argv, check=False).returncode
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CannotStart(
            f"cannot start {argv[0]!r}: {reason}; set EDITOR to one that is there"
        ) from error
