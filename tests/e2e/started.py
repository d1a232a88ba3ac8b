"""A command as a process of its own, forked from one that has imported everything already.

It costs what its work costs: an interpreter that imports the pipeline and the vendors' SDKs takes
longer than most of what tests have it do. `tests/kill/driver.py` says why forking is safe here.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread

from pipeline.cli import main
from tests.kill.driver import warm


class Started:
    """What a `subprocess.Popen` with pipes for both outputs has, as far as tests need it."""

    def __init__(self, words: Sequence[str], *, stdin: int = subprocess.DEVNULL) -> None:
        context = warm()
        (out, its_out), (err, its_err) = (context.Pipe(duplex=False) for _ in range(2))
        given = os.open(os.devnull, os.O_RDONLY) if stdin == subprocess.DEVNULL else os.dup(stdin)
        with Connection(given, writable=False) as its_in, its_out, its_err:
            streams = (its_in, its_out, its_err)
            order = (tuple(words), dict(os.environ), Path.cwd(), streams)
            self._process = context.Process(target=_obey, args=order)
            self._process.start()
        self.pid = self._process.pid or 0
        self.stdout, self.stderr = (os.fdopen(os.dup(one.fileno()), "rb") for one in (out, err))
        out.close()
        err.close()

    def __enter__(self) -> "Started":
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()
        self.wait()

    @property
    def returncode(self) -> int | None:
        """Return how it ended, -n by signal n; None while it lives."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the same."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended, or so many seconds."""
        self._process.join(timeout)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Read both outputs to their end, close them and wait for its own."""
        said: dict[str, bytes] = {}
        readers = [
            Thread(target=lambda name=name, file=file: said.update({name: file.read()}))
            for name, file in (("out", self.stdout), ("err", self.stderr))
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout)
        if self.wait(timeout) is None or len(said) < 2:
            raise subprocess.TimeoutExpired("pipeline", timeout or 0)
        self._close()
        return said["out"], said["err"]

    def _close(self) -> None:
        self.stdout.close()
        self.stderr.close()


def _obey(
    words: tuple[str, ...],
    environment: Mapping[str, str],
    folder: Path,
    streams: tuple[Connection, Connection, Connection],
) -> None:
    """Be the console script."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    sys.argv = ["pipeline", *words]
    main()
