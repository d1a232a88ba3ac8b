"""A read-only disk, and too few descriptors: one clear line, exit code 1, and nothing changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import make_repository
from tests.kill.scenario import PROJECT


@pytest.fixture
def root(scratch: Path) -> Path:
    root = make_repository(scratch / "repo", PROJECT)
    assert said(root, [], "init").returncode == 0
    return root


def said(root: Path, before: list[str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run one command as a process of its own, with words before it."""
    command = [*before, sys.executable, "-m", "pipeline", *words, "-C", str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_read_only_folder_is_named_and_can_be_read(root: Path) -> None:
    workflow = str(root / ".workflow")
    mounted = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", workflow, workflow]
    ended = said(root, mounted, "add", "one more", "--id", "Q")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"pipeline: cannot use '{workflow}/issues/")
    assert line.endswith("Read-only file system; mend that and run again")
    assert said(root, mounted, "status").returncode == 0


def test_descriptors_that_are_used_up_are_one_line(root: Path) -> None:
    limited = ["sh", "-c", 'ulimit -n 6; exec "$@"', "sh"]
    ended = said(root, limited, "add", "one more", "--id", "Q")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "Too many open files" in line
