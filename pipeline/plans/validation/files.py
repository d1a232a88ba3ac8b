"""Rules about files on the ground: there or not there, writable, named once, agreed on by steps."""

from collections.abc import Iterator

from pipeline.domain.solution import FileAction, FileChange, StepType, Task
from pipeline.plans.globs import matches_any
from pipeline.plans.validation.context import Context, upward
from pipeline.plans.validation.paths import path_problem
from pipeline.plans.validation.rule import Found, Rule, Severity
from pipeline.plans.validation.surroundings import FOLDER, LINK, SUBMODULE
from pipeline.settings import TEST_FILES

FILE_STEPS: dict[StepType, FileAction | None] = {
    StepType.CREATE_FILE: FileAction.CREATE,
    StepType.MODIFY_FILE: FileAction.MODIFY,
    StepType.DELETE_FILE: FileAction.DELETE,
    StepType.REFACTOR_CODE: None,
}
"""Steps whose target is a file, and the action that file must have (None: any)."""


def _missing(context: Context) -> Iterator[Found]:
    for place, change, there in _as_met(context):
        if not there and change.action is not FileAction.CREATE:
            yield (
                place,
                f"{change.path!r} is not there to {change.action}: look at the path again, "
                "or use action 'create'",
            )


def _in_the_way(context: Context) -> Iterator[Found]:
    for place, change, there in _as_met(context):
        if there and change.action is FileAction.CREATE:
            yield place, f"{change.path!r} exists by then: use action 'modify'"


def _as_met(context: Context) -> Iterator[tuple[str, FileChange, bool]]:
    """Yield each file in the order of the work: its place, and whether it is there by then."""
    there: dict[str, bool] = {}
    for i in context.order:
        for n, change in enumerate(context.solution.tasks[i].files):
            if path_problem(change.path) or _why_unwritable(context, change):
                continue
            known = there.get(change.path, context.is_there(change.path))
            yield f"tasks[{i}].files[{n}].path", change, known
            there[change.path] = change.action is not FileAction.DELETE


def _unwritable(context: Context) -> Iterator[Found]:
    for place, change in context.files:
        if not path_problem(change.path) and (text := _why_unwritable(context, change)):
            yield place, f"{change.path!r} {text}"


def _why_unwritable(context: Context, change: FileChange) -> str | None:
    """Return what keeps a change of the file from reaching the commit, or None."""
    for folder in upward(change.path):
        if folder in context.around.kept:
            return f"lies in {folder!r}, which is no part of a change: leave it out"
    mode = context.modes.get(change.path)
    if mode == FOLDER:
        return "is a folder: name each file in it"
    if mode == SUBMODULE:
        return "is a submodule, which is another repository: leave it out"
    if mode == LINK and change.action is not FileAction.DELETE:
        return "is a symbolic link: name the file that it leads to"
    for folder in list(upward(change.path))[1:]:
        mode = context.modes.get(folder)
        if mode not in (None, FOLDER) and context.will_be_there(folder):
            return f"cannot be written: {folder!r} is {_KINDS.get(mode, 'a file')}, no folder"
    return None


_KINDS = {LINK: "a symbolic link", SUBMODULE: "a submodule"}


def _twice(context: Context) -> Iterator[Found]:
    for where, task in context.tasks:
        seen: set[str] = set()
        for n, change in enumerate(task.files):
            if change.path in seen:
                yield (
                    f"{where}.files[{n}].path",
                    f"{change.path!r} is there twice in {task.id}: name it once",
                )
            seen.add(change.path)


def _undeclared(context: Context) -> Iterator[Found]:
    for where, task in context.tasks:
        actions = _actions(task)
        for n, step in enumerate(task.steps):
            if step.type in FILE_STEPS and step.target not in actions:
                yield (
                    f"{where}.steps[{n}].target",
                    f"{step.target!r} is not in {where}.files: add it there",
                )


