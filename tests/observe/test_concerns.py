"""What deserves a second look is found in the record of an attempt, whatever its group."""

from datetime import UTC, datetime

from pipeline.domain.group import Group
from pipeline.domain.issue import Issue, IssueState
from pipeline.domain.results import (
    Claim,
    ExecutionRecord,
    ExecutionStatus,
    Finding,
    Held,
    Rollback,
    Verification,
)
from pipeline.observe.report.concerns import KINDS, concerns_of, notes_of
from pipeline.plans.standing import Standing

AT = datetime(2026, 11, 21, 2, tzinfo=UTC)

ALL = ExecutionRecord(
    execution_result_id="EXR-ISS-1-1",
    issue_id="ISS-1",
    solution_id="SOL-ISS-1-1",
    run_id="RUN-1",
    attempt_id="a" * 32,
    status=ExecutionStatus.ROLLED_BACK,
    executed_at=AT,
    claim=Claim(status="completed", contradicts="claimed\ncompleted"),
    quarantine="quarantine/EXR-ISS-1-1.patch",
    held=Held(commit="d" * 40, paths=("helper.py",)),
    findings=(Finding(kind="binary", path="a.png"),),
    ignored_commits=2,
    recovered=True,
    rollback=Rollback(at=AT, by="me", commit="c" * 40, attempt_id="b" * 32),
    verification=Verification(
        note="red baseline",
        flaky=("test_clock",),
        failed_before=("test_old",),
        weaker_tests=(Finding(kind="test skipped", path="tests/test_a.py", detail="test_b"),),
    ),
)


def standing(attempt: ExecutionRecord | None) -> Standing:
    issue = Issue(id="ISS-1", title="one")
    return Standing(issue, IssueState.COMPLETED, Group.LANDED, attempt=attempt)


def test_an_attempt_with_everything_raises_every_concern_once() -> None:
    found = list(concerns_of(standing(ALL)))

    assert [one.kind for one in found] == list(KINDS)
    assert {one.issue_id for one in found} == {"ISS-1"}
    assert [one.text for one in found] == notes_of(ALL)
    assert "test skipped: tests/test_a.py: test_b" in notes_of(ALL)
    assert [one.link for one in found if one.link] == ["quarantine/EXR-ISS-1-1.patch"]
    assert "the agent claimed completed" in notes_of(ALL), "on one line"


def test_an_attempt_without_trouble_raises_none() -> None:
    calm = ExecutionRecord.model_validate(
        ALL.model_dump(include={"execution_result_id", "issue_id", "solution_id", "run_id"})
        | {"attempt_id": "a" * 32, "status": "completed", "executed_at": AT}
    )
    assert list(concerns_of(standing(calm))) == list(concerns_of(standing(None))) == []
