"""Rules about tasks: each does something, has an id of its own, and there is an order of work."""

from collections import Counter
from collections.abc import Iterator

from pipeline.plans.validation.context import Context
from pipeline.plans.validation.rule import Found, Rule, Severity


def _empty(context: Context) -> Iterator[Found]:
    for place, task in context.tasks:
        if not task.files and not task.steps:
            yield place, "has neither files nor steps: say what it changes, or leave it out"


def _twice(context: Context) -> Iterator[Found]:
    seen: Counter[str] = Counter()
    for place, task in context.tasks:
        seen[task.id] += 1
        if seen[task.id] > 1:
            yield f"{place}.id", f"{task.id!r} is there twice: number the tasks T1, T2"


def _unknown(context: Context) -> Iterator[Found]:
    known = dict.fromkeys(task.id for _, task in context.tasks)
    for place, task in context.tasks:
        for other in task.depends_on:
            if other not in known:
                yield (
                    f"{place}.depends_on",
                    f"there is no task {other!r}: the tasks are {', '.join(known)}",
                )


def _cycle(context: Context) -> Iterator[Found]:
    if context.cycle:
        place = next(place for place, task in context.tasks if task.id in context.cycle)
        yield f"{place}.depends_on", f"tasks wait for each other: {' -> '.join(context.cycle)}"


ORDERED = "tasks could not be put in an order"

RULES = (
    Rule(
        "task-empty",
        Severity.ERROR,
        "a task has neither files nor steps",
        "Nothing says what the task changes, so nothing can be reviewed or fenced.",
        wrong='{"tasks": [{"files": []}]}',
        right='{"tasks": [{"files": [{"path": "app.py", "action": "modify"}]}]}',
        check=_empty,
    ),
    Rule(
        "task-id-twice",
        Severity.ERROR,
        "two tasks have one id",
        "Dependencies and results name tasks by their id.",
        wrong='{"tasks": [{"id": "T1"}, {"id": "T1"}]}',
        right='{"tasks": [{"id": "T1"}, {"id": "T2"}]}',
        check=_twice,
        always=ORDERED,
    ),
    Rule(
        "task-unknown",
        Severity.ERROR,
        "a task depends on one that is not there",
        "The order of the work would not be what the plan means.",
        wrong='{"tasks": [{"id": "T1", "depends_on": ["T9"]}]}',
        right='{"tasks": [{"id": "T1"}, {"id": "T2", "depends_on": ["T1"]}]}',
        check=_unknown,
        always=ORDERED,
    ),
    Rule(
        "task-cycle",
        Severity.ERROR,
        "tasks wait for each other",
        "None of them could begin.",
        wrong='{"tasks": [{"id": "T1", "depends_on": ["T2"]}, {"id": "T2", "depends_on": ["T1"]}]}',
        right='{"tasks": [{"id": "T1"}, {"id": "T2", "depends_on": ["T1"]}]}',
        check=_cycle,
        always=ORDERED,
    ),
)
