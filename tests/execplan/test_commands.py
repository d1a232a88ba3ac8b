"""`pipeline execplan lint` and `new`, as they are typed; no repository is anywhere near."""

import io
import json
from pathlib import Path

import pytest

from pipeline.cli.entry import run
from pipeline.plans.execplan.rules import RULES
from tests.execplan.test_lint import PLANS

BROKEN = PLANS / "broken" / "EP403-list-numbers.md"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_is_found_is_one_line_each_and_exit_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["execplan", "lint", str(PLANS / "good.md"), str(BROKEN)]) == 1

    written = capsys.readouterr()
    assert written.out == f"{BROKEN}:43: EP403 number 4 follows 1: count up by one\n"
    assert written.err == ""


def test_a_plan_in_order_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["execplan", "lint", str(PLANS / "good.md")]) == 0
    assert capsys.readouterr().out == "1 plan is in order\n"


def test_json_says_the_same_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["execplan", "lint", "--json", str(BROKEN)]) == 1

    (one,) = json.loads(capsys.readouterr().out)
    reason = next(rule.reason for rule in RULES if rule.id == "EP403")
    assert (one["line"], one["rule"], one["reason"]) == (43, "EP403", reason)
    assert run(["execplan", "lint", "--json", str(PLANS / "good.md")]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_standard_input_may_be_a_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fenced = f"```md\n{(PLANS / 'good.md').read_text()}```\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(fenced.encode())))
    assert run(["execplan", "lint", "-"]) == 0


def test_a_new_plan_passes_and_is_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["execplan", "new", "Add a flag", "--output", "plan.md"]) == 0
    assert run(["execplan", "lint", "plan.md"]) == 0
    before = (tmp_path / "plan.md").read_text()
    capsys.readouterr()

    assert run(["execplan", "new", "Another", "--output", "plan.md"]) == 1

    assert (tmp_path / "plan.md").read_text() == before
    assert capsys.readouterr().err == (
        "pipeline: 'plan.md' is there already: choose another name\n"
    )


def test_without_a_file_it_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["execplan", "new", "Add a flag"]) == 0
    assert capsys.readouterr().out.startswith("# Add a flag\n\nThis ExecPlan is a living document")


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["lint", "no.md"], 1, "pipeline: 'no.md' cannot be read: No such file or directory"),
        (["lint", "."], 1, "pipeline: '.' cannot be read: Is a directory"),
        (["lint", "latin.md"], 1, "pipeline: 'latin.md' is not UTF-8 text: write it in UTF-8"),
        (["new", " "], 2, "pipeline: TITLE is empty: say in a few words what the plan does"),
        (
            ["new", "A", "--output", "no/plan.md"],
            1,
            "pipeline: 'no/plan.md' cannot be written: No such file or directory",
        ),
        (
            [],
            2,
            "pipeline: say which: `pipeline execplan lint FILE`, or `execplan new TITLE`",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    words: list[str], code: int, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "latin.md").write_bytes(b"# caf\xe9\n")

    assert run(["execplan", *words]) == code

    assert capsys.readouterr().err == f"{line}\n"
