"""Verification sees exactly one tree, in a clone of its own, and keeps what it saw."""

import os
import py_compile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline import git
from pipeline.errors import Stopped
from pipeline.events import CommandRan, EventBus
from pipeline.execution.evidence import failures_in_words
from pipeline.execution.toolchains import Toolchains
from pipeline.execution.workspace import Workspace
from pipeline.sandbox import SandboxFailed, Unconfined, find_sandbox
from tests.builders import make_repository, write_files
from tests.execution.conftest import FILES, Ground, ground

TEST = "import sys; sys.path.insert(0, '.')\nimport app\nassert app.VALUE == 1, app.VALUE\n"
SUITE = ("python tests/test_app.py",)


@pytest.fixture
def site(tmp_path: Path, toolchains: Toolchains) -> Ground:
    """A project whose test is a plain script."""
    root = make_repository(tmp_path / "checkout", FILES | {"tests/test_app.py": TEST})
    return ground(root, toolchains, find_sandbox("bwrap"))


def changed(site: Ground, files: dict[str, str]) -> tuple[Workspace, str]:
    """Return the executor's workspace with `files` written, and its tree."""
    workspace = site.workspaces.open("executor", site.head)
    write_files(workspace.root, files)
    tree = git.write_tree(site.repo, workspace.root, workspace.index, site.head)
    return workspace, tree


def test_a_good_tree_is_verified_with_evidence(site: Ground) -> None:
    _, tree = changed(site, {"app.py": "VALUE = 1  # better\n"})
    verification, ran = site.verifier.verify(
        tree=tree, head=site.head, acceptance=["grep better app.py"], suite=SUITE, label="EXR-1"
    )
    assert verification.tree == tree
    assert verification.all_tests_passed
    assert verification.all_acceptance_met
    assert verification.no_regressions
    assert verification.note is None
    assert [(c.stage, c.command, c.exit_code) for c in verification.commands] == [
        ("acceptance", "grep better app.py", 0),
        ("suite", SUITE[0], 0),
    ]
    path = verification.commands[0].output_path
    assert path == "outputs/EXR-1/acceptance-001.txt"
    assert (site.places.workflow / path).read_text() == "VALUE = 1  # better\n"
    assert ran[0].tail == "VALUE = 1  # better\n"
    seen = [event for event in site.events if isinstance(event, CommandRan)]
    assert [(event.stage, event.exit_code) for event in seen] == [("acceptance", 0), ("suite", 0)]


def test_a_bad_tree_fails_and_says_why(site: Ground) -> None:
    _, tree = changed(site, {"app.py": "VALUE = 2\n"})
    verification, ran = site.verifier.verify(
        tree=tree, head=site.head, acceptance=["exit 4"], suite=SUITE
    )
    assert not verification.all_tests_passed
    assert not verification.all_acceptance_met
    assert not verification.no_regressions
    words = failures_in_words(ran)
    assert "acceptance: `exit 4` exited 4" in words
    assert "AssertionError: 2" in words


