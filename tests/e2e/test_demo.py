"""`pipeline demo --into DIR`: what it leaves behind is what the README promises."""

import io
import os
import subprocess
import sys
import tarfile
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import orjson
import pytest

from pipeline.cli.entry import run
from pipeline.rehearsal.demo import make_demo_repository
from tests.builders import GIT_ENVIRONMENT, git

SPECS = Path(__file__).parents[2] / "specs"
PHASES = ("planning", "execution")


@dataclass(frozen=True)
class Demo:
    """One finished demo."""

    root: Path
    code: int
    seconds: float
    out: str
    err: str
    index: bytes
    """The checkout's index before this test's own git reads it."""
    index_written: float

    @property
    def branch(self) -> str:
        """Return the run's branch."""
        found = git(
            self.root, "for-each-ref", "--format=%(refname:short)", "refs/heads/pipeline/"
        ).splitlines()
        assert len(found) == 1
        return found[0]

    def document(self, phase: str) -> dict[str, list[dict[str, object]]]:
        """Read one results document."""
        path = self.root / ".workflow" / f"{phase}-results.json"
        read: dict[str, list[dict[str, object]]] = orjson.loads(path.read_bytes())
        return read


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run the demo once, with user folders of its own and without keys."""
    root = tmp_path_factory.mktemp("demo") / "here"
    home = tmp_path_factory.mktemp("user")
    before = dict(os.environ)
    os.environ.update({f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "STATE")})
    os.environ["XDG_CACHE_HOME"] = str(home / "CACHE")
    os.environ.update(GIT_ENVIRONMENT)
    out, err, started = io.StringIO(), io.StringIO(), time.monotonic()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = run(["demo", "--into", str(root)])
    finally:
        os.environ.clear()
        os.environ.update(before)
    index = root / ".git" / "index"
    return Demo(
        root=root,
        code=code,
        seconds=time.monotonic() - started,
        out=out.getvalue(),
        err=err.getvalue(),
        index=index.read_bytes(),
        index_written=index.stat().st_mtime,
    )


def test_it_ends_well_and_soon(demo: Demo) -> None:
    assert demo.code == 0, demo.err
    assert demo.seconds < 20
    assert "3 of 4 issues landed; 1 was turned down." in demo.out
    assert f"git -C {demo.root} log" in demo.out
    assert f" clean --all -C {demo.root} && rm -r {demo.root}" in demo.out.splitlines()[-1]
    assert "Traceback" not in demo.out + demo.err


def test_three_commits_land_and_the_tests_pass_at_each(demo: Demo, tmp_path: Path) -> None:
    commits = git(demo.root, "rev-list", "--reverse", f"main..{demo.branch}").split()
    assert len(commits) == 3
    for commit in commits:
        folder = tmp_path / commit
        archive = subprocess.run(
            ["git", "archive", "--format=tar", commit],
            cwd=demo.root,
            check=True,
            capture_output=True,
        ).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        tests = [sys.executable, "-B", "-m", "unittest", "discover", "-s", "tests"]
        done = subprocess.run(tests, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "NO TESTS RAN" not in done.stderr


def test_each_commit_is_of_one_plan_and_says_so(demo: Demo) -> None:
    form = "%(trailers:key=Solution-Id,valueonly,separator=%x2C)"
    named = git(demo.root, "log", "--reverse", f"--format={form}", f"main..{demo.branch}").split()
    assert named == ["SOL-DEMO-1-1", "SOL-DEMO-2-1", "SOL-DEMO-3-1"]
    completed = [
        record["solution_id"]
        for record in demo.document("execution")["results"]
        if record["status"] == "completed"
    ]
    assert completed == named


def test_one_plan_is_rejected_and_not_run(demo: Demo) -> None:
    states = {
        record["solution_id"]: plan["state"]
        for record in demo.document("planning")["results"]
        if isinstance(plan := record["plan"], dict)
    }
    assert [name for name, state in states.items() if state == "rejected"] == ["SOL-DEMO-4-1"]
    tried = {record["issue_id"] for record in demo.document("execution")["results"]}
    assert tried == {"DEMO-1", "DEMO-2", "DEMO-3"}


def test_the_checkout_is_left_as_it_was(demo: Demo, tmp_path: Path) -> None:
    untouched = make_demo_repository(tmp_path / "untouched")
    set_up = (demo.root / ".workflow" / ".gitignore").stat().st_mtime

    assert demo.index_written <= set_up, "the index was written after the work had begun"
    assert git(demo.root, "status", "--porcelain") == ""
    assert (demo.root / ".git" / "index").read_bytes() == demo.index
    for words in (
        ("rev-parse", "HEAD"),
        ("symbolic-ref", "HEAD"),
        ("ls-files", "--stage"),
        ("for-each-ref", "refs/tags", "refs/remotes", "refs/heads/main"),
    ):
        assert git(demo.root, *words) == git(untouched, *words)
    branches = git(demo.root, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert branches == ["main", demo.branch]
    assert (demo.root / ".git" / "config").read_bytes() == (
        untouched / ".git" / "config"
    ).read_bytes()
    assert (demo.root / ".git" / "HEAD").read_bytes() == (untouched / ".git" / "HEAD").read_bytes()


@pytest.mark.parametrize("phase", PHASES)
def test_its_documents_are_valid_by_the_published_schemas(demo: Demo, phase: str) -> None:
    schema = orjson.loads((SPECS / f"{phase}-results.schema.json").read_bytes())
    jsonschema.validate(demo.document(phase), schema)
    assert demo.document(phase)["results"]
