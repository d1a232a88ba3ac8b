"""What single lines change in a kept summary is what reading all of them anew would say."""

import re
from dataclasses import replace
from pathlib import Path

from pipeline.app.project import open_project
from pipeline.app.summing import fresh_summary
from pipeline.domain.group import Group
from pipeline.domain.issue import IssueState
from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.scripting import any_issue, edit, execute, needs_clarification, plan, turn
from pipeline.store import row_changes
from pipeline.store.row_changes import CHANGES
from pipeline.store.run_file import hold
from pipeline.store.state import AUDIT_ONLY, FOLDS
from pipeline.store.summary import BEGUN, SPENDING, UNSEEN, Summary, load, save
from tests.e2e.night import Night

SCRIPT = (
    turn("planner", "ASKS", needs_clarification("which one?"))
    + plan("RED", files={"app.py": "modify"})
    + execute("RED", edits=[edit("app.py", "return a + b", "return a - b")])
    + any_issue()
)
KIND = re.compile(rb'"kind":"(\w+)"')
TAKEN_IN = {*CHANGES, *(kind.decode() for kind in (*UNSEEN, BEGUN, SPENDING))}


def shown(summary: Summary) -> Summary:
    """Return what of a summary is shown; of the usage only the bill is."""
    return replace(summary, usage={})


def test_every_line_of_a_night_is_taken_in_as_a_new_summary_would(tmp_path: Path) -> None:
    short = Fault(kind="status", agent="executor", issue="LATE", status=429, times=9)
    with Night(tmp_path / "repo", SCRIPT, faults=[short], executor="anthropic") as night:
        night.add("ASKS", "RED", "TURNED", "LATER", "BASE")
        night.add("NEEDS", depends_on="BASE")
        night.add("LATE", priority="5")
        night.run("plan")
        night.run("reject", "SOL-TURNED-1", "--reason", "not now")
        night.run("defer", "SOL-LATER-1")
        for name in ("RED", "BASE", "NEEDS", "LATE"):
            night.run("approve", f"SOL-{name}-1")
        night.run("run")
        project = open_project(night.root)
        journal = project.places.journal
        lines = journal.read_bytes().splitlines(keepends=True)
        taken_in, left, groups = set(), set(), set()
        with hold(project.places):
            journal.write_bytes(lines[0])
            anew = fresh_summary(project)
            for end in range(2, len(lines) + 1):
                kind = KIND.search(lines[end - 1])
                assert kind is not None
                journal.write_bytes(b"".join(lines[:end]))
                found = load(project.places)
                (left if found is None else taken_in).add(kind[1].decode())
                if kind[1].decode() in CHANGES:
                    anew = fresh_summary(project)
                    groups |= {Group(row.group) for row in anew.rows}
                    assert found is None or shown(found) == shown(anew)
                elif found is None:
                    fresh_summary(project)
                else:
                    save(project.places, found)

    assert groups == set(Group)
    assert taken_in >= {*CHANGES} - {"quota_over"}
    assert left <= {"plan_changed", "retry_asked"}


def test_kinds_that_count_and_are_not_taken_in_are_known() -> None:
    assert {*FOLDS, *AUDIT_ONLY} - TAKEN_IN == {
        "checkpoint_reached",
        "confirmed",
        "documents_adopted",
        "removed_by_hand",
        "retry_asked",
        "rollback_begun",
        "rollback_dropped",
        "rolled_back",
        "run_closed",
        "run_opened",
    }


def test_the_words_for_states_are_those_of_the_models() -> None:
    words = {value for value in vars(row_changes).values() if isinstance(value, str)}

    assert {str(state) for state in IssueState} <= words
