"""The arguments of every tool, as the model sends them: flat, strict, every field required."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.domain.plan import RiskLevel
from pipeline.domain.solution import FileAction, Operation, StepType


class Wire(BaseModel):
    """Arguments of a tool call."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class FinalWire(Wire):
    """Arguments of a tool that ends the turn."""

    request_id: str = Field(description="The request_id of this turn, copied from its first line.")


class ReadFile(Wire):
    """Arguments of `read_file`."""

    path: str = Field(
        description="Path relative to the repository's root, or output:N for a kept tool output."
    )
    start_line: int | None = Field(description="First line to show, from 1; null: the beginning.")
    end_line: int | None = Field(description="Last line to show; null: as far as fits.")


class ListFiles(Wire):
    """Arguments of `list_files`."""

    path: str = Field(description="Folder relative to the repository's root; '.' for the root.")
    glob: str | None = Field(
        description="Only paths that match, for example '*.py' or 'src/**/test_*.py'; null: all."
    )


class Search(Wire):
    """Arguments of `search`."""

    pattern: str = Field(description="A Python regular expression, matched line by line.")
    path: str | None = Field(description="Folder or file to search in; null: the whole repository.")
    glob: str | None = Field(description="Only files that match, for example '*.py'; null: all.")


class RunCommand(Wire):
    """Arguments of `run_command`."""

    command: str = Field(description="A script for bash -c; it starts in the repository's root.")
    timeout_s: int | None = Field(description="Seconds after which it is killed; null: the limit.")


class EditFile(Wire):
    """Arguments of `edit_file`."""

    path: str = Field(description="Path relative to the repository's root.")
    old_string: str = Field(
        description="The exact text to replace, whitespace included, without line numbers. "
        "It must occur exactly once unless replace_all is true."
    )
    new_string: str = Field(description="What stands there afterwards.")
    replace_all: bool = Field(description="Replace every occurrence instead of exactly one.")


class WriteFile(Wire):
    """Arguments of `write_file`."""

    path: str = Field(description="Path relative to the repository's root.")
    content: str = Field(description="The whole content of the file afterwards.")


class ApplyPatch(Wire):
    """Arguments of `apply_patch`: OpenAI's native tool hands over one operation a call."""

    type: Literal["create_file", "update_file", "delete_file"]
    path: str = Field(description="Path relative to the repository's root.")
    diff: str | None = Field(
        description="A V4A diff: context lines begin with a space, old ones with -, new ones with "
        "+; a new file has + lines alone; null for delete_file."
    )


class FinishTask(Wire):
    """Arguments of `finish_task`."""

    task_id: str = Field(description="The task that is done, for example T1.")
    summary: str = Field(description="What you did, in one or two sentences.")


class WireFile(Wire):
    """One file of a task."""

    path: str = Field(description="Path relative to the repository's root.")
    action: FileAction
    change: str = Field(description="What changes in this file: names of functions, behaviour.")


class WireStep(Wire):
    """One typed action of a task."""

    type: StepType
    target: str = Field(
        description="For a file step a path that is also in files; else the program or package."
    )
    action: str = Field(description="What is done, in one sentence.")
    content: str | None = Field(
        description="Exact text where the exact text matters (a signature, a message); else null."
    )
    command: str | None = Field(description="The command of an execute_command step; else null.")
    timeout_s: int = Field(description="Seconds a command may take; 300 unless there is a reason.")


class WireTask(Wire):
    """One unit of work."""

    id: str = Field(description="T1, T2, ... in the order of the work.")
    title: str
    description: str = Field(description="All that is needed to do it without asking: what, why.")
    depends_on: list[str] = Field(description="Ids of tasks that must be done before.")
    files: list[WireFile] = Field(description="Every file this task creates, modifies or deletes.")
    steps: list[WireStep] = Field(description="The actions in order; they declare all effects.")
    tests: list[str] = Field(
        description="Commands for bash -c in the root that pass when the task is done. "
        "The pipeline runs them itself."
    )


class WireRisk(Wire):
    """One risk."""

    item: str
    mitigation: str


class WirePrivilege(Wire):
    """A privileged operation that the work needs."""

    operation: Operation
    target: str = Field(
        description="file_write_external: the absolute path of an existing file or folder; else ''."
    )
    reason: str = Field(description="Why the work cannot do without it, for the reviewer.")


class WireLesson(Wire):
    """Something worth knowing for later issues in this repository."""

    kind: Literal["command", "path", "convention"]
    text: str = Field(
        description="At most 160 characters. command: the command alone; path: the path alone; "
        "convention: one sentence."
    )


class SubmitSolution(FinalWire):
    """Arguments of `submit_solution`."""

    title: str = Field(description="The change in a few words, as a commit subject would say it.")
    goal: str = Field(description="What someone can do afterwards that they could not before.")
    approach: str = Field(description="How, and why this way; what was considered and left.")
    assumptions: list[str] = Field(description="What you took as given without proof.")
    clarifying_questions: list[str] = Field(
        description="Questions a reviewer may want to settle; the plan works without answers."
    )
    tasks: list[WireTask]
    acceptance_criteria: list[str] = Field(
        description="Observable behaviour: given this input, that output."
    )
    acceptance_commands: list[str] = Field(
        description="Commands for bash -c in the root that exit 0 only when the issue is solved."
    )
    risks: list[WireRisk]
    risk: RiskLevel | None = Field(
        description="The risk you see, if it is higher than the steps and paths show; else null."
    )
    privileges: list[WirePrivilege] = Field(
        description="Operations outside the plan's steps and tests that the work needs; usually "
        "none."
    )
    rollback: str = Field(description="How the change is taken back, and what would be left over.")
    artifacts: list[str] = Field(description="Names of what the change leaves behind, if anything.")
    score: float = Field(description="Your confidence from 0 to 1 that the plan works as written.")
    minutes: int | None = Field(description="Minutes needed if more than 30 (at most 60); or null.")
    lessons: list[WireLesson]


class SubmitResult(FinalWire):
    """Arguments of `submit_result`."""

    status: Literal["completed", "failed"]
    summary: str = Field(description="What was done, what was not, what a reviewer should look at.")
    tests_passed: bool = Field(description="Whether the tests passed when you last ran them.")
    failed_task_id: str | None = Field(description="The task that could not be done; else null.")
    reason: str | None = Field(description="Why it failed, with evidence; null when completed.")
    too_narrow_paths: list[str] = Field(
        description="Paths the work needs but the plan does not allow; empty when it allows all."
    )
    lessons: list[WireLesson]


class NeedsClarification(FinalWire):
    """Arguments of `needs_clarification`."""

    questions: list[str] = Field(
        description="Each answerable in a sentence, with what you would do by default."
    )
