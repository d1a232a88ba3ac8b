"""A workspace with its tools, for tests: a real folder, a real sandbox, handlers that remember."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.agents.messages import ToolCall, ToolResult
from pipeline.agents.permits import Permits
from pipeline.agents.toolbox import (
    Accepted,
    Answered,
    Leash,
    Output,
    Returned,
    Toolbox,
    Verdict,
)
from pipeline.agents.tools.boxes import executor_toolbox, planner_toolbox
from pipeline.agents.tools.wire import SubmitResult, SubmitSolution
from pipeline.domain.solution import Operation, Privilege
from pipeline.events import Event, EventBus
from pipeline.sandbox import Jail, Sandbox, Unconfined
from tests.builders import write_files

REQUEST = "ISS-1.1"
LONG = Leash(lambda: 60.0, lambda: False)


@dataclass
class Desk:
    """A workspace mounted at a checkout, and everything its tools told."""

    folder: Path
    sandbox: Sandbox = field(default_factory=Unconfined)
    keep: tuple[str, ...] = ()
    events: list[Event] = field(default_factory=list)
    finished: list[tuple[str, str]] = field(default_factory=list)
    outside: tuple[Path, ...] = ()
    listed: tuple[str, ...] = ()
    privileges: tuple[Privilege, ...] = (Privilege(operation=Operation.SHELL_EXEC),)
    on_finish: Callable[[str, str, Leash], Verdict] | None = None
    """Takes the place of the task's tests."""
    on_event: Callable[[Event], object] = lambda event: None
    verdict: Verdict | None = None
    """What every judge says; None: it accepts what it was given."""

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def jail(self) -> Jail:
        keep = tuple(self.checkout / name for name in self.keep)
        objects = self.folder / "objects"
        return Jail(self.workspace, self.checkout, objects, keep=keep, write=self.outside)

    def write(self, files: dict[str, str]) -> "Desk":
        self.checkout.mkdir(parents=True, exist_ok=True)
        write_files(self.workspace, files)
        return self

    def executor(self, request_id: str = REQUEST) -> Toolbox:
        return executor_toolbox(
            **self._common(request_id),
            finish_task=self._finish,
            accept_result=self._accept,
            permits=self.permits,
        )

    @property
    def permits(self) -> Permits:
        return Permits(
            listed=self.listed, privileges=self.privileges, jail=self.jail, sandbox=self.sandbox
        )

    def planner(self) -> Toolbox:
        return planner_toolbox(
            **self._common(), accept_solution=self._accept, accept_questions=self._accept
        )

    def call(self, name: str, **arguments: object) -> ToolResult:
        """Call a tool of the executor that does not end a turn."""
        result = send(self.executor(), name, **arguments)
        assert isinstance(result, ToolResult)
        return result

    def _common(self, request_id: str = REQUEST) -> dict[str, object]:
        return {
            "request_id": request_id,
            "issue_id": "ISS-1",
            "jail": self.jail,
            "sandbox": self.sandbox,
            "outputs": self.folder / "outputs",
            "bus": EventBus([self.events.append, lambda event: self.on_event(event)]),
        }

    def _finish(self, task_id: str, summary: str, leash: Leash) -> Verdict:
        self.finished.append((task_id, summary))
        if self.on_finish is not None:
            return self.on_finish(task_id, summary, leash)
        return self.verdict or Output(f"{task_id}: all tests passed")

    def _accept(
        self, sent: SubmitSolution | SubmitResult | tuple[str, ...], leash: Leash = LONG
    ) -> Verdict:
        return self.verdict or Accepted(sent)


def send(box: Toolbox, name: str, **arguments: object) -> ToolResult | Returned | Answered:
    """Call a tool as a model would."""
    return box.call(ToolCall("call-1", name, json.dumps(arguments)), LONG)


def solution_arguments(**changes: object) -> dict[str, object]:
    """Return the arguments of a valid `submit_solution`."""
    return {
        "request_id": REQUEST,
        "title": "Reject expired tokens",
        "goal": "An expired token no longer opens a session.",
        "approach": "Compare `exp` in verify_token of src/auth.py.",
        "assumptions": [],
        "risk": None,
        "privileges": [],
        "clarifying_questions": [],
        "tasks": [
            {
                "id": "T1",
                "title": "Check the expiry",
                "description": "verify_token raises Expired when exp lies in the past.",
                "depends_on": [],
                "files": [{"path": "src/auth.py", "action": "modify", "change": "check exp"}],
                "steps": [
                    {
                        "type": "modify_file",
                        "target": "src/auth.py",
                        "action": "check exp",
                        "content": None,
                        "command": None,
                        "timeout_s": 300,
                    }
                ],
                "tests": ["python -m pytest -q tests/test_auth.py"],
            }
        ],
        "acceptance_criteria": ["An expired token gives 401."],
        "acceptance_commands": ["python -m pytest -q"],
        "risks": [{"item": "clock skew", "mitigation": "60 s leeway"}],
        "rollback": "Revert the commit.",
        "artifacts": [],
        "score": 0.9,
        "minutes": None,
        "lessons": [{"kind": "command", "text": "python -m pytest -q"}],
        **changes,
    }


def result_arguments(**changes: object) -> dict[str, object]:
    """Return the arguments of a valid `submit_result`."""
    return {
        "request_id": REQUEST,
        "status": "completed",
        "summary": "verify_token now checks exp.",
        "tests_passed": True,
        "failed_task_id": None,
        "reason": None,
        "too_narrow_paths": [],
        "lessons": [],
        **changes,
    }
