"""What makes a solution no plan: each problem names its place and says what to do about it.

The texts go back to the Planning agent, which sends a corrected solution.
"""

import unicodedata
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter

from pipeline.domain.issue import Issue
from pipeline.domain.solution import FileAction, FileChange, Solution, StepType, Task
from pipeline.plans.privileges import privilege_problems
from pipeline.plans.sanitize import clean

MAX_STEPS = 100
MAX_FILES = 20
MAX_PATH = 1_000

FILE_STEPS: dict[StepType, FileAction | None] = {
    StepType.CREATE_FILE: FileAction.CREATE,
    StepType.MODIFY_FILE: FileAction.MODIFY,
    StepType.DELETE_FILE: FileAction.DELETE,
    StepType.REFACTOR_CODE: None,
}
"""Steps whose target is a file, and the action that file must have (None: any)."""


def check_solution(
    solution: Solution,
    *,
    existing: Callable[[str], bool],
    created_earlier: frozenset[str] = frozenset(),
    issue: Issue | None = None,
    untested_ok: bool = False,
) -> list[str]:
    """Return what is wrong, one line each; empty when the solution can become a plan.

    `existing` tells whether a path is there at the base commit; `created_earlier` are paths that
    plans of the issue's dependencies create. `untested_ok`: the project has no tests and the user
    allowed that.
    """
    problems = [
        *_whole(solution, issue, untested_ok=untested_ok),
        *_commands(solution),
        *privilege_problems(solution),
        *(line for i, task in enumerate(solution.tasks) for line in _task(task, f"tasks[{i}]")),
    ]
    order, unordered = _task_order(solution)
    problems += unordered
    if not unordered:
        problems += _files_on_the_ground(solution, order, existing, created_earlier)
    return problems


def path_problem(path: str) -> str | None:
    """Return why `path` cannot be a file of a plan, with what to do, or None."""
    parts = path.split("/")
    lowered = [part.lower() for part in parts]
    rules = (
        (not path.strip(), "is empty: name a file"),
        (len(path.encode("utf-8", "replace")) > MAX_PATH, "is too long: name a file"),
        (any(unicodedata.category(c)[0] == "C" for c in path), "has control characters"),
        (path != clean(path), "has invisible characters"),
        (path.startswith("/"), "is absolute: write it relative to the repository's root"),
        ("\\" in path, "has a backslash: separate folders with '/'"),
        ("*" in path or "?" in path, "is a pattern: name each file"),
        (path.endswith("/"), "is a folder: name each file in it"),
        (path.startswith(":"), "starts with ':': name a file"),
        (path != path.strip(), "begins or ends with white space: leave it out"),
        (".." in parts, "leaves the repository: stay below its root, without '..'"),
        ("" in parts or "." in parts, "has an empty or '.' part: write it plainly"),
        (".git" in lowered, "lies in git's own folder, which is closed to plans"),
        (lowered[0] == ".workflow", "lies in the pipeline's own folder, which is closed to plans"),
    )
    return next((text for wrong, text in rules if wrong), None)


def _whole(solution: Solution, issue: Issue | None, *, untested_ok: bool) -> Iterator[str]:
    if issue is not None and solution.issue_id != issue.id:
        yield f"issue_id: is {solution.issue_id!r}, but this turn is about {issue.id!r}"
    if not clean(solution.title, one_line=True):
        yield "title: is empty: say in one line what changes"
    if not solution.tasks:
        yield "tasks: is empty: give at least one task with its files and tests"
    steps = sum(len(task.steps) for task in solution.tasks)
    if steps > MAX_STEPS:
        yield f"tasks: {steps} steps in all, at most {MAX_STEPS}: plan a smaller change"
    files = len(solution.paths)
    if files > MAX_FILES:
        yield f"tasks: {files} files in all, at most {MAX_FILES}: plan a smaller change"
    tested = solution.acceptance.commands or any(task.tests for task in solution.tasks)
    if solution.tasks and not tested and not untested_ok:
        yield (
            "acceptance.commands: no task has tests and there is no acceptance command: "
            "give a command that fails before the change and passes after it"
        )


