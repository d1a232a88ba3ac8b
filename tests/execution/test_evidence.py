"""Which failing tests are blamed on a change: by names, by the base, by another run."""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline import git
from pipeline.domain.results import CommandEvidence, Verification
from pipeline.events import CommandRan, Event, EventBus
from pipeline.execution.evidence import Ran, failures_in_words, is_good
from pipeline.execution.outcomes import MOST_KEPT, Outcome, Outcomes
from pipeline.execution.toolchains import Toolchains
from pipeline.execution.verify import Verifier
from pipeline.execution.workspace import Workspaces
from pipeline.sandbox import Terms, find_sandbox
from tests.builders import make_repository, write_files
from tests.execution.conftest import Ground, ground

PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider"
UNITTEST = "python3 -m unittest discover -q"
NODE = "node --test"


@dataclass
class Bench:
    """A project, and a coin beside it that its tests see and that each run turns."""

    site: Ground
    coin: Path
    falls: list[str] = field(default_factory=list)
    """How the coin lies in the coming runs; the last one stays."""
    ran: list[str] = field(default_factory=list)
    """The stages of what ran."""

    @property
    def kept(self) -> Path:
        """Return the project's dependencies, which its workspaces see."""
        return self.site.repo.root / ".venv"

    def verifier(self, *, suite_seconds: float | None = None) -> Verifier:
        """Return what another process would make."""
        site, bus = self.site, EventBus([self._turn])
        self._throw()
        return Verifier(
            site.repo,
            site.workspaces,
            site.sandbox,
            site.places.outputs,
            bus,
            60,
            suite_seconds=suite_seconds,
            tested=Outcomes(site.places.tested),
        )

    def tree(self, files: dict[str, str]) -> str:
        """Return the tree of HEAD with `files` written."""
        workspace = self.site.workspaces.open("executor", self.site.head)
        write_files(workspace.root, files)
        return git.write_tree(self.site.repo, workspace.root, workspace.index, self.site.head)

    def _throw(self) -> None:
        if self.falls:
            self.coin.write_text(self.falls.pop(0))

    def _turn(self, event: Event) -> None:
        if isinstance(event, CommandRan):
            self.ran.append(event.stage)
            self._throw()


def make_bench(
    tmp_path: Path, toolchains: Toolchains, files: dict[str, str], falls: list[str] | None = None
) -> Bench:
    coin = tmp_path / "coin"
    coin.write_text("heads")
    named = {path: text.replace("COIN", str(coin)) for path, text in files.items()}
    root = make_repository(
        tmp_path / "checkout", {"README.md": "x\n", ".gitignore": ".venv/\n"} | named
    )
    sandbox = find_sandbox("bwrap", Terms(read=(coin,)))
    site = ground(root, toolchains, sandbox)
    (root / ".venv" / "lib").mkdir(parents=True)
    site.workspaces = Workspaces(site.repo, site.places, sandbox, (".venv",), toolchains=toolchains)
    return Bench(site, coin, falls or [])


def verify(
    bench: Bench, verifier: Verifier, tree: str, suite: str
) -> tuple[Verification, tuple[Ran, ...]]:
    return verifier.verify(tree=tree, head=bench.site.head, acceptance=[], suite=(suite,))


TESTS = """import pathlib

def test_sure():
    assert True

def test_coin():
    assert pathlib.Path("COIN").read_text() == "heads"
"""
QUICK = """[ -e broken ] && echo 'FAIL: test_sure (t.T.test_sure)' && code=1
[ "$(cat COIN)" = heads ] || { echo 'FAIL: test_coin (t.T.test_coin)'; code=1; }
echo 'Ran 2 tests in 0.001s'; exit ${code:-0}
"""
"""Two tests that cost nothing, said as unittest says it."""
SHELL = "bash quick.sh"


def test_pytest_names_and_counts_its_tests(tmp_path: Path, toolchains: Toolchains) -> None:
    bench = make_bench(tmp_path, toolchains, {"tests/test_a.py": TESTS}, ["tails"])

    (first, again) = bench.verifier().baseline(bench.site.head, (PYTEST,))

    seen = first.evidence.tests
    assert seen is not None
    assert (seen.ran, seen.failed, seen.told_by) == (2, ("tests.test_a.test_coin",), "junit")
    assert (first.passed, again.passed, again.evidence.again) == (False, False, True)
    assert (first.blamed, again.blamed) == (False, True), "the last run decides"


