"""Every row of `wrong_inputs.toml`: exit code, exact line, no traceback, nothing half-written."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.agents.prompts import package_prompts
from pipeline.cli.entry import run
from tests.builders import git
from tests.wrong_scenarios import SCENARIOS, Originals, Scene, homes, make_originals

TABLE = Path(__file__).with_name("wrong_inputs.toml")
TIMES = (
    (re.compile(r"(?m)^\d\d:\d\d:\d\d  "), "HH:MM:SS  "),
    (re.compile(r"\d{8}T\d{6}Z"), "<time>"),
    (re.compile(r"(?<=\.workflow/outputs/)[^)]+"), "<output>"),
)
RECORDS = ("journal.jsonl", "*-results.json*", "issues/*.jsonl", "config.toml", ".*.tmp")


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    name: str
    scenario: str
    command: str
    exit: int
    stderr: str
    works: bool = False
    says: str = ""
    process: bool = False
    write: dict[str, str] = field(default_factory=dict)
    append: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


ROWS = [Row(**row) for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["row"]]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Originals]:
    """Return the repositories that the scenarios copy."""
    with make_originals(tmp_path_factory.mktemp("originals")) as made:
        yield made


@pytest.fixture
def scene(tmp_path: Path, originals: Originals) -> Iterator[Scene]:
    """Return a place for one repository with a user of its own."""
    user = tmp_path / "user"
    user.mkdir()
    made = Scene(tmp_path / "repo", user, originals, env=homes(user))
    with made.after:
        yield made


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_wrong_is_said_in_one_line(row: Row, scene: Scene) -> None:
    SCENARIOS[row.scenario](scene)
    change_files(scene.root, row)
    scene.env |= row.env
    before = records(scene)

    ended = in_process(scene, row.command) if row.process else in_place(scene, row.command)

    lines = ended.err.splitlines()
    assert (ended.code, lines[-1:]) == (row.exit, [filled(row.stderr, scene)]), ended.err
    assert "Traceback" not in ended.err + ended.out
    assert not list(scene.user.glob("state/pipeline/logs/*"))
    assert not list(scene.root.rglob(".*.tmp"))
    if row.works:
        assert any(line.endswith(row.says) for line in lines), ended.err
    else:
        assert len(lines) == 1, ended.err
        assert records(scene) == before


def test_the_table_is_as_long_as_it_was_promised() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 40
    assert {row.scenario for row in ROWS} == set(SCENARIOS)


@pytest.mark.parametrize("words", ["--help", "issues", "show ISS-4", "status --json", "report"])
def test_a_reader_that_leaves_is_no_error(words: str, scene: Scene) -> None:
    SCENARIOS["decided"](scene)
    reading, writing = os.pipe()
    os.close(reading)

    ended = started(scene, [*words.split()], stdout=writing)
    os.close(writing)

    assert (ended.code, ended.err) == (0, "")


def test_a_run_whose_reader_leaves_ends_as_it_would_have(scene: Scene) -> None:
    SCENARIOS["decided, with models"](scene)
    reading, writing = os.pipe()
    os.close(reading)

    ended = started(scene, ["run"], stdout=writing)
    os.close(writing)

    assert (ended.code, ended.err.splitlines()[-1][10:]) == (
        3,
        "run      -            nothing to do; what is left waits for you: `pipeline review`",
    )


def test_a_full_disk_behind_stdout_is_said_in_one_line(scene: Scene) -> None:
    SCENARIOS["decided"](scene)
    with Path("/dev/full").open("w") as full:
        ended = started(scene, ["issues"], stdout=full.fileno())

    line = "pipeline: cannot read or write: No space left on device; mend that and run again\n"
    assert (ended.code, ended.err) == (1, line)


def test_closed_streams_keep_the_exit_code(scene: Scene) -> None:
    SCENARIOS["decided"](scene)
    script = f'"{sys.executable}" -m pipeline "$@" >&- 2>&- <&-'
    for words, code in (("issues", 0), ("issue", 2), ("show NOPE", 1)):
        command = ["bash", "-c", script, "pipeline", *words.split()]
        done = subprocess.run(command, cwd=scene.root, env=environment(scene), timeout=60)
        assert done.returncode == code, words


def test_a_folder_that_is_gone_is_said_in_one_line(scene: Scene) -> None:
    SCENARIOS["fresh"](scene)
    script = f'mkdir x && cd x && rmdir ../x && "{sys.executable}" -m pipeline issues'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=scene.root,
        env=environment(scene),
        capture_output=True,
        text=True,
        timeout=60,
    )

    line = "pipeline: the current folder is not there any more: go to another one\n"
    assert (done.returncode, done.stderr) == (1, line)


def test_a_path_may_hold_quotes_and_line_breaks(scene: Scene) -> None:
    scene.root = scene.root.parent / "od d'\"ü\nx"
    SCENARIOS["approved, with models"](scene)

    assert in_place(scene, "pipeline run").code == 0


def test_words_that_are_no_text_are_refused(scene: Scene) -> None:
    SCENARIOS["fresh"](scene)

    ended = started(scene, ["add", b"caf\xe9"])

    assert (ended.code, ended.err) == (
        2,
        "pipeline: 'caf\\udce9' is not UTF-8 text: write it in UTF-8, with a locale such as "
        "C.UTF-8\n",
    )


def test_a_terminal_without_unicode_gets_escapes(scene: Scene) -> None:
    SCENARIOS["fresh"](scene)
    scene.env["PYTHONIOENCODING"] = "latin-1"
    assert started(scene, ["add", "snow ☃"]).code == 0

    ended = started(scene, ["issues"])

    assert (ended.code, ended.out.splitlines()[-1].split("  ")[-1].strip()) == (
        0,
        "snow \\u2603",
    )


def change_files(root: Path, row: Row) -> None:
    """Write the row's files below `root`."""
    for name, text in row.write.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, text in row.append.items():
        with (root / name).open("a") as file:
            file.write(text)


