"""What one turn is told: records and git in, the text of a request out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pipeline.agents.fence import nonce_for
from pipeline.agents.turns import Asked, execute_turn, plan_turn, revise_turn
from pipeline.domain.issue import Feedback, Issue
from pipeline.domain.results import ExecutionRecord
from pipeline.domain.solution import Solution
from pipeline.execution.land import RECOVERY_REFS, kept_ref
from pipeline.git import diff_text, resolve
from pipeline.phases.work import Work
from pipeline.plans.standing import BLAMED
from pipeline.safety.gate import Cleared

OUTPUT_BYTES = 3_000
"""How much of a failing command's output the next plan is told."""


def planning_text(work: Work, issue: Issue, request_id: str, tip: str) -> str:
    """Return the request for a plan: a first one, or another one with what was said and seen."""
    state = work.book.state
    asked = Asked(request_id, nonce_for(work.run.run_id, request_id), issue, tip)
    words: list[Feedback] = [
        *issue.feedback,
        *_went_wrong(work, issue.id),
        *state.feedback.get(issue.id, ()),
    ]
    dependencies = _dependencies(work, issue)
    earlier = state.current(issue.id)
    if earlier is None or earlier.solution is None:
        return plan_turn(work.prompts, asked, feedback=words, dependencies=dependencies)
    base = earlier.base_commit and resolve(work.repo, earlier.base_commit)
    landed = ""
    if base and earlier.solution.paths:
        landed = diff_text(work.repo, base, tip, earlier.solution.paths)
    return revise_turn(
        work.prompts,
        asked,
        earlier=earlier.solution,
        words=words,
        landed_diff=landed,
        dependencies=dependencies,
    )


def execution_text(work: Work, cleared: Cleared, request_id: str, base: str) -> str:
    """Return the request to carry a plan out on `base`."""
    record = cleared.record
    assert record.solution is not None
    assert record.plan is not None
    issue = work.backlog.find(record.issue_id)
    landed = ""
    if cleared.landed_between and cleared.record.base_commit is not None:
        landed = diff_text(work.repo, cleared.record.base_commit, base, record.solution.paths)
    return execute_turn(
        work.prompts,
        Asked(request_id, nonce_for(work.run.run_id, request_id), issue, base),
        solution=record.solution,
        may_touch=record.plan.opened,
        minutes=min(record.plan.budget.minutes, work.settings.limits.execution_minutes),
        landed_diff=landed,
        recovery_diff=_interrupted_work(work, record.key),
    )


def _dependencies(work: Work, issue: Issue) -> list[Solution]:
    """Return the current solutions of the issue's dependencies that have not landed yet."""
    state = work.book.state
    records = [state.current(name) for name in issue.depends_on if state.landed(name) is None]
    return [one.solution for one in records if one is not None and one.solution is not None]


def _went_wrong(work: Work, issue_id: str) -> list[Feedback]:
    """Return what the last turn asked, or why it or the newest attempt failed; usually nothing."""
    state = work.book.state
    record = state.current(issue_id)
    if record is None:
        return []
    if record.questions:
        asked = "Asked in an earlier turn:\n" + "\n".join(f"- {one}" for one in record.questions)
        return [_said("clarification", "plan", asked, record.planned_at)]
    if record.failure_class in BLAMED and record.error:
        return [_said("failure", "plan", record.error, record.planned_at)]
    attempts = state.attempts(record.key)
    if attempts and attempts[-1].failure_class in BLAMED and attempts[-1].error:
        last = attempts[-1]
        reason = "\n\n".join([last.error or "", *_failing_output(work, last)])
        return [_said("failure", "execute", reason, last.executed_at)]
    return []


def _failing_output(work: Work, attempt: ExecutionRecord) -> Iterator[str]:
    """Yield, for each command that failed at the end of an attempt, how its output ended."""
    in_tasks = [ran for task in attempt.tasks if task.status == "failed" for ran in task.commands]
    for ran in (*in_tasks, *attempt.verification.commands):
        if ran.passed or ran.stage == "baseline" or ran.output_path is None:
            continue
        path = work.places.workflow / ran.output_path
        if path.is_file():
            text = path.read_bytes()[-OUTPUT_BYTES:].decode("utf-8", "replace")
            yield f"{ran.stage}: {ran.command}\n{text}"


def _said(
    kind: Literal["clarification", "failure"],
    stage: Literal["plan", "execute"],
    what: str,
    when: datetime,
) -> Feedback:
    return Feedback(type=kind, stage=stage, content=what, created_at=when)


def _interrupted_work(work: Work, solution_id: str) -> str:
    """Return as a diff what the newest attempt had done when it was cut off; usually nothing."""
    attempts = work.book.state.attempts(solution_id)
    if not attempts or attempts[-1].base_commit is None:
        return ""
    kept = resolve(work.repo, kept_ref(RECOVERY_REFS, attempts[-1].execution_result_id))
    return diff_text(work.repo, attempts[-1].base_commit, kept) if kept else ""
