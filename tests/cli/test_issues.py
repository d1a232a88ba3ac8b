"""`pipeline issues`: filters, orders, edit, close and reopen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.entry import run
from pipeline.rehearsal.scripting import any_issue
from pipeline.store.backlog import load_issues
from tests.e2e.night import Ended, Night
from tests.store import builders as make

BACKLOG = """\
{"id": "ISS-10", "title": "Dates are wrong", "priority": 2, "labels": ["Bug"], "created_at": "2026-01-03T00:00:00Z"}
{"id": "ISS-2", "title": "Totals", "description": "of the DATES page", "priority": 1, "created_at": "2026-01-02T00:00:00Z"}
{"id": "ISS-1", "title": "Old", "status": "completed", "labels": ["bug", "old"], "x": 1}
{"id": "ISS-3", "title": "Waits", "depends_on": ["ISS-2"], "priority": 4, "created_at": "2026-01-01T00:00:00Z"}
"""  # noqa: E501


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    with Night(tmp_path / "repo", any_issue()) as made:
        (made.root / ".workflow/issues/issues.jsonl").write_text(BACKLOG)
        yield made


def listed(night: Night, *words: str) -> list[str]:
    rows: Any = night.run("issues", "--json", *words).json
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ([], [10, 2, 1, 3]),
        (["--state", "completed"], [1]),
        (["--state", "completed", "--state", "registered"], [10, 2, 1, 3]),
        (["--label", "bug"], [10, 1]),
        (["--label", "bug", "--label", "OLD"], [1]),
        (["--priority", "1", "--priority", "2"], [10, 2]),
        (["--search", "dates"], [10, 2]),
        (["--search", "page dates"], [2]),
        (["--search", "iss-3"], [3]),
        (["--sort", "id"], [1, 2, 3, 10]),
        (["--sort", "priority"], [2, 10, 1, 3]),
        (["--sort", "age"], [3, 2, 10, 1]),
        (["--sort", "state"], [10, 2, 3, 1]),
        (["--sort", "id", "--limit", "2"], [1, 2]),
        (["--label", "none"], []),
    ],
)
def test_issues_are_filtered_and_sorted(night: Night, words: list[str], ids: list[int]) -> None:
    assert listed(night, *words) == [f"ISS-{number}" for number in ids]


def test_when_no_issue_fits_that_is_said(night: Night) -> None:
    assert night.run("issues", "--search", "nothing").out == "none of 4 issues is like that\n"


def test_an_edit_changes_one_line_and_keeps_the_rest_byte_for_byte(night: Night) -> None:
    ended = night.run(
        *("issues", "edit", "ISS-2", "--title", "Sums", "-p", "3", "--label", "a", "--label", "b"),
        *("-d", "new", "--depends-on", "ISS-10"),
    )

    assert (ended.code, ended.err) == (0, "")
    after = (night.root / ".workflow/issues/issues.jsonl").read_text().splitlines()
    before = BACKLOG.splitlines()
    assert [after[0], *after[2:]] == [before[0], *before[2:]]
    issue = load_issues(make.places_in(night.root))[1]
    assert (issue.title, issue.description, issue.priority) == ("Sums", "new", 3)
    assert (issue.labels, issue.depends_on) == (("a", "b"), ("ISS-10",))


def test_labels_and_dependencies_can_be_taken_away(night: Night) -> None:
    night.run("issues", "edit", "ISS-3", "--depends-on", "")
    night.run("issues", "edit", "ISS-10", "--label", "")

    found = {issue.id: issue for issue in load_issues(make.places_in(night.root))}
    assert (found["ISS-3"].depends_on, found["ISS-10"].labels) == ((), ())


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["edit", "ISS-2"], 2, "nothing to change: name a title"),
        (["edit", "ISS-2", "--title", " "], 2, "the title is empty"),
        (["edit", "ISS-9", "-p", "1"], 1, "there is no issue 'ISS-9'"),
        (["edit", "ISS-2", "--depends-on", "X"], 1, "there is no issue 'X'"),
        (
            ["edit", "ISS-2", "--depends-on", "ISS-3"],
            1,
            "cannot edit ISS-2: issues wait for each other: ISS-2 -> ISS-3 -> ISS-2",
        ),
        (["edit", "ISS-1", "-p", "1"], 1, "cannot edit ISS-1: it is closed"),
        (["close", "ISS-2", "ISS-9"], 1, "there is no issue 'ISS-9'"),
        (["close", "ISS-1"], 1, "cannot close ISS-1: it is closed"),
        (["reopen", "ISS-2"], 1, "cannot reopen ISS-2: it was not closed"),
        (["mend", "ISS-2"], 2, "there is no command 'mend'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    night: Night, words: list[str], code: int, says: str
) -> None:
    ended = night.run("issues", *words)

    assert (ended.code, ended.err.count("\n")) == (code, 1)
    assert says in ended.err
    assert (night.root / ".workflow/issues/issues.jsonl").read_text() == BACKLOG


def test_nothing_is_rewritten_when_a_line_cannot_be_read(night: Night) -> None:
    path = night.root / ".workflow/issues/issues.jsonl"
    path.write_text(BACKLOG + "{oops\n")

    ended = night.run("issues", "close", "ISS-2")

    assert ended.code == 1
    assert "line 5 is no JSON" in ended.err
    assert path.read_text() == BACKLOG + "{oops\n"


def test_closing_lets_dependents_start_and_reopening_takes_it_back(night: Night) -> None:
    night.run("plan", "ISS-2")
    night.run("reject", "SOL-ISS-2-1", "--reason", "no")
    assert night.states()["ISS-3"] == "blocked"

    closed = night.run("issues", "close", "ISS-2", "--reason", "by hand")

    assert closed.out == "closed: ISS-2; `pipeline issues reopen` takes it back\n"
    assert night.states()["ISS-2"] == "completed"
    assert night.states()["ISS-3"] == "registered"
    assert "Totals (closed: by hand)" in night.run("issues").out
    assert night.run("plan", "ISS-3").code == 3
    night.approve_all()
    night.run("execute")
    assert night.states()["ISS-3"] == "completed"

    night.run("issues", "reopen", "ISS-2")
    assert night.states()["ISS-2"] == "parked"


def test_an_approved_plan_of_a_closed_issue_does_not_run(night: Night) -> None:
    night.run("plan", "ISS-2")
    night.approve_all()

    night.run("issues", "close", "ISS-2")
    ended: Ended = night.run("execute")

    assert night.executed() == []
    assert ended.code in (0, 4)
    night.run("issues", "reopen", "ISS-2")
    night.run("execute")
    assert [record["status"] for record in night.executed()] == ["completed"]


def test_an_edit_tells_of_the_plan_and_replans_when_asked(night: Night) -> None:
    night.run("plan", "ISS-2")

    told = night.run("issues", "edit", "ISS-2", "--title", "Sums")
    asked = night.run("issues", "edit", "ISS-2", "--title", "More sums", "--replan")

    assert 'its plan is from before: pipeline request-changes SOL-ISS-2-1 "..."' in told.out
    assert "it will be planned again" in asked.out
    assert night.run("plan", "ISS-2").code == 3
    assert [record["solution_id"] for record in night.planned()][-1] == "SOL-ISS-2-2"


def test_words_of_an_added_issue_make_dependencies(night: Night) -> None:
    ended = night.run("add", "New", "--id", "N-1", "-d", "Blocked by ISS-2, #7 and N-1")

    assert ended.out == "added N-1 after ISS-2; next: pipeline plan N-1\n"
    assert load_issues(make.places_in(night.root))[-1].depends_on == ("ISS-2",)


def test_the_repository_may_stand_before_the_action(night: Night) -> None:
    assert run(["issues", "-C", str(night.root), "close", "ISS-2"]) == 0

    assert night.states()["ISS-2"] == "completed"
