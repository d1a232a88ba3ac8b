"""How one command of a project is run for evidence: in the sandbox, its whole output kept.

The output is kept in `<outputs>/<label>/<stage>-<number>.txt`, without secrets. A command that
runs the project's tests is asked for JUnit XML where its runner can write it.
"""

import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pipeline.domain.results import CommandEvidence, SuiteRun
from pipeline.errors import Stopped, TurnTimedOut
from pipeline.events import CommandRan, EventBus
from pipeline.execution.evidence import Ran
from pipeline.execution.junit import read_junit
from pipeline.execution.runners import read_output
from pipeline.execution.workspace import Workspace
from pipeline.proc import Finished, never
from pipeline.sandbox import Profile, Sandbox
from pipeline.store.redaction import Redact

Stage = Literal["baseline", "task", "acceptance", "suite"]

TAIL_CHARACTERS = 4_000
JUNIT = ".git/pipeline-tests.xml"
"""Where pytest is asked to write, inside a workspace: no test sees it, and no tree holds it."""
PYTEST_REFUSES = 4
"""pytest's exit code for options that it does not take."""


def for_ever() -> float:
    """Return how long a command may take where no turn is open."""
    return math.inf


@dataclass(frozen=True)
class Bounds:
    """What ends a command, besides itself."""

    stop: Callable[[], bool] = never
    remaining: Callable[[], float] = for_ever
    """What is left of a turn (seconds); `TurnTimedOut` is raised at its end."""


@dataclass(frozen=True)
class What:
    """One command, and what it is run for."""

    stage: Stage
    command: str
    task_id: str | None = None
    profile: Profile = "execute"
    label: str = "commands"
    is_suite: bool = False
    """Whether it runs the project's tests."""
    again: bool = False


class Commands:
    """Runs commands and keeps what they print."""

    def __init__(
        self,
        sandbox: Sandbox,
        outputs: Path,
        bus: EventBus,
        redact: Redact,
        *,
        seconds: float,
        suite_seconds: float,
    ) -> None:
        """Take how long a command may take, and how long the project's own tests may."""
        self._sandbox = sandbox
        self._outputs = outputs
        self._bus = bus
        self._redact = redact
        self._seconds = seconds
        self._suite_seconds = suite_seconds

    def run(self, workspace: Workspace, what: What, bounds: Bounds) -> Ran:
        """Run one command in a workspace and return what was seen.

        Raises `SandboxFailed`, `Stopped` and `TurnTimedOut`.
        """
        most = self._suite_seconds if what.is_suite else self._seconds
        seconds = min(most, bounds.remaining())
        done, tests = self._done(workspace, what, seconds, bounds.stop)
        output = self._redact(done.output.decode("utf-8", "surrogateescape"))
        path = self._keep(output, what)
        if done.stopped:
            raise Stopped(
                f"interrupted while {what.command!r} was running; `pipeline run` carries on"
            )
        if done.timed_out and seconds < most:
            raise TurnTimedOut(f"the turn's time was over while {what.command!r} was running")
        evidence = CommandEvidence(
            stage=what.stage,
            task_id=what.task_id,
            command=what.command,
            exit_code=done.exit_code,
            duration_s=round(done.duration_s, 3),
            timed_out=done.timed_out,
            output_path=path,
            again=what.again,
            tests=self._told(_fuller(tests, read_output(output)), passed=done.ok),
        )
        self._bus.emit(
            CommandRan(
                what.stage,
                what.command,
                done.exit_code,
                done.duration_s,
                what.task_id,
                done.timed_out,
            )
        )
        tail = output[-TAIL_CHARACTERS:].encode("utf-8", "surrogateescape")
        return Ran(evidence, tail.decode("utf-8", "replace"))

    def _done(
        self, workspace: Workspace, what: What, seconds: float, stop: Callable[[], bool]
    ) -> tuple[Finished, SuiteRun | None]:
        """Run the command; where it runs pytest, with what its XML says."""
        jail = workspace.jail
        if not what.is_suite:
            plain = self._sandbox.run(
                what.command, jail, what.profile, timeout_s=seconds, stop=stop
            )
            return plain, None
        seen_at = jail.checkout if self._sandbox.name == "bwrap" else workspace.root
        options = f"--junitxml={shlex.quote(str(seen_at / JUNIT))}"
        asked = replace(jail, env=(*jail.env, ("PYTEST_ADDOPTS", options)))
        place = workspace.root / JUNIT
        done = self._sandbox.run(what.command, asked, what.profile, timeout_s=seconds, stop=stop)
        if done.exit_code == PYTEST_REFUSES and b"--junitxml" in done.output:
            left = max(0.0, seconds - done.duration_s)
            done = self._sandbox.run(what.command, jail, what.profile, timeout_s=left, stop=stop)
        return done, read_junit(place)

    def _told(self, tests: SuiteRun | None, *, passed: bool) -> SuiteRun | None:
        """Return what a runner said, without secrets; the exit code has the last word."""
        if tests is None:
            return None
        names = () if passed else tuple(self._redact(name) for name in tests.failed)
        return tests.model_copy(update={"failed": names})

    def _keep(self, output: str, what: What) -> str:
        """Write a command's output under the next free number; return its path for records."""
        folder = self._outputs / what.label
        folder.mkdir(parents=True, exist_ok=True)
        number = 1 + sum(1 for _ in folder.glob(f"{what.stage}-*.txt"))
        path = folder / f"{what.stage}-{number:03d}.txt"
        path.write_bytes(output.encode("utf-8", "surrogateescape"))
        return path.relative_to(self._outputs.parent).as_posix()


def _fuller(written: SuiteRun | None, printed: SuiteRun | None) -> SuiteRun | None:
    """Return what a file says, or what was printed where that names more failures.

    A command that runs pytest several times leaves the file of the last one.
    """
    if written is None or printed is None:
        return written or printed
    return printed if len(printed.failed) > len(written.failed) else written
