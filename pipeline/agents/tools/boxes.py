"""The toolbox of one turn, bound to its workspace, its sandbox and its judges."""

from collections.abc import Collection
from pathlib import Path

from pipeline.agents.permits import Permit, Permits
from pipeline.agents.roles import (
    BY_TEXT,
    EXECUTOR,
    PLANNER,
    PlanPolicy,
    RolePolicy,
    tool_names,
)
from pipeline.agents.toolbox import Handler, Policy, Tool, Toolbox
from pipeline.agents.tools.answers import (
    Finisher,
    QuestionsJudge,
    ResultJudge,
    SolutionJudge,
    asking,
    finishing,
    submitting_result,
    submitting_solution,
)
from pipeline.agents.tools.command import Commands, Judge, always
from pipeline.agents.tools.files import Files
from pipeline.agents.tools.listing import Listing
from pipeline.agents.tools.outputs import Outputs
from pipeline.agents.tools.room import Room
from pipeline.agents.tools.search import Searching
from pipeline.agents.tools.specs import KINDS
from pipeline.events import EventBus
from pipeline.sandbox import Jail, Sandbox
from pipeline.store.redaction import Redaction

COMMAND_SECONDS = 300


def planner_toolbox(
    *,
    request_id: str,
    issue_id: str,
    jail: Jail,
    sandbox: Sandbox,
    outputs: Path,
    bus: EventBus,
    accept_solution: SolutionJudge,
    accept_questions: QuestionsJudge,
    command_seconds: int = COMMAND_SECONDS,
    policy: Policy | None = None,
    redaction: Redaction | None = None,
    passed: set[str] | None = None,
) -> Toolbox:
    """Return the tools of a planning turn; `outputs` is the folder for long outputs.

    `passed` collects the commands that exit with 0.
    """
    kept = Outputs(outputs)
    handlers = {
        **_reading(jail, sandbox, always(Permit("plan")), kept, command_seconds, passed),
        "submit_solution": submitting_solution(accept_solution),
        "needs_clarification": asking(accept_questions),
    }
    names = tool_names(PLANNER, has_shell=sandbox.has_shell("plan"))
    return Toolbox(
        {name: Tool(KINDS[name], handlers[name]) for name in names},
        role=PLANNER,
        issue_id=issue_id,
        request_id=request_id,
        policy=policy or RolePolicy(PLANNER),
        bus=bus,
        outputs=kept,
        redaction=redaction,
    )


def executor_toolbox(
    *,
    request_id: str,
    issue_id: str,
    jail: Jail,
    sandbox: Sandbox,
    outputs: Path,
    bus: EventBus,
    finish_task: Finisher,
    accept_result: ResultJudge,
    permits: Permits,
    edit_tools: Collection[str] = BY_TEXT,
    command_seconds: int = COMMAND_SECONDS,
    policy: Policy | None = None,
    redaction: Redaction | None = None,
) -> Toolbox:
    """Return the tools of an execution turn; `outputs` is the folder for long outputs.

    `permits` say which commands may write; `edit_tools` are those that the model's head offers.
    """
    kept = Outputs(outputs)
    files = Files(Room(jail), kept)
    handlers = {
        **_reading(jail, sandbox, permits.judge, kept, command_seconds),
        "apply_patch": files.apply_patch,
        "edit_file": files.edit_file,
        "write_file": files.write_file,
        "finish_task": finishing(finish_task),
        "submit_result": submitting_result(accept_result),
    }
    has_shell = sandbox.has_shell("execute")
    names = tool_names(EXECUTOR, has_shell=has_shell, edit_tools=edit_tools)
    return Toolbox(
        {name: Tool(KINDS[name], handlers[name]) for name in names},
        role=EXECUTOR,
        issue_id=issue_id,
        request_id=request_id,
        policy=policy or PlanPolicy(EXECUTOR, permits),
        bus=bus,
        outputs=kept,
        redaction=redaction,
    )


def _reading(
    jail: Jail,
    sandbox: Sandbox,
    judge: Judge,
    outputs: Outputs,
    command_seconds: int,
    passed: set[str] | None = None,
) -> dict[str, Handler]:
    room = Room(jail)
    return {
        "read_file": Files(room, outputs).read_file,
        "list_files": Listing(room).list_files,
        "search": Searching(room).search,
        "run_command": Commands(sandbox, jail, judge, command_seconds, passed).run_command,
    }
