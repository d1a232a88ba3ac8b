"""Rules about the solution as a whole: whose it is, that it says something, how large it is."""

from collections.abc import Iterator

from pipeline.domain.counting import counted
from pipeline.plans.sanitize import clean
from pipeline.plans.validation.context import Context
from pipeline.plans.validation.rule import Found, Rule, Severity


def _issue(context: Context) -> Iterator[Found]:
    asked = context.issue
    if asked is not None and context.solution.issue_id != asked.id:
        yield "issue_id", f"is {context.solution.issue_id!r}, but this turn is about {asked.id!r}"


def _title(context: Context) -> Iterator[Found]:
    if not clean(context.solution.title, one_line=True):
        yield "title", "is empty: say in one line what changes"


def _tasks(context: Context) -> Iterator[Found]:
    if not context.solution.tasks:
        yield "tasks", "is empty: give at least one task with its files and tests"


def _steps(context: Context) -> Iterator[Found]:
    count, most = len(list(context.steps)), context.limits.max_steps
    if count > most:
        yield "tasks", f"{counted(count, 'step')} in all, at most {most}: plan a smaller change"


def _files(context: Context) -> Iterator[Found]:
    count, most = len(context.solution.paths), context.limits.max_files
    if count > most:
        yield "tasks", f"{counted(count, 'file')} in all, at most {most}: plan a smaller change"


RULES = (
    Rule(
        "issue-mismatch",
        Severity.ERROR,
        "the solution belongs to another issue",
        "Its id would be recorded under the wrong issue.",
        wrong='{"issue_id": "ISS-2"}',
        right='{"issue_id": "ISS-1"}',
        check=_issue,
        always="a record belongs to one issue",
    ),
    Rule(
        "title-empty",
        Severity.ERROR,
        "the solution has no title",
        "The title is the first thing a reviewer reads, and the subject of the commit.",
        wrong='{"title": " "}',
        right='{"title": "Accept an empty basket"}',
        check=_title,
        always="the commit needs a subject",
    ),
    Rule(
        "tasks-empty",
        Severity.ERROR,
        "the solution has no task",
        "A plan without tasks changes nothing.",
        wrong='{"tasks": []}',
        right='{"tasks": [{"files": [{"path": "app.py", "action": "modify"}]}]}',
        check=_tasks,
        always="there would be nothing to carry out",
    ),
    Rule(
        "too-many-steps",
        Severity.ERROR,
        "the plan has more steps than `validation.max_steps`",
        "Nobody reviews a hundred steps with care, and a long attempt fails late..",
        wrong='{"tasks": [{"steps": [101 of them]}]}',
        right='{"tasks": [{"steps": [100 of them]}]}',
        check=_steps,
    ),
    Rule(
        "too-many-files",
        Severity.ERROR,
        "the plan touches more files than `validation.max_files`",
        "The more files a plan holds, the more other plans it meets, and the harder it is to undo.",
        wrong='{"tasks": [{"files": [21 of them]}]}',
        right='{"tasks": [{"files": [20 of them]}]}',
        check=_files,
    ),
)