def filled(text: str, scene: Scene) -> str:
    """Return a line of the table with its placeholders filled."""
    prompts = ", ".join(sorted(path.stem for path in package_prompts().glob("*.md")))
    values = {"root": str(scene.root), "user": str(scene.user), "prompts": prompts}
    values |= scene.values
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def records(scene: Scene) -> dict[str, bytes | str]:
    """Return everything that a command that fails must leave as it was."""
    folder = scene.workflow
    found: dict[str, bytes | str] = {
        str(path): path.read_bytes()
        for pattern in RECORDS
        for path in folder.glob(pattern)
        if path.is_file()
    }
    if (scene.root / ".git").exists():
        found["refs"] = git(scene.root, "for-each-ref")
        found["status"] = git(scene.root, "status", "--porcelain")
    return found


def environment(scene: Scene) -> dict[str, str]:
    """Return the environment of a real process."""
    return dict(os.environ) | scene.env


def in_place(scene: Scene, command: str) -> Ended:
    """Run a command line of the table in this process, in the repository's folder."""
    out, err = io.StringIO(), io.StringIO()
    os.environ.update(scene.env)
    words = [filled(word, scene) for word in shlex.split(command)]
    with (
        contextlib.chdir(scene.root),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run(words[1:])
    return Ended(code, out.getvalue(), plainly(err.getvalue()))


def in_process(scene: Scene, command: str) -> Ended:
    """Run a command line of the table as a process of its own."""
    return started(scene, shlex.split(command)[1:])


def started(scene: Scene, words: list[str | bytes], *, stdout: int = subprocess.PIPE) -> Ended:
    """Run a process in the repository's folder, its stdout perhaps somewhere special."""
    done = subprocess.run(
        [*scene.wrap, sys.executable, "-m", "pipeline", *words],
        cwd=scene.root,
        env=environment(scene),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    out = (done.stdout or b"").decode()
    return Ended(done.returncode, out, done.stderr.decode())


def plainly(text: str) -> str:
    """Return what was said without its times and random names."""
    for pattern, instead in TIMES:
        text = pattern.sub(instead, text)
    return text