def _commands(solution: Solution) -> Iterator[str]:
    """A command must be what the reviewer sees: not empty, nothing hidden in it."""
    for place, command in _all_commands(solution):
        if not command.strip():
            yield f"{place}: is empty: give a command for 'bash -c', or leave it out"
        elif clean(command) != command:
            yield f"{place}: has control or invisible characters: write it plainly"


def _all_commands(solution: Solution) -> Iterator[tuple[str, str]]:
    for i, task in enumerate(solution.tasks):
        yield from ((f"tasks[{i}].tests[{n}]", text) for n, text in enumerate(task.tests))
        for n, step in enumerate(task.steps):
            if step.command is not None:
                yield f"tasks[{i}].steps[{n}].command", step.command
    commands = solution.acceptance.commands
    yield from ((f"acceptance.commands[{n}]", text) for n, text in enumerate(commands))


def _task(task: Task, place: str) -> Iterator[str]:
    if not task.files and not task.steps:
        yield f"{place}: has neither files nor steps: say what it changes, or leave it out"
    actions: dict[str, FileAction] = {}
    for n, change in enumerate(task.files):
        where = f"{place}.files[{n}].path"
        if problem := path_problem(change.path):
            yield f"{where}: {change.path!r} {problem}"
        if change.path in actions:
            yield f"{where}: {change.path!r} is there twice in {task.id}: name it once"
        actions[change.path] = change.action
    for n, step in enumerate(task.steps):
        where = f"{place}.steps[{n}]"
        if step.type is StepType.EXECUTE_COMMAND and step.command is None:
            yield f"{where}.command: is missing: give the command"
        if step.type not in FILE_STEPS:
            continue
        wanted = FILE_STEPS[step.type]
        if step.target not in actions:
            yield f"{where}.target: {step.target!r} is not in {place}.files: add it there"
        elif wanted not in (None, actions[step.target]):
            yield (
                f"{where}.type: {step.type} of {step.target!r}, which {place}.files says to "
                f"{actions[step.target]}: make them agree"
            )


def _task_order(solution: Solution) -> tuple[list[int], list[str]]:
    """Return the indexes of the tasks in the order of their work, or why there is none."""
    index: dict[str, int] = {}
    problems: list[str] = []
    for i, task in enumerate(solution.tasks):
        if task.id in index:
            problems.append(f"tasks[{i}].id: {task.id!r} is there twice: number the tasks T1, T2")
        index.setdefault(task.id, i)
    graph: dict[str, list[str]] = {task_id: [] for task_id in index}
    for i, task in enumerate(solution.tasks):
        for other in task.depends_on:
            if other not in index:
                known = ", ".join(index)
                problems.append(
                    f"tasks[{i}].depends_on: there is no task {other!r}: the tasks are {known}"
                )
            else:
                graph[task.id].append(other)
    if problems:
        return [], problems
    try:
        return [index[task_id] for task_id in TopologicalSorter(graph).static_order()], []
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        first = min(index[task_id] for task_id in error.args[1])
        return [], [f"tasks[{first}].depends_on: tasks wait for each other: {cycle}"]


def _files_on_the_ground(
    solution: Solution,
    order: list[int],
    existing: Callable[[str], bool],
    created_earlier: frozenset[str],
) -> Iterator[str]:
    """Walk through the tasks in order and look whether each change meets what it needs."""
    there: dict[str, bool] = {}
    for i in order:
        for n, change in enumerate(solution.tasks[i].files):
            if path_problem(change.path):
                continue
            known = there.get(change.path)
            if known is None:
                known = change.path in created_earlier or existing(change.path)
            if problem := _unmet(change, there=known):
                yield f"tasks[{i}].files[{n}].path: {problem}"
            there[change.path] = change.action is not FileAction.DELETE


def _unmet(change: FileChange, *, there: bool) -> str | None:
    if change.action is FileAction.CREATE:
        return f"{change.path!r} exists by then: use action 'modify'" if there else None
    if there:
        return None
    return (
        f"{change.path!r} is not there to {change.action}: look at the path again, "
        "or use action 'create'"
    )
