"""The roles of agents: which tools each one has, and the head of its conversation."""

from collections.abc import Callable, Collection, Sequence

from pipeline.agents.messages import Head, ToolSpec
from pipeline.agents.permits import Denial, Permits
from pipeline.agents.prompts import Prompts
from pipeline.agents.tools.specs import KINDS
from pipeline.agents.tools.wire import RunCommand, Wire
from pipeline.settings import Limits

PLANNER = "planner"
EXECUTOR = "executor"

TOOLS: dict[str, tuple[str, ...]] = {
    PLANNER: (
        "list_files",
        "needs_clarification",
        "read_file",
        "run_command",
        "search",
        "submit_solution",
    ),
    EXECUTOR: (
        "apply_patch",
        "edit_file",
        "finish_task",
        "list_files",
        "read_file",
        "run_command",
        "search",
        "submit_result",
        "write_file",
    ),
}
"""Sorted. A tool that a role lacks does not exist for it, whatever a text says."""

BY_TEXT = ("edit_file", "write_file")
BY_PATCH = ("apply_patch",)
EDIT_TOOLS = frozenset({*BY_TEXT, *BY_PATCH})
"""Ways to change files: an executor has one of them, whichever its model was trained on."""

SHELL_TEXT: dict[tuple[str, bool], str] = {
    (PLANNER, True): "prompt-shell-planner",
    (PLANNER, False): "prompt-no-shell",
    (EXECUTOR, True): "prompt-shell-executor",
    (EXECUTOR, False): "prompt-no-shell",
}


class RolePolicy:
    """Allows exactly the tools of a role."""

    def __init__(self, role: str) -> None:
        self._role = role

    def refusal(self, tool: str, arguments: Wire) -> str | None:
        """Return why the role may not use `tool`; None when it may."""
        if tool in TOOLS[self._role]:
            return None
        return f"the {self._role} has no tool {tool!r}"


class PlanPolicy(RolePolicy):
    """Allows the tools of a role, and of the commands those that the plan's approval allows."""

    def __init__(self, role: str, permits: Permits) -> None:
        super().__init__(role)
        self._permits = permits

    def refusal(self, tool: str, arguments: Wire) -> str | None:
        """Return why the call may not be made; None when it may, if only to look."""
        refused = super().refusal(tool, arguments)
        if refused is not None or not isinstance(arguments, RunCommand):
            return refused
        judged = self._permits.judge(arguments.command)
        return judged.reason if isinstance(judged, Denial) else None


def tool_names(
    role: str, *, has_shell: bool, edit_tools: Collection[str] = BY_TEXT
) -> tuple[str, ...]:
    """Return the tools of a role, sorted; without a shell there is no run_command."""
    missing = EDIT_TOOLS.difference(edit_tools) | (set() if has_shell else {"run_command"})
    return tuple(name for name in TOOLS[role] if name not in missing)


def specs(
    role: str, *, has_shell: bool, edit_tools: Collection[str] = BY_TEXT
) -> tuple[ToolSpec, ...]:
    """Return what a role's model is told of its tools."""
    names = tool_names(role, has_shell=has_shell, edit_tools=edit_tools)
    return tuple(KINDS[name].spec for name in names)


def make_head(
    role: str,
    prompts: Prompts,
    context: str,
    *,
    has_shell: bool,
    limits: Limits | None = None,
    edit_tools: Sequence[str] = BY_TEXT,
) -> Head:
    """Return the frozen part of a role's conversation; `has_shell` as the sandbox says."""
    shell = prompts.render(SHELL_TEXT[role, has_shell]).strip()
    facts = LIMIT_FACTS[role](limits or Limits())
    variables = {"shell": shell, **{name: str(value) for name, value in facts.items()}}
    if role == EXECUTOR:
        variables["edit_tools"] = " and ".join(f"`{name}`" for name in edit_tools)
    system = prompts.render(f"{role}-system", variables)
    return Head(specs(role, has_shell=has_shell, edit_tools=edit_tools), system, context)


LIMIT_FACTS: dict[str, Callable[[Limits], dict[str, int]]] = {
    PLANNER: lambda limits: {
        "calls": limits.calls_per_turn,
        "minutes": limits.planning_minutes,
        "command_seconds": limits.command_seconds,
        "answer_errors": limits.answer_errors,
    },
    EXECUTOR: lambda limits: {
        "calls": limits.calls_per_turn,
        "command_seconds": limits.command_seconds,
        "failing_finishes": limits.failing_finishes,
        "repair_rounds": limits.repair_rounds,
    },
}
"""What a role's system prompt says of its limits."""
