"""What the Tab key offers: in bash itself, and by what a parameter is called."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from pipeline.cli.completing import WORDS
from pipeline.cli.completion import Shell
from pipeline.cli.entry import COMMANDS, load, run
from pipeline.cli.tables import VARIABLE
from tests.builders import make_repository
from tests.surroundings import own_surroundings

TAB = """
source <(pipeline completion bash)
COMP_WORDS=({words}) COMP_CWORD={index}
_pipeline_completion pipeline
echo "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two-issues")
    with own_surroundings(folder / "user"):
        root = make_repository(folder / "repo", {"a.txt": ""})
        for words in (["init"], ["add", "one"], ["add", "two"]):
            assert run([*words, "-C", str(root)]) == 0
    return root


def offered(capsys: pytest.CaptureFixture[str], root: Path, line: str) -> list[str]:
    """Return what is offered for the last word of a line, as bash asks for it."""
    words = f"pipeline {line}".split(" ")
    os.environ |= {
        VARIABLE: "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    capsys.readouterr()
    with contextlib.chdir(root):
        run([])
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pl", ["plan"]),
        ("plan ", ["ISS-001", "ISS-002"]),
        ("plan ISS-001 ISS-002", ["ISS-002"]),
        ("issues ed", ["edit"]),
        ("issues edit ISS-0", ["ISS-001", "ISS-002"]),
        ("logs --issue ISS-002", ["ISS-002"]),
        ("show ", []),
        ("plan --sandbox ", ["bwrap", "landlock", "none"]),
        ("config show gate.over", ["gate.overlap"]),
        ("rules dangerous-c", ["dangerous-command"]),
        ("prompts show planner-s", ["planner-system"]),
        ("plan --max-u", ["--max-usd"]),
    ],
)
def test_a_word_is_completed(
    capsys: pytest.CaptureFixture[str], root: Path, line: str, words: list[str]
) -> None:
    assert offered(capsys, root, line) == words


def test_where_nothing_is_set_up_nothing_is_offered_and_nothing_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert offered(capsys, tmp_path, "plan ") == []
    assert capsys.readouterr().err == ""


def test_bash_itself_completes(root: Path) -> None:
    script = TAB.format(words="pipeline plan ISS-00", index=2)
    done = subprocess.run(
        ["bash", "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("ISS-001 ISS-002\n", "")


@pytest.mark.parametrize("shell", Shell)
def test_a_script_names_the_program(capsys: pytest.CaptureFixture[str], shell: Shell) -> None:
    assert run(["completion", shell]) == 0
    assert "_PIPELINE_COMPLETE=complete_" in capsys.readouterr().out


def test_what_completes_by_name_is_what_parameters_are_called() -> None:
    metavars = {
        "".join(sign for sign in param.metavar or "" if sign.isupper() or sign == "|")
        for name, entry in COMMANDS.items()
        for command in (load(name), *(load(name, action) for action in entry.actions))
        for param in command.params
    }
    assert set(WORDS) <= metavars