def test_a_base_with_a_flaky_test_is_good_and_the_test_is_known_from_then_on(
    tmp_path: Path, toolchains: Toolchains
) -> None:
    falls = ["tails", "heads", "heads"]
    bench = make_bench(tmp_path, toolchains, {"quick.sh": QUICK}, falls)
    assert not any(one.blamed for one in bench.verifier().baseline(bench.site.head, (SHELL,)))
    assert bench.ran == ["baseline", "baseline"]
    tree = bench.tree({"README.md": "y\n"})

    bench.falls = ["tails", "heads"]
    verifier = bench.verifier()
    verifier.baseline(bench.site.head, (SHELL,))
    verification, ran = verify(bench, verifier, tree, SHELL)

    assert bench.ran == ["baseline", "baseline", "suite", "suite"], "the base ran no third time"
    assert verification.flaky == ("t.T.test_coin",)
    assert verification.note == "flaky tests"
    assert verification.no_regressions
    assert is_good(verification, ran, (SHELL,))
    assert failures_in_words(ran) == ""


def test_a_test_that_never_failed_before_is_blamed_until_it_has_passed_on_the_same_tree(
    tmp_path: Path, toolchains: Toolchains
) -> None:
    falls = ["heads", "tails", "heads"]
    bench = make_bench(tmp_path, toolchains, {"quick.sh": QUICK}, falls)
    verifier = bench.verifier()
    verifier.baseline(bench.site.head, (SHELL,))
    tree = bench.tree({"README.md": "y\n"})

    verification, ran = verify(bench, verifier, tree, SHELL)
    assert not is_good(verification, ran, (SHELL,))
    assert "Failed: t.T.test_coin" in failures_in_words(ran)
    assert len(ran) == 1

    verification, ran = verify(bench, verifier, tree, SHELL)
    assert is_good(verification, ran, (SHELL,))
    assert verification.flaky == ("t.T.test_coin",)


def test_tests_that_failed_before_are_not_blamed_and_a_new_failure_among_them_is(
    tmp_path: Path, toolchains: Toolchains
) -> None:
    bench = make_bench(tmp_path, toolchains, {"quick.sh": QUICK}, ["tails"])
    verifier = bench.verifier()
    verifier.baseline(bench.site.head, (SHELL,))

    same = bench.tree({"README.md": "y\n"})
    verification, ran = verify(bench, verifier, same, SHELL)
    assert is_good(verification, ran, (SHELL,))
    assert verification.failed_before == ("t.T.test_coin",)
    assert (verification.all_tests_passed, verification.note) == (False, "red baseline")

    worse = bench.tree({"broken": ""})
    verification, ran = verify(bench, verifier, worse, SHELL)
    assert not is_good(verification, ran, (SHELL,))
    assert "Failed: t.T.test_sure, t.T.test_coin" in failures_in_words(ran)


@pytest.mark.parametrize("ending", ["kill -SEGV $$", "sleep 60"])
def test_what_is_cut_off_hides_behind_nothing_that_failed_before(
    ending: str, tmp_path: Path, toolchains: Toolchains
) -> None:
    """A runner that names tests as they fail names the known one, and then ends too early."""
    files = {"quick.sh": f"echo '--- FAIL: TestX'\n[ -e broken ] && {ending}\nexit 1\n"}
    bench = make_bench(tmp_path, toolchains, files)
    verifier = bench.verifier(suite_seconds=1)
    verifier.baseline(bench.site.head, (SHELL,))

    verification, ran = verify(bench, verifier, bench.tree({"broken": ""}), SHELL)

    assert ran[-1].failed_tests == {"TestX"}
    assert not is_good(verification, ran, (SHELL,))


def test_a_command_that_runs_pytest_twice_leaves_the_file_of_the_last_one_and_both_count(
    tmp_path: Path, toolchains: Toolchains
) -> None:
    files = {
        "both.sh": (
            "[ -e broken ] && echo 'FAILED a.py::test_a'\necho 'FAILED b.py::test_b'\n"
            "echo '<testcase name=\"b.test_b\"><failure/></testcase>' "
            "> ${PYTEST_ADDOPTS#--junitxml=}\nexit 1\n"
        )
    }
    bench = make_bench(tmp_path, toolchains, files)
    verifier = bench.verifier()
    (_, base) = verifier.baseline(bench.site.head, ("bash both.sh",))
    assert base.failed_tests == {"b.test_b"}

    verification, ran = verify(bench, verifier, bench.tree({"broken": ""}), "bash both.sh")

    assert ran[-1].failed_tests == {"a.py::test_a", "b.py::test_b"}
    assert not is_good(verification, ran, ("bash both.sh",))


def test_unittest_names_and_counts_its_tests(tmp_path: Path, toolchains: Toolchains) -> None:
    script = (
        "import unittest\n\nclass T(unittest.TestCase):\n"
        "    def test_a(self):\n        self.fail()\n\n    def test_b(self):\n        pass\n"
    )
    bench = make_bench(tmp_path, toolchains, {"test_u.py": script})
    seen = bench.verifier().baseline(bench.site.head, (UNITTEST,))[-1].evidence.tests
    assert seen is not None
    assert (seen.ran, seen.failed, seen.told_by) == (2, ("test_u.T.test_a",), "output")


