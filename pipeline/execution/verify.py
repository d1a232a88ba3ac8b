"""What the pipeline sees for itself: commands run in the sandbox, on exactly one tree.

The whole output of each command is kept in `<outputs>/<label>/<stage>-<number>.txt`, without
secrets.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.domain.results import CommandEvidence, Verification
from pipeline.errors import Stopped, TurnTimedOut
from pipeline.events import CommandRan, EventBus
from pipeline.execution.workspace import Workspace, Workspaces
from pipeline.git import Repository, tree_of
from pipeline.proc import never
from pipeline.sandbox import Profile, Sandbox
from pipeline.store.redaction import Redact, Redaction

Stage = Literal["baseline", "task", "acceptance", "suite"]

TAIL_CHARACTERS = 4_000
REMEMBERED = 8
"""So many trees' tests are kept in memory, the newest."""


def for_ever() -> float:
    """Return how long a command may take where no turn is open."""
    return math.inf


@dataclass(frozen=True)
class Ran:
    """One command that the pipeline ran."""

    evidence: CommandEvidence
    tail: str
    """The end of its output, at most `TAIL_CHARACTERS`."""

    @property
    def passed(self) -> bool:
        """Tell whether the command ended by itself with exit code 0."""
        return self.evidence.passed


class Verifier:
    """Runs a project's commands and says what came of them.

    Raises `SandboxFailed` when the sandbox itself does not start (that is no failed test) and
    `Stopped` when the stop flag was raised meanwhile.
    """

    def __init__(
        self,
        repo: Repository,
        workspaces: Workspaces,
        sandbox: Sandbox,
        outputs: Path,
        bus: EventBus,
        command_seconds: float,
        redact: Redact | None = None,
    ) -> None:
        self._repo = repo
        self._workspaces = workspaces
        self._sandbox = sandbox
        self._outputs = outputs
        self._bus = bus
        self._command_seconds = command_seconds
        self._redact = redact or Redaction()
        self._baselines: dict[tuple[str, tuple[str, ...]], tuple[Ran, ...]] = {}

    def run_commands(
        self,
        workspace: Workspace,
        stage: Stage,
        commands: Sequence[str],
        task_id: str | None = None,
        *,
        stop: Callable[[], bool] = never,
        remaining: Callable[[], float] = for_ever,
        profile: Profile = "execute",
        label: str = "commands",
    ) -> tuple[Ran, ...]:
        """Run each command in a workspace, the later ones also when an earlier one fails.

        `remaining` is what is left of a turn, in seconds; raises `TurnTimedOut` at its end.
        """
        return tuple(
            self._run(workspace, stage, command, task_id, stop, remaining, profile, label)
            for command in commands
        )

    def baseline(
        self, commit: str, suite: Sequence[str], *, stop: Callable[[], bool] = never
    ) -> tuple[Ran, ...]:
        """Run the project's tests on an untouched commit; the same tree is run once."""
        tree = tree_of(self._repo, commit)
        key = (tree, tuple(suite))
        if key not in self._baselines:
            with self._workspaces.fresh(tree, commit) as workspace:
                label = f"baseline-{tree[:12]}"
                ran = self.run_commands(
                    workspace, "baseline", suite, stop=stop, profile="verify", label=label
                )
            self._remember(tree, suite, ran)
        return self._baselines[key]

    def _remember(self, tree: str, suite: Sequence[str], ran: tuple[Ran, ...]) -> None:
        self._baselines[tree, tuple(suite)] = ran
        while len(self._baselines) > REMEMBERED:
            del self._baselines[next(iter(self._baselines))]

    def verify(
        self,
        *,
        tree: str,
        head: str,
        acceptance: Sequence[str],
        suite: Sequence[str],
        label: str = "verification",
        stop: Callable[[], bool] = never,
        remaining: Callable[[], float] = for_ever,
    ) -> tuple[Verification, tuple[Ran, ...]]:
        """Run acceptance and suite on exactly `tree`, in clones whose HEAD is `head`.

        The suite has a clone of its own: what acceptance runs is the change, which may write. A
        suite command that is an acceptance command too is run once, there.
        """
        ran: tuple[Ran, ...] = ()
        if alone := [command for command in acceptance if command not in suite]:
            with self._workspaces.fresh(tree, head) as workspace:
                ran += self.run_commands(
                    workspace,
                    "acceptance",
                    alone,
                    stop=stop,
                    remaining=remaining,
                    profile="verify",
                    label=label,
                )
        if suite:
            with self._workspaces.fresh(tree, head) as workspace:
                for command in suite:
                    stage: Stage = "acceptance" if command in acceptance else "suite"
                    ran += self.run_commands(
                        workspace,
                        stage,
                        [command],
                        stop=stop,
                        remaining=remaining,
                        profile="verify",
                        label=label,
                    )
        met = [one for one in ran if one.evidence.stage == "acceptance"]
        tests = tuple(one for one in ran if one.evidence.command in suite)
        self._remember(tree, suite, tests)  # what lands is the next attempt's base
        return self._judged(tree, head, met, ran, suite), ran

    def _judged(
        self,
        tree: str,
        head: str,
        met: Sequence[Ran],
        ran: tuple[Ran, ...],
        suite: Sequence[str],
    ) -> Verification:
        tests = [one for one in ran if one.evidence.command in suite]
        before = self._baselines.get((tree_of(self._repo, head), tuple(suite)), ())
        red = {one.evidence.command for one in before if not one.passed}
        notes = {
            "untested": not suite,
            "red baseline": bool(red),
            f"sandbox: {self._sandbox.name}": self._sandbox.name != "bwrap",
        }
        return Verification(
            tree=tree,
            all_tests_passed=bool(tests) and all(one.passed for one in tests),
            all_acceptance_met=bool(met) and all(one.passed for one in met),
            no_regressions=bool(tests)
            and all(one.passed or one.evidence.command in red for one in tests),
            commands=tuple(one.evidence for one in ran),
            note="; ".join(note for note, holds in notes.items() if holds) or None,
        )

    def _run(
        self,
        workspace: Workspace,
        stage: Stage,
        command: str,
        task_id: str | None,
        stop: Callable[[], bool],
        remaining: Callable[[], float],
        profile: Profile,
        label: str,
    ) -> Ran:
        seconds = min(self._command_seconds, remaining())
        done = self._sandbox.run(command, workspace.jail, profile, timeout_s=seconds, stop=stop)
        output = self._redact(done.output.decode("utf-8", "surrogateescape"))
        path = self._keep(output, label, stage)
        if done.stopped:
            raise Stopped(f"interrupted while {command!r} was running; `pipeline run` carries on")
        if done.timed_out and seconds < self._command_seconds:
            raise TurnTimedOut(f"the turn's time was over while {command!r} was running")
        evidence = CommandEvidence(
            stage=stage,
            task_id=task_id,
            command=command,
            exit_code=done.exit_code,
            duration_s=round(done.duration_s, 3),
            timed_out=done.timed_out,
            output_path=path,
        )
        self._bus.emit(CommandRan(stage, command, done.exit_code, done.duration_s, task_id))
        tail = output[-TAIL_CHARACTERS:].encode("utf-8", "surrogateescape")
        return Ran(evidence, tail.decode("utf-8", "replace"))

    def _keep(self, output: str, label: str, stage: Stage) -> str:
        """Write a command's output under the next free number; return its path for records."""
        folder = self._outputs / label
        folder.mkdir(parents=True, exist_ok=True)
        number = 1 + sum(1 for _ in folder.glob(f"{stage}-*.txt"))
        path = folder / f"{stage}-{number:03d}.txt"
        path.write_bytes(output.encode("utf-8", "surrogateescape"))
        return path.relative_to(self._outputs.parent).as_posix()


def failures_in_short(ran: Sequence[Ran]) -> str:
    """Return what failed on one line, for records: `suite: make test exits 2`."""
    failed = [one.evidence for one in ran if not one.passed]
    return "; ".join(
        f"{one.stage}: {one.command} {'did not end' if one.timed_out else f'exits {one.exit_code}'}"
        for one in failed
    )


def failures_in_words(ran: Sequence[Ran]) -> str:
    """Return, for the agent, what failed and how its output ended; empty when all passed."""
    return "\n\n".join(_in_words(one) for one in ran if not one.passed)


def _in_words(one: Ran) -> str:
    seen = one.evidence
    ending = "did not end" if seen.timed_out else f"exited {seen.exit_code}"
    where = f"{seen.stage} of {seen.task_id}" if seen.task_id else seen.stage
    return f"{where}: `{seen.command}` {ending} after {seen.duration_s:.1f} s\n{one.tail.strip()}"
