"""An issue that changes at its source: told, taken over on request, planned again with a plan."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.store.backlog import load_issues
from tests.builders import git
from tests.e2e.night import Ended, Night
from tests.store import builders as make

ISSUE = {"number": 12, "title": "A", "body": "one", "labels": [{"name": "P2"}], "comments": []}


def bring(night: Night, *words: str, **changes: object) -> Ended:
    """Import issue 12, with some of its fields changed."""
    path = night.root.parent / "issues.json"
    path.write_text(json.dumps([ISSUE | changes]))
    return night.run("import", "--github-json", str(path), *words)


def text(night: Night) -> bytes:
    return (night.root / ".workflow/issues/issues.jsonl").read_bytes()


def state(night: Night, number: int = 0) -> Any:
    plan: Any = night.planned()[number]["plan"]
    return plan["state"]


def test_a_change_is_told_and_taken_over_only_with_update(night: Night) -> None:
    bring(night)
    before = text(night)

    told = bring(night, body="two")
    kept = text(night)
    taken = bring(night, "--update", body="two")
    again = bring(night, "--update", body="two")

    assert told.out == "0 added, 0 unchanged, 1 changed\n" + (
        "GH-12 changed (description): --update takes that over\n"
    )
    assert kept == before
    assert taken.out.startswith("0 added, 0 unchanged, 1 updated\nGH-12 is updated (description)\n")
    assert load_issues(make.places_in(night.root))[0].description == "two"
    assert again.out == "0 added, 1 unchanged\n"


def test_what_was_edited_here_stays_and_does_not_count_as_a_change(night: Night) -> None:
    bring(night)
    night.run("issues", "edit", "GH-12", "--priority", "5")

    same = bring(night)
    bring(night, "--update", body="two")

    assert same.out == "0 added, 1 unchanged\n"
    issue = load_issues(make.places_in(night.root))[0]
    assert (issue.priority, issue.description) == (5, "two")


def test_a_planned_issue_is_never_merged_silently(night: Night) -> None:
    bring(night)
    assert night.run("plan").code == 3
    before = text(night)

    told = bring(night, body="two")

    assert (
        "GH-12 changed since it was planned (description): pipeline request-changes SOL-GH-12-1 "
        '"...", or --update, which has it planned again with the changed text' in told.out
    )
    assert (text(night), state(night)) == (before, "pending")


def test_update_plans_an_approved_issue_again_with_the_new_text(night: Night) -> None:
    bring(night)
    night.run("plan")
    night.run("approve", "SOL-GH-12-1")

    taken = bring(
        night,
        "--update",
        body="two",
        comments=[
            {
                "body": "and three",
                "author": {"login": "eve"},
                "authorAssociation": "NONE",
                "createdAt": "2026-03-01T10:00:00Z",
            }
        ],
    )
    stopped = night.run("execute")
    assert night.run("plan").code == 3

    assert "GH-12 is updated (description, feedback) and will be planned again" in taken.out
    assert stopped.code in (0, 3, 4)
    assert night.executed() == []
    assert [record["solution_id"] for record in night.planned()] == ["SOL-GH-12-1", "SOL-GH-12-2"]
    assert (state(night, 0), state(night, 1)) == ("superseded", "pending")
    asked = str(night.requests("planner")[-1])
    assert "two" in asked
    assert "the issue has changed since this plan was made (description, feedback)" in asked
    assert "eve wrote:" in asked


def test_a_failed_plan_is_made_again_and_a_rejected_one_stays(night: Night) -> None:
    bring(night)
    night.run("plan")
    night.run("reject", "SOL-GH-12-1", "--reason", "no")

    taken = bring(night, "--update", body="two")

    assert "its plan stays rejected: `pipeline retry GH-12`" in taken.out
    assert night.run("plan").code == 0
    assert state(night) == "rejected"
    assert b'"two"' in text(night)


def test_what_has_landed_stays_as_it_was(night: Night) -> None:
    bring(night)
    night.run("plan")
    night.approve_all()
    assert night.run("run").code == 0
    before = text(night)

    told = bring(night, "--update", body="two")

    assert "GH-12 changed (description), but it is done" in told.out
    assert text(night) == before
    assert len(git(night.root, "log", "--format=%h", f"main..{night.branch}").split()) == 1


def test_the_json_says_what_each_change_met(night: Night) -> None:
    bring(night)
    night.run("plan")

    found: Any = bring(night, "--json", title="B").json

    assert found["changed"] == ["GH-12"]
    assert found["changes"] == [
        {
            "id": "GH-12",
            "fields": ["title"],
            "standing": "planned",
            "solution_id": "SOL-GH-12-1",
            "updated": False,
        }
    ]


def test_standard_input_is_read_for_a_dash(night: Night) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "import", "--markdown", "-", "-C", str(night.root)],
        input=b"## From a pipe\nid: A-1\n",
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert done.stdout == b"1 added, 0 unchanged\nnext: pipeline plan\n"
    assert load_issues(make.places_in(night.root))[0].title == "From a pipe"


def test_other_lines_and_unknown_fields_survive_an_update_byte_for_byte(night: Night) -> None:
    bring(night)
    path = Path(night.root / ".workflow/issues/issues.jsonl")
    line = path.read_bytes().rstrip(b"\n")
    mine = b'{"title":"mine",   "id":"A", "note": "I keep this",\t"priority": 1}\r\n'
    path.write_bytes(
        mine
        + b"\n"
        + line.replace(b'"title"', b'"seen": [1], "title"')
        + b"\n"
        + mine.replace(b'"A"', b'"B"')
    )

    bring(night, "--update", body="two")

    lines = path.read_bytes().split(b"\n")
    assert (lines[0] + b"\n", lines[1], lines[3] + b"\n") == (
        mine,
        b"",
        mine.replace(b'"A"', b'"B"'),
    )
    assert json.loads(lines[2])["seen"] == [1]
    assert list(json.loads(lines[2]))[:3] == ["id", "seen", "title"]
