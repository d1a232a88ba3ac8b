"""How words on the command line are taken."""

from pathlib import Path

import pytest

from pipeline.cli.entry import run
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
