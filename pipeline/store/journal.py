"""The journal: every state change, one fsynced, hash-chained line each; the audit log too.

Any process appends under `journal.lock`, for one append: cut what a killed process left unfinished
(kept in `journal.torn`), read what others appended, write, fdatasync.
"""

import errno
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import NoReturn

from filelock import Timeout

from pipeline.domain.base import utc_now
from pipeline.errors import DiskProblem, PipelineError, cannot_write
from pipeline.paths import Places
from pipeline.store.entries import Entry
from pipeline.store.files import (
    append_durable,
    fsync_folder,
    make_folder,
    write_all,
    write_atomic,
)
from pipeline.store.line import NO_HASH, Line, corrupt, make_line, scan
from pipeline.store.locks import OftenLock, take
from pipeline.store.room import give_up_room

Probe = Callable[[str], None]
"""Called at the exact points where a crash is interesting: `journal:before:<kind>` and others."""

LOCK_TIMEOUT_S = 120.0
FULL = (errno.ENOSPC, errno.EDQUOT)
IDENTITY_LENGTH = 16


def no_probe(point: str) -> None:
    """Do nothing at `point`."""


class Journal:
    """The journal file as this process knows it; safe to share between threads."""

    def __init__(
        self,
        places: Places,
        *,
        clock: Callable[[], datetime] = utc_now,
        probe: Probe = no_probe,
        kinds: Collection[str] | None = None,
    ) -> None:
        """Open without reading. Only lines of `kinds` are handed out (None: all)."""
        self._path = places.journal
        self._places = places
        self._torn = places.journal_torn
        self._lock = OftenLock(places.journal_lock, LOCK_TIMEOUT_S)
        self._guard = threading.RLock()  # protects the five fields below
        self._fresh: list[Line] = []
        self._first: Line | None = None
        self._last: Line | None = None
        self._newest: datetime | None = None
        self._end = 0
        self._clock = clock
        self._probe = probe
        self._kinds = kinds
        self._began_here = False
        self._is_held = False  # protected by the guard as well
        self._broken: DiskProblem | None = None
        """What the disk said to a wait for it: this process writes nothing after that."""

    @property
    def seq(self) -> int:
        """Number of the last line read or written; 0 when there is none."""
        return self._last.seq if self._last else 0

    @property
    def newest_at(self) -> datetime | None:
        """The latest time of all lines read or written: clocks go back, and lines stay."""
        return self._newest

    @property
    def end(self) -> int:
        """Offset behind the last line read or written."""
        return self._end

    @property
    def last_hash(self) -> str:
        """Hash of the last line read or written; empty when there is none."""
        return self._last.hash if self._last else ""

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no journal, or one without a line."""
        return not self._size()

    @property
    def began_here(self) -> bool:
        """Tell whether this process began the journal, as there was none."""
        return self._began_here

    @property
    def identity(self) -> str | None:
        """What tells this journal from every other: the first hex digits of its first hash."""
        return self.first.hash[:IDENTITY_LENGTH] if self.first else None

    @property
    def first(self) -> Line | None:
        """The first line; None when nothing was read yet."""
        if self._first is None and self._end:
            self._first = next(self.lines(), None)
        return self._first

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold `journal.lock`; may be entered again by the thread that holds it."""
        with self._guard:
            if self._is_held:  # by this thread: the guard is entered again by nobody else
                yield
                return
            if not self._lock.is_open:
                make_folder(self._path.parent)
            try:
                take(self._lock)
            except Timeout as error:
                raise PipelineError(
                    f"'{self._lock.lock_file}' has been held by another process for "
                    f"{LOCK_TIMEOUT_S:.0f} s: see what hangs, then run again"
                ) from error
            except OSError as error:
                raise cannot_write(self._lock.lock_file, error) from error
            self._is_held = True
            try:
                yield
            finally:
                self._is_held = False
                self._lock.release()

    def append(self, entry: Entry) -> Line:
        """Write one line durably and return it; `read_new` hands it out after those of others."""
        return self.append_all([entry])[0]

    def append_all(self, entries: Sequence[Entry]) -> list[Line]:
        """Write a line for each entry, with one wait for the disk; return them.

        A disk that is full leaves none of them, a crash perhaps the first few, each of them whole.
        After a wait for the disk that failed nothing is appended any more: Linux forgets what it
        could not write, and a second wait would say that all is well.
        """
        kinds = [str(type(entry).model_fields["kind"].default) for entry in entries]
        for kind in kinds:
            self._probe(f"journal:before:{kind}")
        with self.locked():
            try:
                lines = self._append(entries)
            except OSError as error:
                raise cannot_write(self._path, error) from error
        for kind in kinds:
            self._probe(f"journal:after:{kind}")
        return lines

    def read_new(self) -> list[Line]:
        """Return the lines, own and others', that were not handed out yet."""
        with self._guard:
            size = self._size()
            if size is None and self._end:
                raise PipelineError(f"'{self._path}' was removed meanwhile: run again")
            if size is not None and size != self._end:
                with self._path.open("rb") as file:
                    self._take(file.fileno(), file)
            fresh, self._fresh = self._fresh, []
        return fresh

    def lines(self, from_offset: int = 0, *, upto: int | None = None) -> Iterator[Line]:
        """Read complete lines from the file, of every kind, up to number `upto`.

        `from_offset` other than 0 must be where a line starts.
        """
        if self.is_empty:
            return
        with self._path.open("rb") as file:
            file.seek(from_offset)
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                seq = _number(raw)
                if upto is not None and seq > upto:
                    return
                found = scan([raw], offset=from_offset, seq=seq - 1, wanted=None, take=len)
                if found.last is None and next(file, None) is not None:
                    raise corrupt(seq, "it does not have the form of a journal line")
                if found.last is None:
                    return
                yield found.last
                from_offset = found.end

    def verify(self) -> int:
        """Check every hash and link; return how many lines there are.

        Raises `PipelineError` with the number of the first line that is not what was written.
        """
        prev = NO_HASH
        seq = 0
        for line in self.lines():
            seq += 1
            if line.seq != seq:
                raise corrupt(seq, "a line is missing before it")
            if line.prev != prev or not line.is_sound:
                raise corrupt(seq, "the hash chain breaks here")
            prev = line.hash
        return seq

    def begin_with(self, entries: Iterable[Entry]) -> None:
        """Make a missing journal, with all of `entries` or not at all."""
        with self.locked():
            if not self.is_empty:
                raise PipelineError(f"'{self._path}' is there already")
            lines = _chained(entries, seq=0, at=self._clock(), prev=NO_HASH, offset=0)
            write_atomic(self._path, b"".join(line.raw for line in lines))
            self._began_here = True

    def _size(self) -> int | None:
        """Return how many bytes the file has; None when there is none."""
        try:
            return self._path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _append(self, entries: Sequence[Entry]) -> list[Line]:
        if self._broken is not None:
            raise self._broken
        is_new = not self._size()
        if is_new and self._end:
            raise PipelineError(f"'{self._path}' was removed meanwhile: run again")
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._mend(handle)
            prev = self._last.hash if self._last else NO_HASH
            lines = _chained(entries, seq=self.seq, at=self._clock(), prev=prev, offset=self._end)
            self._write(handle, b"".join(line.raw for line in lines), is_new=is_new)
        finally:
            os.close(handle)
        if lines:
            self._last, self._end = lines[-1], lines[-1].offset + len(lines[-1].raw)
            self._began_here = self._began_here or lines[0].seq == 1
            self._note(lines[-1].at)
        self._fresh += [one for one in lines if self._kinds is None or one.kind in self._kinds]
        return lines

    def _write(self, handle: int, content: bytes, *, is_new: bool) -> None:
        try:
            self._write_or_take_back(handle, content)
        except OSError as error:
            if error.errno not in FULL or not give_up_room(self._places):
                raise
            self._write_or_take_back(handle, content)
        try:
            os.fdatasync(handle)
            if is_new:
                fsync_folder(self._path.parent)
        except (OSError, DiskProblem) as error:
            self._break(handle, error)

    def _write_or_take_back(self, handle: int, content: bytes) -> None:
        try:
            write_all(handle, content)
        except OSError:
            os.ftruncate(handle, self._end)
            raise

    def _break(self, handle: int, error: OSError | DiskProblem) -> NoReturn:
        """Take back a line that may not be on the disk, and write nothing any more."""
        problem = cannot_write(self._path, error) if isinstance(error, OSError) else error
        self._broken = problem
        with suppress(OSError):
            os.ftruncate(handle, self._end)
        raise problem from error

    def _mend(self, handle: int) -> None:
        """Read what others appended and cut what is unfinished behind it."""
        if os.fstat(handle).st_size == self._end:
            return
        with os.fdopen(os.dup(handle), "rb") as file:
            self._take(handle, file)
            file.seek(self._end)
            torn = file.read()
        if torn:
            append_durable(self._torn, torn + b"\n")
            os.ftruncate(handle, self._end)  # safe with the line that is written there

    def _take(self, handle: int, file: Iterable[bytes]) -> None:
        size = os.fstat(handle).st_size
        if size == self._end:
            return
        if size < self._end:
            raise PipelineError(f"'{self._path}' was shortened meanwhile: restore it, run again")
        os.lseek(handle, self._end, os.SEEK_SET)
        fresh: list[Line] = []
        found = scan(
            file,
            offset=self._end,
            seq=self.seq,
            wanted=self._kinds,
            take=lambda line: fresh.append(line.left_in(self._path)),
        )
        if found.last:
            self._fresh += fresh
            self._last, self._end = found.last, found.end
            self._note(datetime.fromisoformat(found.newest.decode()))

    def _note(self, at: datetime) -> None:
        self._newest = max(at, self._newest or at)


def _chained(
    entries: Iterable[Entry], *, seq: int, at: datetime, prev: str, offset: int
) -> list[Line]:
    """Return the lines of `entries` that follow line `seq`, whose hash is `prev`."""
    lines: list[Line] = []
    for number, entry in enumerate(entries, start=seq + 1):
        line = make_line(entry, seq=number, at=at, prev=prev, offset=offset)
        lines.append(line)
        prev, offset = line.hash, offset + len(line.raw)
    return lines


def _number(raw: bytes) -> int:
    digits = raw[len('{"seq":') : raw.find(b",")]
    return int(digits) if digits.isdigit() else 0
