"""A solution: what the Planning agent returns for an issue; tasks, acceptance, risks."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pipeline.domain.base import DerivedId, Id, Noun
from pipeline.domain.plan import RiskLevel

TaskId = Annotated[str, StringConstraints(pattern=r"^T[0-9]{1,3}$")]


class FileAction(StrEnum):
    """What happens to a file."""

    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"


class StepType(StrEnum):
    """The typed actions of seed 002; they declare effects and drive risk, grants and the fence."""

    CREATE_FILE = "create_file"
    MODIFY_FILE = "modify_file"
    DELETE_FILE = "delete_file"
    EXECUTE_COMMAND = "execute_command"
    REFACTOR_CODE = "refactor_code"
    INSTALL_PACKAGE = "install_package"


class Operation(StrEnum):
    """What nobody may do unless the approval of a plan grants it (seed 000's privileged tier)."""

    NETWORK = "network"
    INSTALL = "install"
    GIT_DESTRUCTIVE = "git_destructive"
    FILE_WRITE_EXTERNAL = "file_write_external"
    SHELL_EXEC = "shell_exec"


class Privilege(Noun):
    """A privileged operation that a solution asks for."""

    operation: Operation
    target: str = ""
    """`file_write_external`: the absolute path; else what it is for, or empty."""
    reason: str = ""

    @property
    def name(self) -> str:
        """Return how a grant names it: `shell_exec`, `file_write_external:/srv/data`."""
        return f"{self.operation}:{self.target}" if self.target else str(self.operation)


class FileChange(Noun):
    """One file that a task may touch."""

    path: str
    """Relative to the repository's root, with `/`, without `..`."""
    action: FileAction
    change: str = ""
    """What changes in it, in words."""


class Step(Noun):
    """One typed action inside a task. The agent does the work; there is no step interpreter."""

    type: StepType
    target: str
    """A path for a file step, a program or package for the others."""
    action: str = ""
    content: str | None = None
    line_range: tuple[int, int] | None = None
    command: str | None = None
    timeout_s: int = Field(300, gt=0)
    checkpoint: bool = False


class Task(Noun):
    """One unit of work inside a solution, with its own tests."""

    id: TaskId
    title: str
    description: str = ""
    depends_on: tuple[TaskId, ...] = ()
    files: tuple[FileChange, ...] = ()
    steps: tuple[Step, ...] = ()
    tests: tuple[str, ...] = ()
    """Strings for `bash -c` in the workspace's root."""


class Acceptance(Noun):
    """How anyone can tell that the issue is solved."""

    criteria: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


class Risk(Noun):
    """Something that may go wrong, and what to do about it."""

    item: str
    mitigation: str = ""


LESSON_CHARS = 160


class Lesson(Noun):
    """Something worth knowing for later issues; kept only on evidence."""

    kind: Literal["command", "path", "convention"]
    text: Annotated[str, StringConstraints(max_length=LESSON_CHARS)]


class Solution(Noun):
    """What the Planning agent returns for an issue."""

    solution_id: DerivedId
    """`SOL-<issue id>-<n>`"""
    issue_id: Id
    title: str
    goal: str = ""
    approach: str = ""
    assumptions: tuple[str, ...] = ()
    clarifying_questions: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    acceptance: Acceptance = Acceptance()
    risks: tuple[Risk, ...] = ()
    risk_level: RiskLevel | None = None
    """The risk that the agent sees; it can raise the computed one, never lower it."""
    privileges: tuple[Privilege, ...] = ()
    rollback: str = ""
    artifacts: tuple[str, ...] = ()
    score: float = Field(0.0, ge=0, le=1)
    lessons: tuple[Lesson, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths of all tasks' files, sorted, each once."""
        return tuple(sorted({change.path for task in self.tasks for change in task.files}))

    @property
    def deletes(self) -> frozenset[str]:
        """Return the paths that the plan says are deleted."""
        return frozenset(path for path in self.paths if FileAction.DELETE in self.actions(path))

    def actions(self, path: str) -> frozenset[FileAction]:
        """Return what the tasks do to `path`."""
        return frozenset(c.action for task in self.tasks for c in task.files if c.path == path)
