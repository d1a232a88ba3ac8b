import re
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.domain.plan import PlanState
from pipeline.domain.results import Claim, ExecutionRecord, ExecutionStatus, TaskOutcome
from pipeline.plans.markdown import plan_path, render_plan
from pipeline.plans.prose import prose
from pipeline.store.past import Past
from tests.plans.nouns import NOW, approval, change, issue, plan, record, solution, task
from tests.plans.test_page import WHOLE

HEADINGS = [
    "# solve issue 1",
    "## Purpose / Big Picture",
    "## Progress",
    "## Surprises & Discoveries",
    "## Decision Log",
    "## Outcomes & Retrospective",
    "## Context and Orientation",
    "## Plan of Work",
    "## Concrete Steps",
    "## Validation and Acceptance",
    "## Idempotence and Recovery",
    "## Artifacts and Notes",
    "## Interfaces and Dependencies",
]


def attempt(**fields):
    given = {
        "execution_result_id": "EXR-ISS-1-1",
        "issue_id": "ISS-1",
        "solution_id": "SOL-ISS-1-1",
        "run_id": "r1",
        "attempt_id": "n",
        "status": ExecutionStatus.COMPLETED,
        "executed_at": NOW + timedelta(hours=1),
        "commit_hash": "c" * 40,
        "branch": "pipeline/r1",
        "tasks": [TaskOutcome(id="T1", status="completed")],
    }
    return ExecutionRecord.model_validate(given | fields)


LANDED = Past(attempts=(attempt(),))


def headings(text):
    return re.findall(r"(?m)^##? .*$", text)


def section(text, name):
    return text.split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]


def test_all_headings_stand_in_their_order_whatever_is_known():
    assert headings(render_plan(record(1, "a.py"))) == HEADINGS
    assert headings(render_plan(record(1, solution=WHOLE), issue(1), LANDED)) == HEADINGS


def test_a_blank_line_follows_every_heading():
    text = render_plan(record(1, solution=WHOLE), issue(1))
    assert re.findall(r"(?m)^(#+ .*)\n(?!\n)", text) == []


def test_progress_is_the_only_checklist_and_its_done_items_have_times():
    signed = plan(PlanState.APPROVED, approval=approval())
    text = render_plan(record(1, solution=WHOLE, plan=signed), issue(1), LANDED)
    boxes = re.findall(r"(?m)^ *- \[[ x]\].*$", text)
    assert boxes == [
        "- [x] (2026-11-21 02:29Z) Planned as SOL-ISS-1-1.",
        "- [x] (2026-11-21 02:29Z) Approved by ann.",
        "- [x] (2026-11-21 03:29Z) T1: task 1",
        "- [ ] T2: task 2",
        "- [x] (2026-11-21 03:29Z) Landed as one tested change.",
    ]
    assert all(box in section(text, "Progress") for box in boxes)


def test_the_same_records_give_the_same_bytes():
    first = render_plan(record(1, solution=WHOLE), issue(1), LANDED)
    assert render_plan(record(1, solution=WHOLE), issue(1), LANDED) == first


def test_a_failed_attempt_is_a_discovery_and_a_contradiction_is_shown():
    failed = attempt(
        status=ExecutionStatus.FAILED,
        failure_class="tests",
        error="2 failed",
        claim=Claim(status="completed", summary="all done", contradicts="2 tests fail"),
        quarantine="quarantine/x.patch",
    )
    text = render_plan(record(1, "a.py"), None, Past(attempts=(failed,)))
    assert "attempt 1 failed (tests)" in section(text, "Surprises & Discoveries")
    assert "2 failed" in section(text, "Surprises & Discoveries")
    assert "quarantine/x.patch" in section(text, "Surprises & Discoveries")
    assert "The evidence contradicts it: 2 tests fail" in section(text, "Outcomes & Retrospective")


def test_the_plan_says_why_it_is_no_longer_wanted():
    rejected = plan(PlanState.REJECTED, state_reason="too risky")
    text = render_plan(record(1, "a.py", plan=rejected))
    assert "The plan became rejected." in section(text, "Progress")
    assert text.rstrip().endswith(
        "Revision note (2026-11-21 02:29Z): the plan is rejected, because: too risky."
    )


def test_text_of_others_makes_neither_headings_nor_checklists_nor_hides():
    nasty = (
        "# Heading\n- [ ] box\n<!-- hidden -->\n[//]: # (hidden too)\n![x](http://evil/p.png)\n"
        "under\n=====\n```\nfence\n    # deep\n&#x202e;\x1b[8mx\u200b"
    )
    hostile = solution(
        1, task(1, change("a.py", said=nasty), description=nasty, title=nasty), goal=nasty
    )
    hostile = hostile.model_copy(update={"approach": nasty, "rollback": nasty})
    text = render_plan(record(1, solution=hostile), issue(1, description=nasty))
    outside_code = "\n".join(line for line in text.split("\n") if not line.startswith("    "))
    assert headings(text) == HEADINGS
    assert "<!--" not in outside_code
    assert not re.search(r"(?m)^\[//\]", outside_code)
    assert "![x]" not in outside_code
    assert not re.search(r"(?m)^(=====|```)", outside_code)
    assert "&#x202e;" not in outside_code
    boxes = re.compile(r"(?m)^ *- \[[ x]\]")
    assert len(boxes.findall(outside_code)) == len(boxes.findall(section(text, "Progress"))) == 4
    assert not set("\x1b\u200b") & set(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b and List<int>", "a < b and List&lt;int>"),
        ("R&D &amp; more", "R&D &amp;amp; more"),
        ("1. [x] done", "1. \\[x] done"),
        ("- a point", "- a point"),
        ("---", "\\---"),
        ("* # not a heading", "* \\# not a heading"),
    ],
)
def test_prose_shows_what_was_written(text, shown):
    assert prose(text) == shown


def test_the_file_name_tells_date_plan_and_title():
    titled = solution(1, title="Add a --format flag: JSON / TOML, and much more than fits in here")
    path = plan_path(Path("plans"), record(1, solution=titled))
    assert path.name == "2026-11-21_SOL-ISS-1-1_add-a-format-flag-json-toml-and-much-mor.md"
    assert plan_path(Path(), record(1, solution=solution(1, title="日本"))).name.endswith(
        "_plan.md"
    )


def test_a_record_without_a_plan_has_no_markdown():
    with pytest.raises(ValueError, match="holds no plan"):
        render_plan(record(1, plan=None))
