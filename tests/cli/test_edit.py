"""Writing a plan: in an editor, from a file, from standard input."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from pipeline.domain.plan import PlanState
from tests.review.evening import Evening


class Writer:
    """An editor that does what a test says, with sed."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / "editor"
        os.environ.pop("VISUAL", None)

    def does(self, command: str) -> None:
        """Do this with the text at the next start; its path is in `$1`."""
        self._program.write_text(f"#!/bin/sh\n{command}\n")
        self._program.chmod(0o755)
        os.environ["EDITOR"] = str(self._program)


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    evening = Evening(tmp_path / "repo")
    evening.plan("ISS-1", "Read dates", goal="Dates are read.")
    evening.issue("ISS-2", "Quiet flag")
    return evening


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    return Writer(tmp_path)


def kept(evening: Evening) -> list[str]:
    folder = evening.places.edits
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_what_is_saved_is_the_next_plan(evening: Evening, writer: Writer) -> None:
    writer.does("""sed -i 's/Dates are read/Times too/' "$1" """)

    code, out, _ = evening.run("edit", "SOL-ISS-1-1")

    assert (code, out) == (
        0,
        "recorded SOL-ISS-1-2 (MEDIUM); it supersedes SOL-ISS-1-1\n"
        "next: pipeline approve SOL-ISS-1-2\n",
    )
    assert evening.state("SOL-ISS-1-1").state is PlanState.SUPERSEDED
    assert "Times too." in evening.run("show", "ISS-1")[1]
    assert kept(evening) == []


def test_a_text_that_is_left_as_it_was_does_nothing(evening: Evening, writer: Writer) -> None:
    writer.does("exit 0")
    before = evening.places.journal.read_bytes()

    assert evening.run("edit", "ISS-1")[:2] == (
        0,
        "nothing is changed: SOL-ISS-1-1 stays as it is\n",
    )
    assert evening.run("edit", "ISS-2")[:2] == (0, "nothing is changed: ISS-2 stays as it is\n")
    writer.does("touch $1; exit 3")
    assert evening.run("edit", "ISS-1")[0] == 0

    assert evening.places.journal.read_bytes() == before
    assert kept(evening) == []


def test_what_cannot_be_taken_is_kept_and_opened_again(evening: Evening, writer: Writer) -> None:
    writer.does("""sed -i 's/"modify"/"modfy"/; s/"goal"/"gaol"/' "$1" """)
    code, _, err = evening.run("edit", "SOL-ISS-1-1")
    assert (code, err) == (
        1,
        "pipeline: no plan for ISS-1: tasks[0].files[0].action: is 'modfy': it must be 'create', "
        "'modify' or 'delete'; your text is kept in .workflow/edits/SOL-ISS-1-1.json: "
        "`pipeline edit SOL-ISS-1-1` opens it again\n",
    )
    writer.does("""sed -i 's/"modfy"/"modify"/; s/"title"/"titel"/' "$1" """)
    code, _, err = evening.run("edit", "SOL-ISS-1-1")
    assert code == 1
    assert kept(evening) == ["SOL-ISS-1-1.json"]
    writer.does("""sed -i 's/"gaol"/"goal"/; s/"titel"/"title"/; s/read/heard/' "$1" """)
    assert evening.run("edit", "SOL-ISS-1-1")[0] == 0
    assert kept(evening) == []
    assert "Dates are heard." in evening.run("show", "ISS-1")[1]


def test_several_problems_are_all_said(evening: Evening, writer: Writer) -> None:
    writer.does("""sed -i 's/"src.dates.py"/"\\/etc\\/passwd"/; s/"Read dates"/""/' "$1" """)

    _, _, err = evening.run("edit", "SOL-ISS-1-1")

    *problems, last = err.splitlines()
    assert len(problems) > 1
    assert all(line.startswith("- ") for line in problems)
    assert f"(and {len(problems) - 1} more); your text is kept" in last


def test_an_editor_that_fails_loses_nothing(evening: Evening, writer: Writer) -> None:
    writer.does("""echo ' ' >> "$1"; exit 4""")

    code, _, err = evening.run("edit", "SOL-ISS-1-1")

    assert code == 1
    assert "the editor ended with exit code 4, so nothing is done; your text is kept in" in err
    assert kept(evening) == ["SOL-ISS-1-1.json"]