def _disagreeing(context: Context) -> Iterator[Found]:
    for where, task in context.tasks:
        actions = _actions(task)
        for n, step in enumerate(task.steps):
            wanted, found = FILE_STEPS.get(step.type), actions.get(step.target)
            if wanted is not None and found not in (None, wanted):
                yield (
                    f"{where}.steps[{n}].type",
                    f"{step.type} of {step.target!r}, which {where}.files says to {found}: "
                    "make them agree",
                )


def _actions(task: Task) -> dict[str, FileAction]:
    return {change.path: change.action for change in task.files}


def _tests_deleted(context: Context) -> Iterator[Found]:
    for place, change in context.files:
        if change.action is FileAction.DELETE and matches_any(change.path, TEST_FILES):
            yield place, f"{change.path!r} is a test, and the plan deletes it"


RULES = (
    Rule(
        "file-missing",
        Severity.ERROR,
        "a file that is to be changed or deleted is not there",
        "The plan was made for a repository that looks otherwise. What earlier tasks and the plans "
        "of the issue's dependencies create counts as there.",
        wrong='{"tasks": [{"files": [{"path": "src/gone.py", "action": "modify"}]}]}',
        right='{"tasks": [{"files": [{"path": "app.py", "action": "modify"}]}]}',
        check=_missing,
    ),
    Rule(
        "file-exists",
        Severity.ERROR,
        "a file that is to be created is there already",
        "Writing it anew would lose what it holds.",
        wrong='{"tasks": [{"files": [{"path": "app.py", "action": "create"}]}]}',
        right='{"tasks": [{"files": [{"path": "src/new.py", "action": "create"}]}]}',
        check=_in_the_way,
    ),
    Rule(
        "file-unwritable",
        Severity.ERROR,
        "a path is no file that a change of this repository can hold",
        "Links lead elsewhere, submodules are other repositories, and what workspaces keep beside "
        "the commit (`.venv`, `node_modules`, `target`) is mounted read-only or never committed.",
        wrong='{"tasks": [{"files": [{"path": "current", "action": "modify"}]}]}',
        right='{"tasks": [{"files": [{"path": "current", "action": "delete"}]}]}',
        check=_unwritable,
        always="it protects what a path leads to",
    ),
    Rule(
        "file-twice",
        Severity.ERROR,
        "a task names a file twice",
        "Two entries can say two different things about it.",
        wrong='{"tasks": [{"files": [{"path": "app.py", "action": "modify"}, '
        '{"path": "app.py", "action": "modify"}]}]}',
        right='{"tasks": [{"files": [{"path": "app.py", "action": "modify"}]}]}',
        check=_twice,
    ),
    Rule(
        "step-undeclared",
        Severity.ERROR,
        "the file of a step is not among the task's files",
        "Approval, drift and the fence go by `files`; the change would be set aside as unplanned.",
        wrong='{"tasks": [{"steps": [{"type": "refactor_code", "target": "src/other.py"}]}]}',
        right='{"tasks": [{"steps": [{"type": "refactor_code", "target": "app.py"}]}]}',
        check=_undeclared,
        always="the signature of an approval goes by the files",
    ),
    Rule(
        "step-disagrees",
        Severity.ERROR,
        "a step does something else to a file than the task's files say",
        "A reviewer who reads one of them would be told something wrong.",
        wrong='{"tasks": [{"steps": [{"type": "delete_file", "target": "app.py"}]}]}',
        right='{"tasks": [{"steps": [{"type": "modify_file", "target": "app.py"}]}]}',
        check=_disagreeing,
    ),
    Rule(
        "test-deleted",
        Severity.WARNING,
        "the plan deletes a test",
        "A test that is gone cannot fail. It may be right, where what it tested is gone too.",
        wrong='{"tasks": [{"files": [{"path": "tests/test_app.py", "action": "delete"}]}]}',
        right='{"tasks": [{"files": [{"path": "tests/test_app.py", "action": "modify"}]}]}',
        check=_tests_deleted,
    ),
)
