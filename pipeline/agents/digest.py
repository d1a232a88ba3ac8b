"""What stays of a finished turn in an agent's ledger: a few lines, made from the validated result.

    ISS-7 planned as SOL-ISS-7-1: Reject expired tokens
    files: modify src/auth.py, create tests/test_expiry.py
    lesson (command, ISS-7): python -m pytest -q tests

The first line says what it came to; it is all that is left once the ledger is folded. Nothing of
an issue's own text is in it, and what a model wrote is one cleaned line each.
"""

from collections.abc import Iterable, Sequence

from pipeline.agents.fence import untagged
from pipeline.agents.lessons import lesson_lines
from pipeline.domain.counting import counted
from pipeline.domain.results import (
    ExecutionRecord,
    ExecutionStatus,
    PlanningRecord,
    PlanningStatus,
)
from pipeline.domain.solution import Lesson, Solution
from pipeline.plans.sanitize import clean

TITLE_CHARS = 120
LINE_CHARS = 240
MOST_PATHS = 8


def planning_digest(record: PlanningRecord, lessons: Sequence[Lesson] = ()) -> str:
    """Return about 200 tokens on a planning turn; `lessons` are those that were kept."""
    solution = record.solution
    if record.status is PlanningStatus.NEEDS_CLARIFICATION:
        number = len(record.questions)
        return f"{record.issue_id} not planned: {counted(number, 'question')} asked"
    if record.status is PlanningStatus.FAILED or solution is None:
        return f"{record.issue_id} not planned: {short(record.error or 'no reason given')}"
    head = f"{record.issue_id} planned as {solution.solution_id}: {title(solution.title)}"
    tests = [test for task in solution.tasks for test in task.tests]
    lines = [
        head,
        f"files: {listed(touched(solution))}",
        f"tests: {listed(dict.fromkeys(tests))}" if tests else "",
        *lesson_lines(lessons, record.issue_id),
    ]
    return "\n".join(line for line in lines if line)


def execution_digest(record: ExecutionRecord, lessons: Sequence[Lesson] = ()) -> str:
    """Return about 200 tokens on an execution turn; `lessons` are those that were kept."""
    name = f"{record.issue_id} ({record.solution_id})"
    if record.status is ExecutionStatus.COMPLETED:
        tested = "tests passed" if record.verification.all_tests_passed else "without tests"
        head = f"{name} landed as {(record.commit_hash or '')[:12]}, {tested}"
    else:
        kind = record.failure_class.value if record.failure_class else record.status.value
        head = f"{name} failed ({kind}): {short(record.error or 'no reason given')}"
    failed = [
        command.command
        for command in record.verification.commands
        if not command.passed and command.stage != "baseline"
    ]
    lines = [
        head,
        f"changed: {listed(record.files_modified)}" if record.files_modified else "",
        f"failing: {listed(dict.fromkeys(failed))}" if failed else "",
        f"the plan was too narrow for: {listed(record.too_narrow)}" if record.too_narrow else "",
        *lesson_lines(lessons, record.issue_id),
    ]
    return "\n".join(line for line in lines if line)


def rollback_digest(record: ExecutionRecord) -> str:
    """Return one line on a landed attempt that was undone."""
    assert record.rollback is not None
    why = f": {short(record.rollback.reason)}" if record.rollback.reason else ""
    return f"{record.issue_id} ({record.solution_id}) was rolled back after it had landed{why}"


def touched(solution: Solution) -> list[str]:
    """Return `action path` for each file of a solution, in the tasks' order, each once."""
    changes = (change for task in solution.tasks for change in task.files)
    return list(dict.fromkeys(f"{change.action.value} {change.path}" for change in changes))


def listed(items: Iterable[str]) -> str:
    """Return the first items, and how many more there are."""
    every = [untagged(clean(item, one_line=True)) for item in items]
    more = f" and {len(every) - MOST_PATHS} more" if len(every) > MOST_PATHS else ""
    return short(", ".join(every[:MOST_PATHS])) + more


def title(text: str) -> str:
    """Return a title as one cleaned line."""
    return untagged(clean(text, one_line=True))[:TITLE_CHARS]


def short(text: str) -> str:
    """Return a text as one cleaned line of bounded length."""
    line = untagged(clean(text, one_line=True))
    return line if len(line) <= LINE_CHARS else f"{line[: LINE_CHARS - 3]}..."
