"""A plan's Markdown over its life: what happened is in it, and the linter finds nothing."""

import random
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.domain.issue import Feedback
from pipeline.domain.plan import PlanState
from pipeline.domain.results import (
    Claim,
    CommandEvidence,
    ExecutionStatus,
    FailureClass,
    Finding,
    TaskOutcome,
    Verification,
)
from pipeline.domain.solution import Acceptance, Risk
from pipeline.plans.execplan.lint import lint
from pipeline.plans.lifecycle import PlanEvent, advance, defer
from pipeline.plans.living import DECIDED, DEFERRAL
from pipeline.plans.markdown import plan_path, render_plan
from pipeline.plans.prose import line_of, prose
from pipeline.store.entries import AttemptRecorded, PlanChanged, PlanRecorded
from pipeline.store.past import Change, Past
from tests.plans.nouns import NOW, approval, change, issue, plan, record, solution, step, task
from tests.plans.test_markdown import attempt, section
from tests.plans.test_page import WHOLE
from tests.store.builders import open_book


def later(minutes: int):
    return NOW + timedelta(minutes=minutes)


def changed(event: PlanEvent, after: PlanState, minutes: int, by: str = "ann", **fields) -> Change:
    return Change(later(minutes), event, by, plan(after, **fields))


FAILED = attempt(
    status=ExecutionStatus.FAILED,
    commit_hash=None,
    failure_class=FailureClass.TESTS,
    error="2 failed",
    executed_at=later(30),
    quarantine="quarantine/x.patch",
    too_narrow=["docs/b.md"],
    ignored_commits=2,
    findings=[Finding(kind="binary", path="a.png")],
    verification=Verification(
        flaky=["t.flaky"],
        failed_before=["t.old"],
        weaker_tests=[Finding(kind="test skipped", path="t.py", detail="test_a")],
    ),
)
LANDED = attempt(
    attempt=2,
    recovered=True,
    executed_at=later(50),
    tasks=[TaskOutcome(id="T1", status="completed"), TaskOutcome(id="T2", status="completed")],
    claim=Claim(status="completed", summary="- [ ] all done", contradicts="one test was skipped"),
    verification=Verification(
        commands=(
            CommandEvidence(stage="suite", command="make\ncheck", exit_code=0, duration_s=1),
        ),
        note="red baseline",
    ),
)
APPROVED = approval(comment="go on")
PAST = Past(
    changes=(
        changed(PlanEvent.APPROVE, PlanState.APPROVED, 5, approval=APPROVED),
        changed(PlanEvent.EXPIRE, PlanState.PENDING, 10, by="gate", state_reason="too old"),
        Change(later(12), DEFERRAL, "ann", plan(deferred=True)),
        Change(later(13), DEFERRAL, "ann", plan()),
        changed(PlanEvent.APPROVE, PlanState.APPROVED, 15, approval=APPROVED),
    ),
    attempts=(FAILED, LANDED),
    feedback=(
        Feedback(type="changes", stage="gate", content="smaller", created_at=later(-5)),
        Feedback(type="drift", stage="gate", content="not known then", created_at=later(60)),
    ),
)
SIGNED = plan(PlanState.APPROVED, approval=APPROVED)
WHOLE_LIFE = render_plan(record(1, solution=WHOLE, plan=SIGNED), issue(1), PAST)

FIVE = {
    "pending": render_plan(record(1, "a.py")),
    "landed after a failure": WHOLE_LIFE,
    "rejected": render_plan(
        record(1, plan=plan(PlanState.REJECTED, state_reason="no")), issue(1, description="x\n\ny")
    ),
    "without anything": render_plan(record(1, solution=solution(1, title="?"))),
    "with steps": render_plan(
        record(
            1,
            solution=solution(
                1,
                task(
                    1,
                    change("a.py"),
                    steps=[
                        step("create_file", "a.py", content="```\n# code\n- [ ] x\n```\n"),
                        step("execute_command", "sh", command="cat <<X\n# y\nX"),
                    ],
                ),
                artifacts=("notes.md",),
                rollback="1. Revert.\n2. Say so.",
            ),
        ),
        issue(1),
        Past(attempts=(FAILED,)),
    ),
}


@pytest.mark.parametrize("name", FIVE)
def test_the_markdown_of_a_plan_passes_the_linter(name: str):
    assert lint(FIVE[name]) == []