def test_a_plan_that_was_decided_meanwhile_loses_nothing(evening: Evening, writer: Writer) -> None:
    closed = f"{sys.executable} -m pipeline issues close ISS-1 -C {evening.root} > /dev/null"
    writer.does(f"""sed -i 's/Dates are/Times are/' "$1"; {closed}""")

    code, _, err = evening.run("edit", "SOL-ISS-1-1")

    assert code == 1
    assert "cannot plan ISS-1: it is closed" in err
    assert kept(evening) == ["SOL-ISS-1-1.json"]


def test_the_first_plan_of_an_issue_can_be_written(evening: Evening, writer: Writer) -> None:
    given = {
        "title": "Quiet flag",
        "tasks": [
            {
                "id": "T1",
                "title": "a flag",
                "files": [{"path": "src/cli.py", "action": "modify"}],
                "tests": ["python3 -m pytest -q"],
            }
        ],
        "acceptance": {"criteria": ["it is quiet"]},
    }
    text = evening.root.parent / "plan.json"
    text.write_bytes(orjson.dumps(given))
    writer.does(f"""cp {text} "$1" """)

    code, out, err = evening.run("edit", "ISS-2")

    assert (code, out.splitlines()[0]) == (0, "recorded SOL-ISS-2-1 (MEDIUM)"), err
    assert evening.state("SOL-ISS-2-1").created_by.startswith("user:")


def test_what_show_prints_is_what_file_takes(evening: Evening, tmp_path: Path) -> None:
    text = tmp_path / "plan.json"
    text.write_text(evening.run("show", "ISS-1", "--format", "json")[1])
    assert "nothing is changed" in evening.run("edit", "ISS-1", "--file", str(text))[1]
    record = orjson.loads(text.read_bytes())
    del record["solution"]["goal"]
    text.write_bytes(orjson.dumps(record))

    code, out, _ = evening.run("edit", "ISS-1", "--file", str(text), "--json")

    assert code == 0
    assert orjson.loads(out)["solution"]["goal"] == ""
    text.write_bytes(orjson.dumps(record["solution"] | {"title": "Another"}))
    assert "recorded SOL-ISS-1-3" in evening.run("edit", "ISS-1", "--file", str(text))[1]


def test_a_text_can_come_from_standard_input(evening: Evening) -> None:
    record = orjson.loads(evening.run("show", "ISS-1", "--format", "json")[1])
    words = [sys.executable, "-m", "pipeline", "edit", "ISS-1", "--file", "-"]

    done = subprocess.run(
        [*words, "-C", str(evening.root)],
        input=orjson.dumps(record["solution"] | {"title": "From a pipe"}),
        capture_output=True,
        check=True,
    )

    assert done.stdout.startswith(b"recorded SOL-ISS-1-2")
    assert "From a pipe" in evening.run("show", "ISS-1")[1]


LOCKED = "[policy]\nlock_previews = true\n"


def test_locked_content_is_in_no_form_until_the_approval(evening: Evening) -> None:
    carried = {
        "id": "T1",
        "title": "a file",
        "files": [{"path": "src/new.py", "action": "create"}],
        "steps": [{"type": "create_file", "target": "src/new.py", "content": "planned = 1\n"}],
        "tests": ["python3 -m pytest -q"],
    }
    text = evening.root.parent / "plan.json"
    evening.places.user_config.parent.mkdir(parents=True, exist_ok=True)
    evening.places.user_config.write_text(LOCKED)
    text.write_bytes(orjson.dumps({"title": "New", "tasks": [carried]}))
    assert evening.run("edit", "ISS-2", "--file", str(text))[0] == 0
    forms = [("--format", form) for form in ("text", "md", "json")]
    page = next(evening.places.plans.glob("*SOL-ISS-2-1*"))

    for form in forms:
        out = evening.run("show", "ISS-2", *form)[1]
        assert "planned = 1" not in out
        assert "content locked until approved: 1 line)" in " ".join(out.split())
    assert "planned = 1" not in page.read_text()
    assert "planned = 1" not in evening.run("defer", "SOL-ISS-2-1", "--json")[1]
    code, _, err = evening.run("edit", "SOL-ISS-2-1", "--file", str(text))
    assert code == 1
    assert "what its steps carry is locked until it is approved" in err

    assert evening.run("approve", "SOL-ISS-2-1")[0] == 0

    for form in forms:
        assert "planned = 1" in evening.run("show", "ISS-2", *form)[1]
    assert "planned = 1" in page.read_text()
