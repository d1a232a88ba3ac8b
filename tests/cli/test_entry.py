"""How words on the command line are taken."""

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.entry import COMMANDS, load, run
from tests.builders import make_repository


@pytest.mark.parametrize("option", ["-C", "--repo"])
def test_the_repository_may_be_named_before_the_command_as_git_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    root = make_repository(tmp_path / "repo", {"a.txt": "a\n"})
    assert run([option, str(root), "init"]) == 0

    assert run([option, str(root), "issues", "--json"]) == 0

    assert capsys.readouterr().out.endswith("[]\n")


def test_json_of_a_command_that_fails_before_it_works_is_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_repository(tmp_path / "repo", {"a.txt": "a\n"})
    run(["init", "-C", str(root)])
    (root / ".workflow" / "report.json").write_text("{}")
    capsys.readouterr()

    assert run(["plan", "ISS-9", "--json", "-C", str(root)]) == 1

    assert capsys.readouterr().out == ""


def commands() -> dict[str, Any]:
    """Return every command and every action of one, by what a person types."""
    names = [
        " ".join((name, *action))
        for name, entry in COMMANDS.items()
        for action in ((), *((one,) for one in entry.actions))
    ]
    return {name: load(*name.split()) for name in names}


def test_every_help_speaks_of_words_and_not_of_types_and_is_not_cut() -> None:
    for name, command in commands().items():
        context = command.context_class(command, info_name=f"pipeline {name}", terminal_width=80)
        text = command.get_help(context)
        lines = text.splitlines()
        assert max(map(len, lines)) <= 80, name
        assert not re.search(r"<(str|list|int|float|path)\b", text), name
        assert "Example: " in text, name
        assert [one for one in lines if one.endswith("...") and "Usage" not in one] == [], name
        assert [one.name for one in command.params if not one.help] == [], name
