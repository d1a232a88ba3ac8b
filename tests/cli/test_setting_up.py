"""`init` and `doctor` on kinds of project: each is told what it is and what mends it."""

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pytest

from pipeline.app.first_config import first_config
from pipeline.app.trying import SMALLEST
from pipeline.cli.entry import run
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.server import StandIn
from pipeline.settings import Provider
from tests.builders import git, make_repository, write_files
from tests.e2e.night import Ended

UNIT = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n"
RED = UNIT.replace("pass", "self.fail()")
PACKAGE = json.dumps({"scripts": {"test": "true", "lint": "eslint ."}})
NOT_RUN = {"PIPELINE_TESTS_COMMAND": "true"}
"""Toolchains of other languages are not here: their tests are not what is tried."""


def typed(root: Path, *words: str) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*words, "-C", str(root)])
    return Ended(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Kind:
    """A kind of project, and what has to be said of it."""

    files: dict[str, str]
    init: tuple[str, ...]
    doctor: tuple[str, ...]
    config: dict[str, object] = field(default_factory=dict)
    change: Callable[[Path], object] = lambda root: None
    env: dict[str, str] = field(default_factory=lambda: {"ANTHROPIC_API_KEY": "k"})
    ready: bool = True


KINDS = {
    "python": Kind(
        {"a.py": "", "test_a.py": UNIT, "ruff.toml": ""},
        ("languages      Python", "tests          python -m unittest discover", "ruff check ."),
        ("ok   tests          python -m unittest discover: passed",),
    ),
    "node": Kind(
        {"package.json": PACKAGE, "index.ts": ""},
        ("languages      TypeScript", "tests          npm test", "linter         npm run lint"),
        ("ok   tests          true: passed",),
        env={"OPENAI_API_KEY": "k"} | NOT_RUN,
        config={"planner": {"provider": "openai"}, "executor": {"provider": "openai"}},
    ),
    "rust": Kind(
        {"Cargo.toml": "", "src/main.rs": ""},
        ("languages      Rust", "tests          cargo test", "linter         cargo clippy"),
        ("ok   planner key", "ok   tests"),
        env={"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"} | NOT_RUN,
    ),
    "go": Kind(
        {"go.mod": "", "main.go": ""},
        (
            "tests          go test ./...",
            "fix  planner key    no key for claude-opus-5-5",
            "-> export ANTHROPIC_API_KEY=..., or add --planner-provider openai where you run it",
        ),
        ("fix  executor key", "ok   tests"),
        env=NOT_RUN,
        ready=False,
    ),
    "make": Kind(
        {"Makefile": "test:\n\t@true\nlint:\n\t@true\n", "a.c": ""},
        ("languages      C", "tests          make test", "linter         make lint"),
        ("ok   tests          make test: passed",),
    ),
    "none": Kind(
        {"README.md": "# Notes\n"},
        (
            "languages      none recognised",
            "fix  tests          none found",
            '-> write [tests] command = "..." into .workflow/config.toml, or `pipeline run '
            "--allow-untested`",
        ),
        ("fix  tests          none found", "`pipeline run --allow-untested`"),
        ready=False,
    ),
    "dirty": Kind(
        {"a.py": "", "test_a.py": UNIT},
        ("2 uncommitted paths are no part of it",),
        ("2 uncommitted paths are no part of it", "unittest discover: passed"),
        change=lambda root: write_files(root, {"a.py": "x = 1\n", "new.py": ""}),
    ),
    "monorepo": Kind(
        {"api/pyproject.toml": "", "api/test_a.py": RED, "web/package.json": PACKAGE},
        ("tests          (cd api && python -m unittest discover) && (cd web && npm test)",),
        (
            "discover) && (cd web && npm test): exit 1 on HEAD (FAILED (failures=1))",
            "-> see .workflow/outputs/",
            "`pipeline run --allow-red-baseline`",
        ),
        ready=False,
    ),
    "detached": Kind(
        {"a.py": "", "test_a.py": UNIT},
        ("base           a detached HEAD at ",),
        ("github         psf/requests; gh is not installed",),
        change=lambda root: (
            git(root, "checkout", "-q", "--detach"),
            git(root, "remote", "add", "origin", "git@github.com:psf/requests.git"),
        ),
        env={"ANTHROPIC_API_KEY": "k"} | NOT_RUN,
    ),
}


@pytest.mark.sandbox
@pytest.mark.parametrize("name", KINDS)
def test_a_project_is_told_what_it_is_and_what_mends_it(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    root = make_repository(tmp_path / "repo", kind.files)
    kind.change(root)
    os.environ |= kind.env
    index = (root / ".git" / "index").read_bytes()

    would = typed(root, "init", "--dry-run")
    assert not (root / ".workflow").exists()
    first = typed(root, "init")
    looked = first.out.partition("\n\n")[0]
    assert (would.code, would.out.partition("\n\n")[0]) == (0, looked)
    assert (first.code, first.err) == (0, "")
    assert [words for words in kind.init if words not in first.out] == []
    config = (root / ".workflow" / "config.toml").read_text()
    assert {k: v for k, v in tomllib.loads(config).items() if v} == kind.config

    doctor = typed(root, "doctor")
    assert doctor.err == ""
    assert [words for words in kind.doctor if words not in doctor.out] == []
    assert doctor.code == (0 if kind.ready else 1), doctor.out
    assert ("\nfix  " in doctor.out) == (not kind.ready)
    assert (root / ".git" / "index").read_bytes() == index


def bare(root: Path) -> None:
    git(root, "init", "-q", "--bare")


def empty(root: Path) -> None:
    git(root, "init", "-q")


NO_PROJECTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "bare": (bare, "pipeline: '{root}' is a bare repository; name a checkout with -C PATH\n"),
    "empty": (
        empty,
        "pipeline: '{root}' has no commits; make the first one, then start again: "
        "git commit --allow-empty -m start\n",
    ),
    "files and no commit": (
        lambda root: (empty(root), write_files(root, {"a.py": ""})),
        "pipeline: '{root}' has no commits; make the first one, then start again: "
        "git add -A && git commit -m start\n",
    ),
    "no repository": (
        lambda root: None,
        "pipeline: '{root}' is not in a git repository; run `git init` there or name one with "
        "-C PATH\n",
    ),
}


@pytest.mark.parametrize("name", NO_PROJECTS)
@pytest.mark.parametrize("command", ["init", "doctor"])
def test_what_is_no_project_is_refused_with_what_to_do(
    tmp_path: Path, name: str, command: str
) -> None:
    make, line = NO_PROJECTS[name]
    make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert typed(tmp_path, command) == Ended(1, "", line.format(root=tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


def test_doctor_before_init_names_it(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", {"a.txt": ""})
    assert "fix  set up         no .workflow/ yet\n" in typed(root, "doctor").out
    assert not (root / ".workflow").exists()


def test_init_leaves_what_is_there_byte_for_byte(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", {"a.txt": ""})
    typed(root, "init")
    mine = b"[budget]\nusd = 3.0   # mine\n"
    (root / ".workflow" / "config.toml").write_bytes(mine)
    os.environ["OPENAI_API_KEY"] = "k"
    again = typed(root, "init", "--yes")
    assert again.code == 0
    assert "was set up before, and stays as it is" in again.out
    assert (root / ".workflow" / "config.toml").read_bytes() == mine


def test_on_a_terminal_three_things_are_asked_and_wrong_answers_again(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", {"test_a.py": UNIT})
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "init", "-C", str(root)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.write(ours, b"\nopnai\nopenai\n2.5\n")
    assert process.wait() == 0
    os.set_blocking(ours, False)
    said = os.read(ours, 65536).decode()
    assert "Command that runs the tests [python -m unittest discover]:" in said
    assert "  planner.provider is 'opnai': choose one of" in said
    assert f"set up {root}/.workflow" in said
    config = tomllib.loads((root / ".workflow" / "config.toml").read_text())
    assert {section: values for section, values in config.items() if values} == {
        "planner": {"provider": "openai"},
        "executor": {"provider": "openai"},
        "budget": {"usd": 2.5},
    }


def test_the_first_config_holds_what_was_decided_and_shows_what_was_detected() -> None:
    decided: dict[str, object] = {"tests.command": 'make "x"', "budget.usd": 2.5}
    text = first_config(decided, {"planner.model": "gpt-6.1-sol"})
    found = tomllib.loads(text)
    assert found["tests"] == {"command": 'make "x"'}
    assert found["budget"] == {"usd": 2.5}
    assert found["planner"] == {}
    assert '\n# model = "gpt-6.1-sol"\n' in text
    shown = first_config({}, {"tests.command": "npm test"})
    assert '\n# command = "npm test"            # detected; ' in shown


ONLINE = {"PIPELINE_TESTS_COMMAND": "true", "PIPELINE_RUN_REHEARSAL": "true"}


def at(stand_in: StandIn, planner: str, executor: str) -> dict[str, str]:
    """Return the environment that has both agents answered by the stand-in."""
    found = dict(ONLINE)
    for role, vendor in (("PLANNER", planner), ("EXECUTOR", executor)):
        found[f"PIPELINE_{role}_PROVIDER"] = vendor
        found[f"PIPELINE_{role}_BASE_URL"] = stand_in.url + ("" if vendor == "anthropic" else "/v1")
    return found


def vendors_tried(root: Path) -> list[dict[str, object]]:
    checks = json.loads(typed(root, "doctor", "--online", "--json").out)
    return [one for one in checks if one["name"].endswith(" online")]


@pytest.mark.sandbox
def test_online_calls_each_model_once_and_counts_what_it_costs(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", {"a.txt": ""})
    typed(root, "init")
    with StandIn(Script()) as stand_in:
        os.environ |= at(stand_in, "anthropic", "openai")
        tried = vendors_tried(root)
        assert [(one["name"], one["good"]) for one in tried] == [
            ("planner online", True),
            ("executor online", True),
        ]
        assert all("answered in" in str(one["found"]) for one in tried)
        asked = [request.body for request in stand_in.requests]
        assert [body.get("max_tokens", body.get("max_output_tokens")) for body in asked] == [1, 16]
        budget = json.loads(typed(root, "status", "--json").out)["budget"]
        assert budget["day"]["tokens"]["spent"] > 0
        assert budget["day"]["tokens"]["reserved"] == 0
        os.environ["PIPELINE_BUDGET_DAY_TOKENS"] = "1"
        refused = vendors_tried(root)
        assert len(stand_in.requests) == 2
    assert all("today's budget is spent" in str(one["mend"]) for one in refused)


@pytest.mark.sandbox
def test_online_says_what_the_vendor_said(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", {"a.txt": ""})
    typed(root, "init")
    with StandIn(Script(), faults=[Fault("status", status=401)]) as stand_in:
        os.environ |= at(stand_in, "anthropic", "anthropic") | {"PIPELINE_EXECUTOR_MODEL": "x"}
        refused, answered = vendors_tried(root)
    assert not refused["good"]
    assert answered["good"]
    assert "the key was refused" in str(refused["mend"])


def test_every_vendor_has_its_smallest_answer() -> None:
    assert set(SMALLEST) == set(get_args(Provider))