def test_steps_are_ticked_when_they_landed_and_not_before():
    half = render_plan(record(1, solution=WHOLE, plan=SIGNED), None, Past(attempts=(FAILED,)))
    assert section(half, "Progress").strip().split("\n") == [
        "- [x] (2026-11-21 02:29Z) Planned as SOL-ISS-1-1.",
        "- [x] (2026-11-21 02:29Z) Approved by ann.",
        "- [ ] T1: task 1 (completed: it passed in attempt 1; remaining: that attempt did not "
        "stay)",
        "- [ ] T2: task 2",
        "- [ ] Landed.",
    ]
    assert section(WHOLE_LIFE, "Progress").strip().split("\n")[2:] == [
        "- [x] (2026-11-21 03:19Z) T1: task 1",
        "- [x] (2026-11-21 03:19Z) T2: task 2",
        "- [x] (2026-11-21 03:19Z) Landed as one tested change.",
    ]


def test_discoveries_come_from_evidence():
    found = section(WHOLE_LIFE, "Surprises & Discoveries")
    for text in (
        "- Observation: attempt 1 failed (tests).\n  Evidence: 2 failed.",
        "attempt 1 needed files that the plan does not name.\n  Evidence: `docs/b.md`.",
        "were set aside.\n  Evidence: the patch is kept at `quarantine/x.patch`.",
        "in attempt 1 tests say less than before.\n  Evidence: test skipped: t.py: test_a.",
        "attempt 1 met flaky tests.\n  Evidence: failed and passed on the same tree: t.flaky.",
        "for tests that failed before.\n  Evidence: they fail without the change too: t.old.",
        "is more than text in planned files.\n  Evidence: binary: a.png.",
        "in attempt 1 commits were made inside the workspace.\n  Evidence: 2 commits",
        "attempt 2 landed before a crash, and was recorded from git.",
        "the agent's word on attempt 2 is not what was seen.\n  Evidence: one test was skipped.",
    ):
        assert text in found


def test_the_decision_log_has_every_decision_with_who_and_why():
    found = section(WHOLE_LIFE, "Decision Log")
    assert [line for line in found.split("\n") if line.startswith("- Decision: ")] == [
        "- Decision: carry the issue out in 2 tasks, risk MEDIUM.",
        "- Decision: approved as admin, until 2026-11-21 02:29Z.",
        "- Decision: pending again, as its approval does not count.",
        "- Decision: set aside for later.",
        "- Decision: taken up again.",
        "- Decision: approved as admin, until 2026-11-21 02:29Z.",
    ]
    assert "Rationale: go on.\n  Date/Author: 2026-11-21 02:34Z, ann." in found
    assert "Rationale: too old.\n  Date/Author: 2026-11-21 02:39Z, the pipeline." in found
    assert "Known before it was planned (changes): smaller." in found
    assert "not known then" not in found


def test_a_rule_that_approved_is_named():
    by_rule = approval(rule="small", rule_max_risk="LOW")
    changes = (changed(PlanEvent.APPROVE, PlanState.APPROVED, 5, approval=by_rule),)
    text = render_plan(record(1, "a.py", plan=SIGNED), None, Past(changes=changes))
    assert "approved by the rule 'small', which goes up to LOW, as admin, until" in text


def test_outcomes_are_what_the_pipeline_saw():
    found = section(WHOLE_LIFE, "Outcomes & Retrospective")
    assert "Attempt 1 ended failed at 2026-11-21 02:59Z.\n" in found
    assert f"It is commit {'c' * 40} on `pipeline/r1`." in found
    assert "      0  make\n    check\n" in found
    assert "What qualifies it: red baseline." in found
    assert "The agent says: - \\[ ] all done" in found
    assert "The evidence contradicts it: one test was skipped." in found


def test_each_change_leaves_a_note_at_the_bottom():
    notes = WHOLE_LIFE.split("\n---\n")[-1].strip().split("\n\n")
    assert [note.split(",")[0].rstrip(".") for note in notes] == [
        "Revision note (2026-11-21 02:29Z): planned",
        "Revision note (2026-11-21 02:34Z): approved as admin",
        "Revision note (2026-11-21 02:39Z): pending again",
        "Revision note (2026-11-21 02:41Z): set aside for later",
        "Revision note (2026-11-21 02:42Z): taken up again",
        "Revision note (2026-11-21 02:44Z): approved as admin",
        "Revision note (2026-11-21 02:59Z): attempt 1 ended failed",
        "Revision note (2026-11-21 03:19Z): attempt 2 ended completed",
    ]
    assert notes[0].endswith("because: smaller.")


def test_a_person_is_told_what_to_type():
    steps = section(FIVE["with steps"], "Concrete Steps")
    assert f"    git switch --create SOL-ISS-1-1 {'0' * 40}\n" in steps
    assert "    cat <<X\n    # y\n    X\n" in steps
    assert "    git add --all\n    git commit --message 'solve issue 1'\n" in steps


