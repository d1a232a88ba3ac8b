"""Writing files so that a crash at any instant leaves the old content or the new one, whole."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.errors import cannot_write

CHUNK = 1 << 20
"""So many bytes are gathered before they are written."""


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> os.stat_result:
    """Replace `path` by `content` durably; return the file's status, as `signature` reads it.

    Temporary file, fsync, rename, fsync of the folder. `DiskProblem` when it fails.
    """
    return write_atomic_pieces(path, [content], mode=mode)


def write_atomic_pieces(
    path: Path, pieces: Iterable[bytes], *, mode: int = 0o644
) -> os.stat_result:
    """Do what `write_atomic` does, piece by piece: the whole is never in memory."""
    make_folder(path.parent)
    temporary = temporary_of(path)
    try:
        status = _write_temporary(temporary, pieces, mode)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):  # a disk that is read-only now refuses that too
            temporary.unlink(missing_ok=True)
        raise cannot_write(path, error) from error
    remove_temporaries(path)
    fsync_folder(path.parent)
    return status


def write_whole(path: Path, content: bytes, *, mode: int = 0o644, sweep: bool = True) -> None:
    """Replace `path` by `content`, whole at every instant, without a wait for the disk.

    For what can be made again: after a loss of power it may be the old file, empty or gone. `sweep`
    looks through the folder for what killed processes left: not for one that holds many files.
    """
    temporary = temporary_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(mode)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):  # a disk that is read-only now refuses that too
            temporary.unlink(missing_ok=True)
        raise cannot_write(path, error) from error
    if sweep:
        remove_temporaries(path)


def append_durable(path: Path, content: bytes) -> None:
    """Append `content` to `path` and wait until it is on the disk."""
    make_folder(path.parent)
    is_new = not path.exists()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            write_all(handle, content)
            os.fdatasync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise cannot_write(path, error) from error
    if is_new:
        fsync_folder(path.parent)


def write_all(handle: int, content: bytes) -> None:
    """Write all of `content`; a plain `os.write` may stop short without raising."""
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents, durably, where they are missing.

    `DiskProblem` when it fails.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    fsync_folder(folder.parent)


def fsync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk; `DiskProblem` when it refuses."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise cannot_write(folder, error) from error


def temporary_of(path: Path) -> Path:
    """Return the name under which this process writes before it renames to `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove_temporaries(path: Path) -> None:
    """Remove what killed processes left beside `path`, and nothing of a living one."""
    _sweep(path.parent, f".{path.name}.")


def remove_all_temporaries(folder: Path) -> None:
    """Remove what killed processes left in `folder`, whatever they wrote."""
    if folder.is_dir():
        _sweep(folder, ".")


def _sweep(folder: Path, start: str) -> None:
    end = ".tmp"
    with os.scandir(folder) as found:
        names = [one.name for one in found]
    for name in names:
        if name.startswith(start) and name.endswith(end):
            pid = name[: -len(end)].rpartition(".")[2]
            if pid.isdigit() and not _is_alive(int(pid)):
                (folder / name).unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write_temporary(temporary: Path, pieces: Iterable[bytes], mode: int) -> os.stat_result:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    handle = os.open(temporary, flags, mode)
    try:
        for chunk in _gathered(pieces):
            write_all(handle, chunk)
        os.fsync(handle)
        return os.fstat(handle)
    finally:
        os.close(handle)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces in chunks, so that a thousand small ones are a few writes."""
    chunk: list[bytes] = []
    size = 0
    for piece in pieces:
        chunk.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield b"".join(chunk)
            chunk, size = [], 0
    yield b"".join(chunk)
