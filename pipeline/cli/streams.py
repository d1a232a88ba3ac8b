"""stdout and stderr as we find them: closed, full, a pipe that nobody reads, another encoding."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


def make_streams_safe() -> None:
    """Let every character be written, as an escape where the encoding has none for it."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def say(text: str) -> None:
    """Write a line to stderr; when that cannot be done, the exit code has to say it all."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def drop_stdout() -> None:
    """Write nothing more to stdout: nobody reads it, or it cannot be written."""
    _discard(sys.__stdout__)


def is_read() -> bool:
    """Tell whether anybody can still read stdout: not when it is a pipe whose reader has left."""
    look = select.poll()
    look.register(sys.stdout.fileno(), 0)
    return not any(seen & select.POLLERR for _, seen in look.poll(0))


@contextmanager
def while_read() -> Iterator[None]:
    """Let the reader of stdout leave, as `head` does; what has been done counts as done."""
    try:
        yield
    except BrokenPipeError:
        drop_stdout()


def _discard(stream: TextIO | None) -> None:
    """Send what is still in the buffer nowhere, so that leaving does not fail over it."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
