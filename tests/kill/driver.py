"""One command of the pipeline in a forked process, with a trap that ends it like `kill -9`.

`start` forks from a server that has imported everything once, so that a command costs what its
work costs. The server has one thread and never serves models: forking it is safe.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Literal

from pipeline.app.deciding import desk
from pipeline.app.project import open_project
from pipeline.app.telling import event_bus
from pipeline.cli import entry
from pipeline.cli.working import work
from pipeline.domain.plan import RiskLevel
from pipeline.domain.wanted import Wanted
from pipeline.errors import PipelineError, cannot_use
from pipeline.safety.checkpoint import confirm
from pipeline.store.journal import Probe, no_probe
from tests.kill.listener import submit

WARM = ("__main__", __name__, "tests.kill.warm")
"""What the server imports before it forks."""

Grain = Literal["probes", "effects"]
"""`probes`: journal lines, renders and every `git update-ref`; `effects`: also each rename,
removal, new folder, file opened for writing and started process."""

FILE_EFFECTS = frozenset({"os.rename", "os.remove", "os.mkdir", "os.truncate", "os.rmdir"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Order:
    """One command: its words, where, with which environment, and at which point it dies."""

    words: tuple[str, ...]
    root: Path
    environment: Mapping[str, str]
    output: Path
    """A folder for `out`, `err` and `points`, one line for each point that was reached."""
    kill_at: int = 0
    """The number of the point at which the process kills itself, from 1; 0 is never."""
    spared: frozenset[str] | None = None
    """The process kills itself at the first point that has another name; None is never."""
    grain: Grain = "probes"
    watch: Path | None = None
    """The socket of whoever watches its system calls; None is nobody."""


def warm() -> ForkServerContext:
    """Return what starts processes that are forked from the warm one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(WARM))
    return context


def start(order: Order) -> ForkServerProcess:
    """Start the command and return its process."""
    process = warm().Process(target=_obey, args=(order,))
    process.start()
    return process


class Trap:
    """Notes each point and ends the process at one of them."""

    def __init__(self, order: Order) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._log = os.open(order.output / "points", flags, 0o644)
        self._left = order.kill_at
        self._spared = order.spared

    def __call__(self, point: str) -> None:
        os.write(self._log, point.encode() + b"\n")
        self._left -= 1
        is_new = self._spared is not None and point not in self._spared
        if self._left == 0 or is_new:
            os.kill(os.getpid(), signal.SIGKILL)

    def listen(self, grain: Grain, root: Path) -> None:
        """Count what Python is about to do to files and processes as points too."""

        def hook(event: str, args: tuple[object, ...]) -> None:
            if point := _point(event, args, grain, str(root.parent)):
                self(point)

        sys.addaudithook(hook)


def _point(event: str, args: tuple[object, ...], grain: Grain, inside: str) -> str | None:
    """Return the name of the point that an audit event is, if it is one."""
    if event == "subprocess.Popen":
        words = [str(word) for word in args[1]] if isinstance(args[1], (list, tuple)) else []
        if "update-ref" in words:
            ref = next((word for word in words if word.startswith("refs/")), "refs/pipeline")
            return "update-ref:start:" + "/".join(ref.split("/")[:3])
        return f"process:{Path(words[0]).name}" if grain == "effects" else None
    if grain == "probes" or not str(args[0] if args else "").startswith(inside):
        return None
    name = Path(str(args[0])).name
    if event in FILE_EFFECTS:
        return f"{event}:{name}"
    if event == "open" and isinstance(args[2], int) and args[2] & WRITING:
        return f"open:{name}"
    return None


def _obey(order: Order) -> None:
    os.environ.clear()
    os.environ.update(order.environment)
    os.chdir(order.root)
    for number, name in ((1, "out"), (2, "err")):
        handle = os.open(order.output / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(handle, number)
        os.close(handle)
    trap = Trap(order)
    trap.listen(order.grain, order.root)
    os.setpgid(0, 0)
    if order.watch:
        submit(order.watch)
    sys.exit(run(order.words, order.root, trap))


def run(words: Sequence[str], root: Path, probe: Probe = no_probe) -> int:
    """Run one command in this process and return its exit code."""
    name, *rest = words
    if name not in PROBED:
        return entry.run([*words, "-C", str(root)])
    try:
        return PROBED[name](root, rest, probe)
    except (PipelineError, OSError) as error:
        problem = cannot_use(error) if isinstance(error, OSError) else error
        if problem is None:
            raise
        sys.stderr.write(f"pipeline: {problem}\n")
        return problem.exit_code


def _plan(root: Path, _words: Sequence[str], probe: Probe) -> int:
    return work(root, Wanted(execution=False), {}, as_json=False, probe=probe)


def _work(root: Path, words: Sequence[str], probe: Probe) -> int:
    level = RiskLevel(words[1]) if words[:1] == ["--auto-approve"] else None
    return work(root, Wanted(auto_approve=level), {}, as_json=False, probe=probe)


def _approve(root: Path, words: Sequence[str], probe: Probe) -> int:
    here = desk(open_project(root), event_bus(as_json=False), probe=probe)
    for record in [here.find(word) for word in words]:
        here.approve(record)
    return 0


def _reject(root: Path, words: Sequence[str], probe: Probe) -> int:
    here = desk(open_project(root), event_bus(as_json=False), probe=probe)
    here.reject(here.find(words[0]), reason="not this one")
    return 0


def _retry(root: Path, words: Sequence[str], probe: Probe) -> int:
    desk(open_project(root), event_bus(as_json=False), probe=probe).retry(words[0])
    return 0


def _confirm(root: Path, _words: Sequence[str], probe: Probe) -> int:
    here = desk(open_project(root), event_bus(as_json=False), probe=probe)
    confirm(here.book, here.approver)
    return 0


PROBED: dict[str, Callable[[Path, Sequence[str], Probe], int]] = {
    "plan": _plan,
    "run": _work,
    "approve": _approve,
    "reject": _reject,
    "retry": _retry,
    "confirm": _confirm,
}
"""Commands that record something, with the probe that the console script's form does not have."""
