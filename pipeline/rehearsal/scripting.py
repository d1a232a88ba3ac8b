"""Scripts in a few lines: what a planner plans and an executor does, for one issue or for any.

script = plan("ISS-1", files={"a.txt": "create"}, tests=["test -s a.txt"]) + execute(
    "ISS-1", edits=[write("a.txt", "hello\n")], finish=["T1"]
)
script = any_issue()      # each issue writes a file of its own
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import JsonValue

from pipeline.rehearsal.script import (
    ANY_ISSUE,
    Answer,
    CallSpec,
    Condition,
    ReplySpec,
    Script,
)
from pipeline.rehearsal.view import AgentName

Action = Literal["create", "modify", "delete"]
Move = CallSpec | ReplySpec | Sequence[CallSpec]
"""What an agent does in one call: one tool, several tools at once, or a reply as it stands."""

PASSES = "test -d ."
"""A test that passes in any repository, and that validation takes for one."""

FILE_STEPS: dict[Action, str] = {
    "create": "create_file",
    "modify": "modify_file",
    "delete": "delete_file",
}


def turn(agent: AgentName, issue: str, *moves: Move, number: int | None = None) -> Script:
    """Return the script of one turn; `number` is its turn number, None for any."""
    replies = tuple(map(_reply, moves))
    return Script((Answer(agent=agent, issue=issue, turn=number, replies=replies),))


def plan(
    issue: str = ANY_ISSUE,
    *,
    files: Mapping[str, Action] | None = None,
    tests: Sequence[str] = (PASSES,),
    tasks: Sequence[dict[str, JsonValue]] = (),
    before: Sequence[Move] = (),
    number: int | None = None,
    **changes: JsonValue,
) -> Script:
    """Return a planning turn: the moves `before`, then `submit_solution`.

    The solution has one task `T1` with `files` and `tests`, or the given `tasks` (see `task`);
    `changes` replace fields of the solution, such as `title` or `acceptance_commands`.
    """
    work = list(tasks) or [task("T1", files=files or {}, tests=tests)]
    submit = submit_solution(tasks=work, **changes)
    return turn("planner", issue, *before, submit, number=number)


def execute(
    issue: str = ANY_ISSUE,
    *,
    edits: Sequence[Move] = (),
    finish: Sequence[str] = ("T1",),
    number: int | None = None,
    **changes: JsonValue,
) -> Script:
    """Return an execution turn: `edits`, then `finish_task` for each of `finish`, then the result.

    `changes` replace fields of `submit_result`.
    """
    moves: list[Move] = [*edits, *map(finish_task, finish), submit_result(**changes)]
    return turn("executor", issue, *moves, number=number)


def any_issue(path: str = "work/{issue_id}.txt") -> Script:
    """Return a script for any number of issues: each writes its id into a file of its own."""
    content = "{issue_id}\n"
    tests = [f"grep -qx '{{issue_id}}' '{path}'"]
    return plan(files={path: "create"}, tests=tests) + execute(edits=[write(path, content)])


def any_issue_adds(path: str, *, below: str = "# Changes\n") -> Script:
    """Return a script for any number of issues: each adds its id to the same file, once.

    The newest stands right below the text `below`, which is in the file once.
    """
    tests = [f"test \"$(grep -cx '{{issue_id}}' '{path}')\" = 1"]
    added = edit(path, below, f"{below}{{issue_id}}\n")
    return plan(files={path: "modify"}, tests=tests) + execute(edits=[added])


def task(
    key: str,
    *,
    files: Mapping[str, Action],
    tests: Sequence[str] = (),
    title: str = "do the work of {issue_id}",
    depends_on: Sequence[str] = (),
    **changes: JsonValue,
) -> dict[str, JsonValue]:
    """Return one task of a solution, with a step for each file."""
    return {
        "id": key,
        "title": title,
        "description": title,
        "depends_on": list(depends_on),
        "files": [{"path": p, "action": a, "change": f"{a} it"} for p, a in files.items()],
        "steps": [
            {"type": FILE_STEPS[a], "target": p, "action": f"{a} {p}", "timeout_s": 300}
            for p, a in files.items()
        ],
        "tests": list(tests),
        **changes,
    }


def submit_solution(*, tasks: Sequence[dict[str, JsonValue]], **changes: JsonValue) -> CallSpec:
    """Return the call that ends a planning turn; `changes` replace its fields."""
    arguments: dict[str, JsonValue] = {
        "request_id": "{request_id}",
        "title": "do what {issue_id} asks for",
        "goal": "What {issue_id} asks for works.",
        "approach": "The direct one.",
        "assumptions": [],
        "clarifying_questions": [],
        "tasks": list(tasks),
        "acceptance_criteria": ["The tests of the tasks pass."],
        "acceptance_commands": [],
        "risks": [],
        "privileges": [],
        "rollback": "Revert the commit.",
        "artifacts": [],
        "score": 0.9,
        "lessons": [],
    }
    return call("submit_solution", **(arguments | changes))


def submit_result(**changes: JsonValue) -> CallSpec:
    """Return the call that ends an execution turn; `changes` replace its fields."""
    arguments: dict[str, JsonValue] = {
        "request_id": "{request_id}",
        "status": "completed",
        "summary": "Did what the plan of {issue_id} says.",
        "tests_passed": True,
        "too_narrow_paths": [],
        "lessons": [],
    }
    return call("submit_result", **(arguments | changes))


def privilege(operation: str, target: str = "") -> dict[str, JsonValue]:
    """Return a privilege that a solution asks for, an entry of its `privileges`."""
    return {"operation": operation, "target": target, "reason": "the work takes it"}


def needs_clarification(*questions: str) -> CallSpec:
    """Return the call that ends a planning turn with questions."""
    return call("needs_clarification", request_id="{request_id}", questions=list(questions))


def read(path: str) -> CallSpec:
    """Return a `read_file` call for a whole file."""
    return call("read_file", path=path)


def edit(path: str, old: str, new: str, *, replace_all: bool = False) -> CallSpec:
    """Return an `edit_file` call."""
    return call("edit_file", path=path, old_string=old, new_string=new, replace_all=replace_all)


def write(path: str, content: str) -> CallSpec:
    """Return a `write_file` call."""
    return call("write_file", path=path, content=content)


def run_command(command: str, timeout_s: int | None = None) -> CallSpec:
    """Return a `run_command` call."""
    return call("run_command", command=command, timeout_s=timeout_s)


def finish_task(key: str, summary: str = "done") -> CallSpec:
    """Return a `finish_task` call."""
    return call("finish_task", task_id=key, summary=summary)


def call(name: str, **arguments: JsonValue) -> CallSpec:
    """Return a call of any tool; arguments that may be null can be left out."""
    return CallSpec(name=name, arguments=arguments)


def only_after(text: str, move: Move) -> ReplySpec:
    """Return `move` as a reply that is left out unless what came back last contains `text`."""
    condition = Condition(last_result_contains=text)
    return _reply(move).model_copy(update={"when": condition})


def _reply(move: Move) -> ReplySpec:
    if isinstance(move, ReplySpec):
        return move
    calls = (move,) if isinstance(move, CallSpec) else tuple(move)
    return ReplySpec(tool_calls=calls)
