"""`--dry-run`: each command that changes something has it, says what would change, and does not."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli.dry import HOW, WITHOUT
from pipeline.cli.entry import COMMANDS, load
from pipeline.paths import UserPlaces
from tests.review.evening import Evening
from tests.surroundings import own_surroundings

ALL = {
    f"{name} {action}".rstrip() for name, one in COMMANDS.items() for action in ("", *one.actions)
}
CHANGING = sorted(words for words in ALL if HOW[words] not in WITHOUT)

WORDS: dict[str, tuple[str, ...]] = {
    "init": (),
    "trust": (),
    "prompts": ("copy", "planner-system"),
    "add": ("Read dates with a time zone",),
    "import": ("--jsonl", "more.jsonl"),
    "issues edit": ("ISS-2", "--title", "another one"),
    "issues close": ("ISS-2",),
    "issues reopen": ("ISS-3",),
    "approve": ("SOL-ISS-2-1",),
    "edit": ("ISS-1", "--file", "mine.json"),
    "request-changes": ("SOL-ISS-2-1", "smaller"),
    "reject": ("SOL-ISS-2-1", "--reason", "no"),
    "defer": ("SOL-ISS-2-1",),
    "confirm": (),
    "retry": ("--class", "questions", "--feedback", "the second"),
    "plan": (),
    "execute": (),
    "run": ("--max-usd", "1"),
    "resume": (),
    "pause": (),
    "stop": ("--now",),
    "rollback": ("ISS-9",),
    "clean": ("--all",),
    "archive": (),
}
"""Command -> what is typed behind it; a command that is not here is typed alone."""

OF_THE_ISSUE = {"solution_id": "", "issue_id": "ISS-1"}
"""Whose plan is written by hand."""

REFUSED = {"confirm", "rollback"}
"""What an evening without a run does not allow: refused by `--dry-run` too, in the same words."""


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    folder = tmp_path_factory.mktemp("evening")
    with own_surroundings(folder / "home"):
        yield made(folder)


def made(folder: Path) -> Evening:
    """Return an evening with something for every command."""
    evening = Evening(folder / "repo")
    evening.issue("ISS-1", "Note dates")
    evening.plan("ISS-2", "Read dates with a time zone")
    evening.issue("ISS-3", "Done before")
    evening.asks("ISS-4", "Make it faster", "Which command?")
    assert evening.run("issues", "close", "ISS-3")[0] == 0
    Path(folder / "more.jsonl").write_text('{"id": "ISS-8", "title": "one more"}\n')
    solution = json.loads(evening.run("show", "SOL-ISS-2-1", "--format", "json")[1])["solution"]
    Path(folder / "mine.json").write_text(json.dumps(solution | OF_THE_ISSUE))
    return evening


def everything(evening: Evening) -> dict[Path, bytes]:
    """Return what is in the repository, `.git` and all, and in the user's folders."""
    user = UserPlaces.from_environment()
    found = [path for top in (evening.root, user.state, user.config) for path in top.rglob("*")]
    return {path: path.read_bytes() for path in found if path.is_file() and path.suffix != ".lock"}


def test_every_command_is_in_the_table_and_has_the_option_where_it_changes_something() -> None:
    assert set(HOW) == ALL
    for words in ALL:
        command = load(*words.split())
        has_it = "dry_run" in {one.name for one in command.params}
        assert has_it is (HOW[words] not in WITHOUT), words


@pytest.mark.parametrize("words", CHANGING)
def test_nothing_is_changed_and_what_would_be_is_said(evening: Evening, words: str) -> None:
    before, here = everything(evening), Path.cwd()
    os.chdir(evening.root.parent)
    try:
        code, out, err = evening.run(*words.split(), *WORDS.get(words, ()), "--dry-run")
    finally:
        os.chdir(here)

    assert code == (1 if words in REFUSED else 0), err
    assert out or err
    assert "pipeline-dry-run" not in out + err
    assert everything(evening) == before


def test_what_is_said_is_what_happens_then(evening: Evening) -> None:
    would = json.loads(evening.run("issues", "edit", "ISS-1", "-p", "1", "--dry-run", "--json")[1])
    code, did, _ = evening.run("issues", "edit", "ISS-1", "-p", "1", "--json")

    assert code == 0
    assert would["dry_run"] is True
    assert would["answer"] == json.loads(did)
    assert would["changes"] == [{"what": str(evening.places.issues_file), "change": "+1 -1 lines"}]


def test_a_refusal_is_the_same(evening: Evening) -> None:
    words = ("reject", "SOL-ISS-9-1", "--reason", "no")
    assert evening.run(*words, "--dry-run") == evening.run(*words)


def test_what_a_person_decides_is_told_line_by_line(evening: Evening) -> None:
    _, out, _ = evening.run("reject", "SOL-ISS-2-1", "--reason", "no", "--dry-run")
    assert "would change journal: plan_changed SOL-ISS-2-1 (reject)" in out.splitlines()


def test_the_agenda_names_plans_and_attempts_in_their_order(evening: Evening) -> None:
    evening.run("approve", "SOL-ISS-2-1")
    evening.run("issues", "edit", "ISS-1", "--depends-on", "ISS-4")
    agenda = json.loads(evening.run("run", "--dry-run", "--json")[1])

    steps = [(one["do"], one["issue_id"], one["solution_id"]) for one in agenda["steps"]]
    assert steps == [("blocked", "ISS-1", None), ("execute", "ISS-2", "SOL-ISS-2-1")]
    assert agenda["steps"][0]["note"] == "depends on ISS-4, which has no plan"
    assert agenda["run_id"] is None
    assert (agenda["done"], agenda["to_go"]) == (1, 3)
