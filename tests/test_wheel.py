"""The wheel alone, without a checkout: it has all it needs and runs demo and init."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.builders import make_repository

CHECKOUT = Path(__file__).parent.parent
SECONDS = 60


def call(*words: str | Path, cwd: Path) -> str:
    """Run a program and return its stdout; a failure shows what it said."""
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the installed hatchling: no network, no isolation."""
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=CHECKOUT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of a new environment that holds the wheel.

    The dependencies are those of this interpreter, by a path: what is installed there in an
    editable way stays out, because the `.pth` files of a folder added like this are not read.
    """
    folder = tmp_path_factory.mktemp("environment")
    call(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    call(*pip, "install", "-q", "--no-compile", "--no-deps", "--no-index", wheel, cwd=folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(paths)) + "\n")
    where = call(python, "-I", "-c", "import pipeline; print(pipeline.__file__)", cwd=folder)
    assert Path(where.strip()).is_relative_to(packages)
    return folder / "bin"


def test_the_wheel_holds_prompts_the_demo_and_its_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    prompts = {f"pipeline/prompts/{path.name}" for path in (CHECKOUT / "prompts").glob("*.md")}
    data = {
        path.relative_to(CHECKOUT).as_posix()
        for path in (CHECKOUT / "pipeline").rglob("*")
        if path.suffix in (".toml", ".jsonl") or path.name == "py.typed"
    }
    assert prompts
    assert {"pipeline/py.typed", "pipeline/default_config.toml"} < data
    assert prompts | data <= names


def test_the_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"pipeline"}


def test_the_installed_wheel_runs_the_demo(programs: Path, tmp_path: Path) -> None:
    said = call(programs / "pipeline", "demo", "--into", tmp_path / "demo", cwd=tmp_path)
    assert "3 tested commits" in said


def test_the_installed_wheel_sets_a_repository_up(programs: Path, tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", {"a.txt": "a\n"})
    call(programs / "pipeline", "init", "-C", root, cwd=tmp_path)
    assert (root / ".workflow" / "config.toml").is_file()
    assert (root / ".workflow" / ".gitignore").read_text() == "*\n"
