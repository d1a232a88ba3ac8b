"""What the content that a plan's steps carry would change, as a reviewer reads it.

create_file               every line is new
modify_file, line_range   those lines of the file at the plan's base, replaced
anything else             the text itself, marked as new text
"""

from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from pipeline.domain.counting import counted
from pipeline.domain.plan import PlanState
from pipeline.domain.results import PlanningRecord
from pipeline.domain.solution import Step, StepType, Task
from pipeline.git import Repository, show_file
from pipeline.settings import Settings

Read = Callable[[str], str | None]
"""The text of a file at the plan's base; None when it is not there, or no text."""

Kind = Literal["head", "old", "new", "same", "text"]
"""What a line of a preview is; `text` is no part of a diff."""


class Line(NamedTuple):
    """One line of a preview, with its sign."""

    kind: Kind
    text: str


CONTEXT = 3
NEW_TEXT = "new text:"
REPLACES = frozenset({StepType.MODIFY_FILE, StepType.REFACTOR_CODE})
"""Steps whose `line_range` names what their content replaces."""


def nothing_to_read(_path: str) -> str | None:
    """Stand for a base that is not at hand."""
    return None


def preview(step: Step, read: Read) -> Iterator[Line]:
    """Yield the lines of a step's content, as a unified diff where there is something to compare.

    Nothing for a step that carries none.
    """
    if step.content is None:
        return
    new = _lines(step.content)
    if step.type is StepType.CREATE_FILE:
        yield from _heads("--- /dev/null", f"+++ b/{step.target}", f"@@ -0,0 +1,{len(new)} @@")
        yield from (Line("new", f"+{line}") for line in new)
        return
    text = read(step.target) if step.line_range and step.type in REPLACES else None
    if text is None or step.line_range is None:
        yield Line("head", NEW_TEXT)
        yield from (Line("text", line) for line in new)
        return
    yield from _heads(f"--- a/{step.target}", f"+++ b/{step.target}")
    yield from _replaced(_lines(text), new, *step.line_range)


def _replaced(old: list[str], new: list[str], first: int, last: int) -> Iterator[Line]:
    """Yield the hunk that puts `new` in place of the lines `first` to `last` (from 1) of `old`."""
    begin = min(max(first - 1, 0), len(old))
    end = max(min(last, len(old)), begin)
    above, below = old[max(begin - CONTEXT, 0) : begin], old[end : end + CONTEXT]
    gone, around = old[begin:end], len(above) + len(below)
    start = begin - len(above) + 1
    yield from _heads(f"@@ -{start},{len(gone) + around} +{start},{len(new) + around} @@")
    yield from (Line("same", f" {line}") for line in above)
    for kind, a, b, c, d in SequenceMatcher(None, gone, new).get_opcodes():
        if kind == "equal":
            yield from (Line("same", f" {line}") for line in gone[a:b])
        else:
            yield from (Line("old", f"-{line}") for line in gone[a:b])
            yield from (Line("new", f"+{line}") for line in new[c:d])
    yield from (Line("same", f" {line}") for line in below)


def _heads(*lines: str) -> Iterator[Line]:
    return (Line("head", line) for line in lines)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def base_of(repo: Repository, record: PlanningRecord) -> Read:
    """Return what reads the files at a plan's base."""

    def read(path: str) -> str | None:
        found = show_file(repo, record.base_commit, path) if record.base_commit else None
        if found is None or b"\0" in found:
            return None
        return found.decode(errors="replace")

    return read


def as_shown(record: PlanningRecord, settings: Settings) -> PlanningRecord:
    """Return the record as people may see it now, by `policy.lock_previews`."""
    return locked(record) if settings.policy.lock_previews else record


def locked(record: PlanningRecord) -> PlanningRecord:
    """Return the record as it is shown before its approval: what steps carry is counted, not told.

    An approved plan is shown whole. The approval signs all of it, as ever.
    """
    solution, plan = record.solution, record.plan
    if solution is None or plan is None or plan.state is PlanState.APPROVED:
        return record
    tasks = tuple(_locked_task(task) for task in solution.tasks)
    return record.model_copy(update={"solution": solution.model_copy(update={"tasks": tasks})})


def _locked_task(task: Task) -> Task:
    return task.model_copy(update={"steps": tuple(_locked_step(step) for step in task.steps)})


def _locked_step(step: Step) -> Step:
    if step.content is None:
        return step
    lines = len(_lines(step.content))
    note = f"(content locked until approved: {counted(lines, 'line')})"
    action = f"{step.action} {note}" if step.action else note
    return step.model_copy(update={"content": None, "action": action})