def test_a_stale_pyc_does_not_pass_broken_code(site: Ground) -> None:
    workspace, _ = changed(site, {})
    source = workspace.root / "app.py"
    compiled = py_compile.compile(str(source), doraise=True)
    assert compiled is not None
    unchecked = workspace.root / "__pycache__" / "app.cpython-311.pyc"
    py_compile.compile(
        str(source),
        cfile=str(unchecked),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    before = source.stat()
    source.write_text("VALUE = 9\n")
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    inside = site.verifier.run_commands(workspace, "task", SUITE, "T1")
    assert inside[0].passed, "the stale file fools the workspace, as this test wants it"
    tree = git.write_tree(site.repo, workspace.root, workspace.index, site.head)
    verification, _ = site.verifier.verify(tree=tree, head=site.head, acceptance=[], suite=SUITE)
    assert not verification.all_tests_passed


def test_what_only_the_workspace_has_is_not_verified(site: Ground) -> None:
    workspace, tree = changed(site, {"ignored.log": "needed"})
    assert site.verifier.run_commands(workspace, "task", ["test -e ignored.log"])[0].passed
    verification, _ = site.verifier.verify(
        tree=tree, head=site.head, acceptance=["test -e ignored.log"], suite=SUITE
    )
    assert not verification.all_acceptance_met


def test_commands_of_a_verification_do_not_change_the_tree_that_is_stored(site: Ground) -> None:
    workspace, tree = changed(site, {"app.py": "VALUE = 1 # x\n"})
    site.verifier.verify(tree=tree, head=site.head, acceptance=["rm -r * .git"], suite=[])
    assert (workspace.root / "app.py").exists()
    assert git.write_tree(site.repo, workspace.root, workspace.index, site.head) == tree


def test_the_baseline_of_a_tree_runs_once(site: Ground) -> None:
    first = site.verifier.baseline(site.head, SUITE)
    tree = git.tree_of(site.repo, site.head)
    same_tree = git.commit_tree(
        site.repo, tree, [site.head], "again", when=datetime(2026, 11, 21, tzinfo=UTC)
    )
    assert site.verifier.baseline(same_tree, SUITE) is first
    assert len(site.events) == 1
    assert first[0].evidence.stage == "baseline"


def test_a_command_that_was_red_before_is_no_regression(site: Ground) -> None:
    suite = (*SUITE, "test -e fixed")
    site.verifier.baseline(site.head, suite)
    _, tree = changed(site, {"app.py": "VALUE = 1 # x\n"})
    verification, _ = site.verifier.verify(tree=tree, head=site.head, acceptance=[], suite=suite)
    assert not verification.all_tests_passed
    assert verification.no_regressions
    assert verification.note == "red baseline"


def test_without_tests_nothing_is_said_to_have_passed(site: Ground) -> None:
    _, tree = changed(site, {"app.py": "VALUE = 5\n"})
    verification, ran = site.verifier.verify(tree=tree, head=site.head, acceptance=[], suite=[])
    assert ran == ()
    assert not verification.all_tests_passed
    assert not verification.no_regressions
    assert verification.note == "untested"


def test_a_command_in_both_lists_runs_once(site: Ground) -> None:
    verification, ran = site.verifier.verify(
        tree=site.head, head=site.head, acceptance=SUITE, suite=SUITE
    )
    assert len(ran) == 1
    assert verification.all_tests_passed
    assert verification.all_acceptance_met


def test_a_command_that_does_not_end_has_failed(site: Ground) -> None:
    site.verifier = type(site.verifier)(
        site.repo, site.workspaces, site.sandbox, site.places.outputs, EventBus(), 0.3
    )
    workspace, _ = changed(site, {})
    ran = site.verifier.run_commands(workspace, "task", ["echo early; sleep 30", "true"], "T1")
    assert [one.passed for one in ran] == [False, True]
    assert ran[0].evidence.timed_out
    assert "task of T1: `echo early; sleep 30` did not end" in failures_in_words(ran)
    assert ran[1].evidence.output_path == "outputs/commands/task-002.txt"


def test_the_stop_flag_is_no_failed_test(site: Ground) -> None:
    workspace, _ = changed(site, {})
    with pytest.raises(Stopped):
        site.verifier.run_commands(workspace, "task", ["sleep 30"], stop=lambda: True)


def test_trouble_of_the_sandbox_is_no_failed_test(site: Ground) -> None:
    workspace, _ = changed(site, {})
    broken = replace(workspace, jail=replace(workspace.jail, objects=Path("/nowhere")))
    with pytest.raises(SandboxFailed):
        site.verifier.run_commands(broken, "task", ["true"])


def test_a_record_says_when_there_was_no_sandbox(tmp_path: Path, toolchains: Toolchains) -> None:
    root = make_repository(tmp_path / "bare", FILES | {"tests/test_app.py": TEST})
    site = ground(root, toolchains, Unconfined())
    verification, _ = site.verifier.verify(
        tree=site.head, head=site.head, acceptance=[], suite=SUITE
    )
    assert verification.all_tests_passed
    assert verification.note == "sandbox: none"
