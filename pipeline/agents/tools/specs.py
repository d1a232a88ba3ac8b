"""The catalogue of tools: what the model is told of each, and what the pipeline knows of it."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import JsonValue

from pipeline.agents.messages import ToolSpec
from pipeline.agents.tools import wire
from pipeline.agents.tools.schema import strict_schema
from pipeline.agents.tools.wire import Wire


@dataclass(frozen=True)
class ToolKind:
    """A tool without what it is bound to in a turn."""

    name: str
    description: str
    model: type[Wire]
    summary: Callable[[Wire], str]
    """One line for the person who watches."""
    effects: bool = False
    """Whether it may change something outside this process."""
    final: bool = False
    """Whether it ends the turn."""

    @property
    def spec(self) -> ToolSpec:
        """Return the tool as the model sees it."""
        return ToolSpec(self.name, self.description, self.schema)

    @property
    def schema(self) -> dict[str, JsonValue]:
        """Return the strict JSON Schema of the arguments."""
        return strict_schema(self.model)


def shows(*fields: str) -> Callable[[Wire], str]:
    """Return a summary of the named fields, without those that are None."""

    def summary(arguments: Wire) -> str:
        values = (getattr(arguments, field) for field in fields)
        return " ".join(str(value) for value in values if value is not None)

    return summary


_KINDS = (
    ToolKind(
        "read_file",
        "Show a text file with line numbers, or a kept output (output:N). Long files come in "
        "pages; the last line says how to read on. Read the part you need: search first, then "
        "read around the hit. Line numbers are not part of the file.",
        wire.ReadFile,
        shows("path", "start_line", "end_line"),
    ),
    ToolKind(
        "list_files",
        "List the files below a folder, sorted, with their sizes in bytes. Caches and installed "
        "dependencies are left out unless you name them as the path.",
        wire.ListFiles,
        shows("path", "glob"),
    ),
    ToolKind(
        "search",
        "Find the lines that match a Python regular expression, as path:line: text. The quickest "
        "way to a definition or to all callers of a name.",
        wire.Search,
        shows("pattern", "path", "glob"),
    ),
    ToolKind(
        "run_command",
        "Run a script with bash -c in the repository's root and return its exit code and output "
        "(both streams). There is no network, no keyboard and no state between calls except what "
        "is on disk. Long output is shortened in the middle; the whole is kept as output:N.",
        wire.RunCommand,
        shows("command"),
        effects=True,
    ),
    ToolKind(
        "edit_file",
        "Replace an exact piece of a text file. old_string must occur exactly once: include enough "
        "surrounding lines to make it unique, or set replace_all. This is how existing files are "
        "changed.",
        wire.EditFile,
        shows("path"),
        effects=True,
    ),
    ToolKind(
        "write_file",
        "Create a file, or replace the whole of one. Missing folders are made. For a change to a "
        "part of a file use edit_file.",
        wire.WriteFile,
        shows("path"),
        effects=True,
    ),
    ToolKind(
        "apply_patch",
        "Create, change or delete one text file with a V4A diff. This is how files are changed.",
        wire.ApplyPatch,
        shows("type", "path"),
        effects=True,
    ),
    ToolKind(
        "finish_task",
        "Say that a task is done. The pipeline then runs that task's tests and returns what it "
        "saw. If they fail, mend the cause and call it again.",
        wire.FinishTask,
        shows("task_id", "summary"),
        effects=True,
    ),
    ToolKind(
        "submit_solution",
        "Answer a planning request with the plan. It is checked; problems come back to you. "
        "An accepted plan ends the turn.",
        wire.SubmitSolution,
        shows("title"),
        final=True,
    ),
    ToolKind(
        "submit_result",
        "Answer an execution request. completed: every task was finished with finish_task; the "
        "pipeline then verifies the whole change and returns failures to you. failed: say which "
        "task, why, and which paths the plan would have had to allow.",
        wire.SubmitResult,
        shows("status", "summary"),
        final=True,
    ),
    ToolKind(
        "needs_clarification",
        "Answer a planning request with questions instead of a plan: only when the code cannot "
        "answer them and a wrong guess would make the work useless. Ends the turn.",
        wire.NeedsClarification,
        shows("questions"),
        final=True,
    ),
)

KINDS: dict[str, ToolKind] = {kind.name: kind for kind in _KINDS}