def test_every_event_has_its_words():
    assert set(DECIDED) == set(PlanEvent) | {DEFERRAL}


def test_an_event_that_is_not_known_is_told_as_it_stands():
    changes = (Change(later(1), "sign_off", "ann", plan()),)
    assert "- Decision: sign off." in render_plan(record(1, "a.py"), None, Past(changes=changes))


def test_the_journal_knows_the_past_of_each_plan(scratch: Path):
    book = open_book(scratch)
    made = record(1, "a.py")
    book.record(PlanRecorded(record=made))
    assert made.plan is not None
    aside = defer(made.plan, now=NOW)
    rejected = advance(aside, PlanEvent.REJECT, now=NOW, reason="no")
    for event, envelope in (("defer", aside), ("reject", rejected)):
        book.record(PlanChanged(solution_id="SOL-ISS-1-1", event=event, plan=envelope, by="ann"))
    book.record(AttemptRecorded(record=FAILED))

    again = open_book(scratch)
    for state in (book.state, again.state):
        past = state.past("SOL-ISS-1-1")
        assert [(one.event, one.by, one.plan.state) for one in past.changes] == [
            ("defer", "ann", "pending"),
            ("reject", "ann", "rejected"),
        ]
        assert past.attempts == (FAILED,)
        assert state.past("SOL-ISS-9-1") == Past()
    first = render_plan(again.state.planning["SOL-ISS-1-1"], None, book.state.past("SOL-ISS-1-1"))
    second = render_plan(book.state.planning["SOL-ISS-1-1"], None, again.state.past("SOL-ISS-1-1"))
    assert first.encode() == second.encode()
    assert lint(first) == []


NASTY = (
    *(
        "# ",
        "## Progress",
        "- [ ] ",
        "- [x] ",
        "* ",
        "-",
        "+",
        "1. ",
        "3. ",
        "1.",
        "2) ",
        "• ",
        "> ",
    ),
    *("```", "~~~", "\n", "\n\n", "    ", "   ", "\t", "word ", "Revision note: ", "---", "==="),
    *("<!-- ", "-->", "![x](y)", "[a]: b", "`", "**", "\\", "&#35; ", "\r", "Change notes (x): "),
    *("> ", "T1", "__", "10. ", "  - ", "***", "_"),
)


@pytest.mark.parametrize("seed", range(60))
def test_whatever_others_write_the_linter_finds_nothing(seed: int):
    picks = random.Random(seed)

    def text() -> str:
        return "".join(picks.choices(NASTY, k=picks.randint(1, 30)))

    hostile = solution(
        1,
        task(1, change("a.py", said=text()), description=text(), title=text(), tests=[text()]),
        task(
            2, title=text(), steps=[step("execute_command", text(), action=text(), command=text())]
        ),
        title=text(),
        goal=text(),
        approach=text(),
        rollback=text(),
        assumptions=(text(),),
        clarifying_questions=(text(),),
        artifacts=(text(),),
        risks=(Risk(item=text(), mitigation=text()),),
        acceptance=Acceptance(criteria=(text(), text()), commands=(text(),)),
    )
    bad = FAILED.model_copy(
        update={"error": text(), "claim": Claim(status="failed", summary=text())}
    )
    rejected = plan(PlanState.REJECTED, state_reason=text())
    past = Past(
        changes=(Change(later(1), "reject", text(), rejected),),
        attempts=(bad,),
        feedback=(Feedback(type="comment", stage="plan", content=text(), created_at=later(-1)),),
    )
    made = record(1, solution=hostile, plan=rejected)
    markdown = render_plan(made, issue(1, title="t", description=text()), past)
    assert lint(markdown) == [], markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-flag", "\\-flag"),
        ("*word* and", "*word* and"),
        ("*word", "\\*word"),
        ("1.word", "1\\.word"),
        ("• one\n• two", "- one\n- two"),
        ("1. a\n2. b", "1. a\n2. b"),
        ("1. a\n3. b", "1\\. a\n3\\. b"),
        ("2024. was", "2024\\. was"),
        ("> quoted", "\\> quoted"),
        ("Revision note: x", "Revision note\\: x"),
    ],
)
def test_lists_are_right_or_shown_as_they_were_written(text: str, shown: str):
    assert prose(text) == shown
    assert "\n" in text or line_of(text) == shown


def test_the_file_name_does_not_change_with_the_plans_state():
    one = plan_path(Path(), record(1, "a.py"))
    assert plan_path(Path(), record(1, "a.py", plan=SIGNED)) == one
