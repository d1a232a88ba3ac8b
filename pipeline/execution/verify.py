"""What the pipeline sees for itself: a project's commands, run on exactly one tree.

baseline   the project's tests on an untouched tree; once for each tree, also between runs
verify     acceptance, then the tests, on the tree of a change; what fails is judged

A failing test run is compared by the names of its tests. It is blamed on the change unless it is

    flaky           it failed before, somewhere, and passes when it runs again on the same tree
    failed before   it failed on the base too, and no other test fails now
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.domain.results import Verification
from pipeline.events import EventBus
from pipeline.execution.commands import Bounds, Commands, Stage, What, for_ever
from pipeline.execution.evidence import Ran, last_of_each
from pipeline.execution.outcomes import Outcome, Outcomes
from pipeline.execution.weaker import fewer_ran, weaker_tests
from pipeline.execution.workspace import Workspace, Workspaces
from pipeline.git import Repository, tree_of
from pipeline.proc import never
from pipeline.sandbox import Profile, Sandbox
from pipeline.store.redaction import Redact, Redaction

REMEMBERED = 8
"""So many trees' tests are kept in memory, the newest."""


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
        *,
        suite_seconds: float | None = None,
        tested: Outcomes | None = None,
    ) -> None:
        """Take `suite_seconds` for the project's own tests (None: as for other commands).

        `tested` remembers what is known of trees; None: for as long as this object lives.
        """
        self._repo = repo
        self._workspaces = workspaces
        self._sandbox = sandbox
        self._commands = Commands(
            sandbox,
            outputs,
            bus,
            redact or Redaction(),
            seconds=command_seconds,
            suite_seconds=suite_seconds or command_seconds,
        )
        self._tested = tested or Outcomes()
        self._baselines: dict[tuple[str, tuple[str, ...]], tuple[Ran, ...]] = {}
        self._red: dict[tuple[str, str], frozenset[str]] = {}
        """Tree and command -> the tests that failed there and were blamed."""

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
        bounds = Bounds(stop, remaining)
        whats = [What(stage, command, task_id, profile, label) for command in commands]
        return tuple(self._commands.run(workspace, what, bounds) for what in whats)

    def baseline(
        self, commit: str, suite: Sequence[str], *, stop: Callable[[], bool] = never
    ) -> tuple[Ran, ...]:
        """Return what the project's tests come to on an untouched commit.

        They are run once for each tree; where they passed, a later process does not run them
        again. What fails runs once more: what passes then is flaky, and excused.
        """
        tree = tree_of(self._repo, commit)
        if (tree, tuple(suite)) not in self._baselines:
            known = self._known(tree, suite)
            ran = known or self._suite(
                tree, commit, suite, Bounds(stop), f"baseline-{tree[:12]}", baseline=True
            )
            self._remember(tree, suite, ran)
        return self._baselines[tree, tuple(suite)]

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
        bounds = Bounds(stop, remaining)
        ran: tuple[Ran, ...] = ()
        if alone := [command for command in acceptance if command not in suite]:
            with self._workspaces.fresh(tree, head) as workspace:
                ran += tuple(
                    self._commands.run(workspace, what, bounds)
                    for what in _whats("acceptance", alone, label)
                )
        base = tree_of(self._repo, head)
        tests = self._suite(tree, head, suite, bounds, label, accepted=acceptance)
        tests = self._judged(tests, self._baselines.get((base, tuple(suite)), ()))
        self._remember(tree, suite, tests)  # what lands is the next attempt's base
        ran += tests
        return self._verification(tree, base, ran, suite), ran

    # the project's tests

    def _known(self, tree: str, suite: Sequence[str]) -> tuple[Ran, ...]:
        """Return what an earlier process saw, where all of it passed; else nothing."""
        tools = self._workspaces.fingerprint()
        found = [self._tested.passing(tree, command, tools) for command in suite]
        return tuple(Ran(one.evidence, "") for one in found if one) if all(found) else ()

    def _suite(
        self,
        tree: str,
        head: str,
        suite: Sequence[str],
        bounds: Bounds,
        label: str,
        *,
        accepted: Sequence[str] = (),
        baseline: bool = False,
    ) -> tuple[Ran, ...]:
        """Run the tests on a tree, and once more what may be flaky, in a clone of its own."""
        if not suite:
            return ()
        usual: Stage = "baseline" if baseline else "suite"
        whats = [
            What("acceptance" if one in accepted else usual, one, None, "verify", label, True)
            for one in suite
        ]
        with self._workspaces.fresh(tree, head) as workspace:
            first = [self._commands.run(workspace, what, bounds) for what in whats]
        ran: tuple[Ran, ...] = ()
        for what, one in zip(whats, first, strict=True):
            if not self._may_be_flaky(one, on_base=baseline):
                ran += (one,)
                continue
            with self._workspaces.fresh(tree, head) as workspace:
                second = replace(what, again=True)
                then = self._commands.run(workspace, second, bounds)
            ran += (one.excused("flaky") if then.passed else one.excused("ran again"), then)
        return ran

    def _may_be_flaky(self, one: Ran, *, on_base: bool) -> bool:
        """Tell whether a failure is worth another run: on the base always, else by its names."""
        if one.passed or one.evidence.timed_out:
            return False
        known = self._tested.failed_before(one.evidence.command)
        return on_base or not one.failed_tests.isdisjoint(known)

    def _judged(self, ran: tuple[Ran, ...], before: Sequence[Ran]) -> tuple[Ran, ...]:
        """Excuse what failed on the base already; acceptance has no excuse."""
        base = last_of_each(before)
        return tuple(
            one.excused("failed before")
            if one.blamed
            and one.evidence.stage != "acceptance"
            and _failed_before(one, base.get(one.evidence.command))
            else one
            for one in ran
        )

    def _remember(self, tree: str, suite: Sequence[str], ran: tuple[Ran, ...]) -> None:
        """Keep what is known of a tree: for this process, and what later ones may use."""
        self._baselines[tree, tuple(suite)] = ran
        while len(self._baselines) > REMEMBERED:
            del self._baselines[next(iter(self._baselines))]
        tools = self._workspaces.fingerprint()
        for command, last in last_of_each(ran).items():
            if last.passed or last.evidence.stage == "baseline":
                failed = self._failed_on(tree, ran, command) | last.failed_tests
                evidence = last.evidence.model_copy(update={"stage": "baseline"})
                outcome = Outcome(
                    tree=tree,
                    command=command,
                    tools=tools,
                    evidence=evidence,
                    failed=tuple(sorted(failed)),
                )
                self._tested.keep(outcome)
            else:
                self._red[tree, command] = last.failed_tests

    def _failed_on(self, tree: str, ran: Sequence[Ran], command: str) -> frozenset[str]:
        """Return the tests of a command that failed on a tree and did not in its last run."""
        runs = [one for one in ran if one.evidence.command == command]
        failed = frozenset(name for one in runs[:-1] for name in one.failed_tests)
        return (failed | self._red.get((tree, command), frozenset())) - runs[-1].failed_tests

    def _verification(
        self, tree: str, base: str, ran: tuple[Ran, ...], suite: Sequence[str]
    ) -> Verification:
        before = last_of_each(self._baselines.get((base, tuple(suite)), ()))
        last = last_of_each(ran)
        tests = [last[command] for command in suite]
        met = [one for one in last.values() if one.evidence.stage == "acceptance"]
        flaky = {name for one in suite for name in self._failed_on(tree, ran, one)}
        excused = {
            name for one in ran if one.excuse == "failed before" for name in one.failed_tests
        }
        fewer = [one for name in suite for one in fewer_ran(before.get(name), last[name])]
        notes = {
            "untested": not suite,
            "red baseline": any(not one.passed for one in before.values()),
            "flaky tests": bool(flaky),
            f"sandbox: {self._sandbox.name}": self._sandbox.name != "bwrap",
        }
        return Verification(
            tree=tree,
            all_tests_passed=bool(tests) and all(one.passed for one in tests),
            all_acceptance_met=bool(met) and all(one.passed for one in met),
            no_regressions=bool(tests)
            and all(
                one.passed or _failed_before(one, before.get(one.evidence.command)) for one in tests
            ),
            commands=tuple(one.evidence for one in ran),
            note="; ".join(note for note, holds in notes.items() if holds) or None,
            flaky=tuple(sorted(flaky)),
            failed_before=tuple(sorted(excused)),
            weaker_tests=(*weaker_tests(self._repo, base, tree), *fewer),
        )


def _whats(stage: Stage, commands: Sequence[str], label: str) -> list[What]:
    return [What(stage, command, None, "verify", label) for command in commands]


def _failed_before(one: Ran, before: Ran | None) -> bool:
    """Tell whether all that fails failed on the base; a runner that names no test counts whole.

    What was cut off now, and came to its end there, has failed in a new way.
    """
    if before is None or before.passed or (one.was_cut_off and not before.was_cut_off):
        return False
    whole = frozenset({before.evidence.command})
    return before.failed_tests == whole or one.failed_tests <= before.failed_tests
