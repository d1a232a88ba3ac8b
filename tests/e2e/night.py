"""A whole pipeline in a temporary repository: real git, sandbox and SDKs, a stand-in for models.

    with Night(tmp_path / "repo", script) as night:
        night.add("ISS-1")
        assert night.run("plan").code == 3
        night.run("approve", "SOL-ISS-1-1")
        assert night.run("run").code == 0

Commands run in this process through the console script's own function; `process` starts a real one.
"""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from pipeline.cli.entry import run
from pipeline.rehearsal.faults import Fault, Weather
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.server import LoggedRequest, StandIn
from tests.builders import git, make_repository
from tests.e2e.started import Started

PROJECT = {
    "README.md": "# A small project\n",
    "CHANGELOG.md": "# Changes\n",
    "app.py": "def add(a, b):\n    return a + b\n",
    "tests/__init__.py": "",
    "tests/test_app.py": (
        "import unittest\n\nfrom app import add\n\n\n"
        "class AddTest(unittest.TestCase):\n"
        "    def test_adds(self):\n        self.assertEqual(add(1, 2), 3)\n"
    ),
}
"""A project whose tests need nothing but Python."""

TEST_COMMAND = "python3 -m unittest discover -q"


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        """Parse stdout."""
        return orjson.loads(self.out)


class Night:
    """One repository, one stand-in, and the commands typed at them."""

    def __init__(
        self,
        folder: Path,
        script: Script,
        *,
        files: Mapping[str, str] = PROJECT,
        faults: Sequence[Fault] | Weather = (),
        planner: str = "anthropic",
        executor: str = "openai",
    ) -> None:
        self.root = make_repository(folder, files)
        self.stand_in = StandIn(script, faults=faults)
        self._vendors = {"planner": planner, "executor": executor}

    def __enter__(self) -> "Night":
        self.stand_in.__enter__()
        os.environ.update(self.settings())
        assert self.run("init").code == 0
        return self

    def __exit__(self, *exception: object) -> None:
        self.stand_in.__exit__(None, None, None)

    def settings(self) -> dict[str, str]:
        """Return the environment that points both agents at the stand-in."""
        url = self.stand_in.url
        base = {"anthropic": url, "openai": f"{url}/v1", "openai-chat": f"{url}/v1"}
        found = {"PIPELINE_RUN_REHEARSAL": "true", "PIPELINE_TESTS_COMMAND": TEST_COMMAND}
        for role, vendor in self._vendors.items():
            found[f"PIPELINE_{role.upper()}_PROVIDER"] = vendor
            found[f"PIPELINE_{role.upper()}_BASE_URL"] = base[vendor]
            if vendor == "openai-chat":
                found[f"PIPELINE_{role.upper()}_MODEL"] = "a-local-model"
        return found

    def run(self, *words: str) -> Ended:
        """Run one command in this process, in the repository."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([*words, "-C", str(self.root)])
        return Ended(code, out.getvalue(), err.getvalue())

    def words(self, *words: str) -> list[str]:
        """Return what starts one command with an interpreter of its own, in the repository."""
        return [sys.executable, "-m", "pipeline", *words, "-C", str(self.root)]

    def process(self, *words: str, stdin: int = subprocess.DEVNULL) -> Started:
        """Start one command as a process of its own, in the repository."""
        return Started([*words, "-C", str(self.root)], stdin=stdin)

    def add(self, *issue_ids: str, **options: str) -> None:
        """Add issues; `options` are long options of `pipeline add`."""
        for issue_id in issue_ids:
            extra = [word for k, v in options.items() for word in (f"--{k.replace('_', '-')}", v)]
            ended = self.run("add", f"do {issue_id}", "--id", issue_id, *extra)
            assert ended.code == 0, ended.err

    def planned(self) -> list[dict[str, object]]:
        """Return the records of planning-results.json."""
        return self._results("planning")

    def executed(self) -> list[dict[str, object]]:
        """Return the records of execution-results.json."""
        return self._results("execution")

    def _results(self, phase: str) -> list[dict[str, object]]:
        path = self.root / ".workflow" / f"{phase}-results.json"
        document = orjson.loads(path.read_bytes())
        assert document["phase"] == phase
        return list(document["results"])

    def states(self) -> dict[str, str]:
        """Return issue id -> state, as `pipeline issues --json` says it."""
        rows = self.run("issues", "--json").json
        assert isinstance(rows, list)
        return {row["id"]: row["status"] for row in rows}

    def approve_all(self) -> list[str]:
        """Approve every pending plan in the order of the document; return their ids."""
        waiting = [
            str(record["solution_id"])
            for record in self.planned()
            if isinstance(plan := record["plan"], dict) and plan["state"] == "pending"
        ]
        for name in waiting:
            ended = self.run("approve", name)
            assert ended.code == 0, ended.err
        return waiting

    @property
    def branch(self) -> str:
        """Return the newest run's branch."""
        return git(self.root, "for-each-ref", "--format=%(refname:short)", "refs/heads/pipeline/")

    def commits(self) -> list[str]:
        """Return the subjects of the run branch's commits since main, oldest first."""
        log = git(self.root, "log", "--reverse", "--format=%s", f"main..{self.branch}")
        return log.splitlines()

    def requests(self, agent: str) -> list[LoggedRequest]:
        """Return what the stand-in was asked by one agent."""
        return [one for one in self.stand_in.requests if one.agent == agent]


def checkout_state(root: Path) -> tuple[object, ...]:
    """Return what git says of the user's checkout, and the bytes of its index and config."""
    return (
        git(root, "status", "--porcelain"),
        git(root, "rev-parse", "HEAD"),
        git(root, "symbolic-ref", "HEAD"),
        [
            line
            for line in git(root, "for-each-ref", "refs/heads", "refs/tags").splitlines()
            if "refs/heads/pipeline/" not in line
        ],
        (root / ".git" / "index").read_bytes(),
        (root / ".git" / "config").read_bytes(),
    )


@contextlib.contextmanager
def untouched(root: Path) -> Iterator[None]:
    """Prove that what happens inside leaves the user's checkout as it was."""
    before = checkout_state(root)
    yield
    assert checkout_state(root) == before