def test_what_landed_is_the_next_base_for_another_process_too(
    tmp_path: Path, toolchains: Toolchains
) -> None:
    bench = make_bench(tmp_path, toolchains, {"quick.sh": QUICK})
    verifier = bench.verifier()
    verifier.baseline(bench.site.head, (SHELL,))
    tree = bench.tree({"README.md": "y\n"})
    verify(bench, verifier, tree, SHELL)
    assert bench.ran == ["baseline", "suite"]

    (known,) = bench.verifier().baseline(tree, (SHELL,))

    assert bench.ran == ["baseline", "suite"]
    assert (known.evidence.stage, known.evidence.exit_code) == ("baseline", 0)
    (bench.kept / "lib" / "added").mkdir()
    bench.verifier().baseline(tree, (SHELL,))
    assert bench.ran[2:] == ["baseline"], "other dependencies: not the same any more"


def test_a_base_that_failed_is_run_again_by_the_next_process(
    tmp_path: Path, toolchains: Toolchains
) -> None:
    bench = make_bench(tmp_path, toolchains, {"x": ""}, ["tails"])
    suite = (f"grep -q heads {bench.coin}",)
    assert bench.verifier().baseline(bench.site.head, suite)[-1].blamed
    bench.coin.write_text("heads")
    assert bench.verifier().baseline(bench.site.head, suite)[-1].passed


def test_the_xml_cannot_say_that_a_failing_run_passed(
    tmp_path: Path, toolchains: Toolchains
) -> None:
    forged = "<testsuite><testcase classname='a' name='b'/></testsuite>"
    script = f'echo "{forged}" > .git/pipeline-tests.xml; exit 1'
    bench = make_bench(tmp_path, toolchains, {"x": ""})
    ran = bench.verifier().baseline(bench.site.head, (script,))[-1]
    seen = ran.evidence.tests
    assert seen is not None
    assert (ran.evidence.exit_code, seen.ran, seen.failed) == (1, 1, ())
    assert ran.blamed
    assert ran.failed_tests == {script}


def test_a_project_that_switched_the_xml_off_is_run_as_it_wants(
    tmp_path: Path, toolchains: Toolchains
) -> None:
    config = "[pytest]\naddopts = -p no:junitxml\n"
    bench = make_bench(tmp_path, toolchains, {"tests/test_a.py": TESTS, "pytest.ini": config})
    (ran,) = bench.verifier().baseline(bench.site.head, (PYTEST,))
    assert ran.passed
    assert ran.evidence.tests is not None
    assert (ran.evidence.tests.ran, ran.evidence.tests.told_by) == (2, "output")


def test_the_whole_suite_has_a_limit_of_its_own(tmp_path: Path, toolchains: Toolchains) -> None:
    bench = make_bench(tmp_path, toolchains, {"x": ""})
    (ran,) = bench.verifier(suite_seconds=0.2).baseline(bench.site.head, ("sleep 30",))
    assert ran.evidence.timed_out
    assert ran.blamed


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed here")
def test_nodes_own_runner_is_read_by_what_it_prints(tmp_path: Path, toolchains: Toolchains) -> None:
    script = (
        "const test = require('node:test'); const assert = require('node:assert');\n"
        "test('adds', () => assert.equal(1 + 1, 3));\n"
        "test('is there', () => assert.ok(1));\n"
        "test('later', {skip: true}, () => {});\n"
    )
    bench = make_bench(tmp_path, toolchains, {"test/a.test.js": script})
    ran = bench.verifier().baseline(bench.site.head, (NODE,))[-1]
    seen = ran.evidence.tests
    assert seen is not None
    assert (seen.ran, seen.skipped) == (2, 1)
    assert "adds" in seen.failed
    assert "is there" not in seen.failed


def test_so_many_outcomes_are_kept_and_damaged_ones_are_unknown(tmp_path: Path) -> None:
    tested = Outcomes(tmp_path / "tested")
    passed = CommandEvidence(stage="baseline", command="x", exit_code=0, duration_s=1)
    for number in range(MOST_KEPT + 5):
        tree = f"{number:040x}"
        tested.keep(Outcome(tree=tree, command="x", tools="t", evidence=passed, failed=("a",)))
    files = list((tmp_path / "tested").glob("*"))
    assert len(files) == MOST_KEPT
    newest = f"{MOST_KEPT + 4:040x}"
    assert Outcomes(tmp_path / "tested").passing(newest, "x", "t") is not None
    assert Outcomes(tmp_path / "tested").passing(newest, "x", "others") is None
    for file in files:
        file.write_text("{")
    assert Outcomes(tmp_path / "tested").passing(newest, "x", "t") is None
    assert Outcomes(tmp_path / "tested").failed_before("x") == frozenset()
