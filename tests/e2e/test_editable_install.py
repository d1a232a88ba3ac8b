"""A src-layout library, installed with `pip install -e .` into the checkout's own `.venv`.

What the editable install points at is the checkout. A workspace that is mounted anywhere else
tests the checkout instead of the change, and so does stale bytecode: a broken change would land.
"""

import py_compile
import subprocess
import sys
import venv
from pathlib import Path

from pipeline.rehearsal.script import CallSpec, Script
from pipeline.rehearsal.scripting import (
    PASSES,
    edit,
    finish_task,
    plan,
    privilege,
    run_command,
    submit_result,
    turn,
)
from tests.e2e.night import TEST_COMMAND, Night

SOURCE = "src/lib/__init__.py"
LIBRARY = {
    ".gitignore": ".venv/\n__pycache__/\n",
    "pyproject.toml": (
        "[build-system]\n"
        'requires = []\nbuild-backend = "backend"\nbackend-path = ["build"]\n\n'
        "[project]\n"
        'name = "lib"\nversion = "1.0"\n'
    ),
    "build/backend.py": '''\
"""Builds an editable wheel; stands in for a build backend that would have to be downloaded."""

import zipfile
from pathlib import Path

INFO = "lib-1.0.dist-info"


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "lib-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, name), "w") as wheel:
        wheel.writestr("lib.pth", f"{Path.cwd() / 'src'}\\n")
        wheel.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\\nName: lib\\nVersion: 1.0\\n")
        tag = "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(f"{INFO}/WHEEL", tag)
        wheel.writestr(f"{INFO}/RECORD", "")
    return name
''',
    SOURCE: "def double(n):\n    return n * 2\n",
    "tests/__init__.py": "",
    "tests/test_lib.py": (
        "import unittest\n\nfrom lib import double\n\n\n"
        "class DoubleTest(unittest.TestCase):\n"
        "    def test_doubles(self):\n        self.assertEqual(double(4), 8)\n"
    ),
}
HARMLESS = edit(SOURCE, "return n * 2", "return n + n")
BREAKING = edit(SOURCE, "return n * 2", "return n * 3")
STALE = run_command(
    "python3 -c 'import py_compile as p; "
    f'p.compile("{SOURCE}", invalidation_mode=p.PycInvalidationMode.UNCHECKED_HASH)\''
)
"""Compiles the source as it is now into bytecode that Python never compares with the source."""


def working(*moves: CallSpec, test: str = PASSES) -> Script:
    """Return the script of an agent that makes `moves` and claims success, over and over.

    `test` is the test of the plan's one task.
    """
    planned = plan(files={SOURCE: "modify"}, tests=[test], privileges=[privilege("shell_exec")])
    claims = [submit_result()] * 5
    return planned + turn("executor", "*", *moves, finish_task("T1"), *claims)


def install(root: Path) -> None:
    """Make the checkout's `.venv` and install the library into it, offline, as pip does it."""
    venv.EnvBuilder(symlinks=True).create(root / ".venv")
    python = root / ".venv" / "bin" / "python"
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps"]
    options = ["--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*words, *options, "-e", str(root)], check=True, timeout=60)
    where = [str(python), "-c", "import lib; print(lib.__file__)"]
    found = subprocess.run(where, check=True, capture_output=True, text=True, cwd="/", timeout=60)
    assert Path(found.stdout.strip()) == root / SOURCE


def worked_on(night: Night) -> dict[str, object]:
    """Plan, approve and run one issue; return its execution record."""
    install(night.root)
    cached = py_compile.compile(
        str(night.root / SOURCE),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    assert cached is not None
    night.add("ISS-1")
    assert night.run("plan").code == 3
    night.approve_all()
    night.run("run")
    (record,) = night.executed()
    return record


def last_output(night: Night, record: dict[str, object]) -> str:
    """Return what the last command of an attempt's verification printed."""
    verification = record["verification"]
    assert isinstance(verification, dict)
    path = verification["commands"][-1]["output_path"]
    return (night.root / ".workflow" / path).read_text()


def test_a_harmless_change_of_an_editable_install_lands(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", working(HARMLESS), files=LIBRARY) as night:
        assert worked_on(night)["status"] == "completed"
        assert len(night.commits()) == 1


def test_a_breaking_change_fails_by_the_librarys_own_tests(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", working(BREAKING), files=LIBRARY) as night:
        record = worked_on(night)

        assert (record["status"], record["failure_class"]) == ("failed", "tests")
        assert "12 != 8" in last_output(night, record)
        assert night.commits() == []


def test_stale_bytecode_in_the_agents_workspace_does_not_pass_broken_code(tmp_path: Path) -> None:
    script = working(STALE, BREAKING, test=TEST_COMMAND)
    with Night(tmp_path / "repo", script, files=LIBRARY) as night:
        record = worked_on(night)

        assert record["tasks_completed"] == 1, "the bytecode did not deceive the task's test"
        assert (record["status"], record["failure_class"]) == ("failed", "tests")
        assert "12 != 8" in last_output(night, record)
        assert night.commits() == []
