"""How risky a plan is: the highest of its effects, and all of them as reasons.

steps        seed 002's table; a file that no step speaks of counts like the step for it
paths        `risk_paths.PATH_RULES`
commands     `risk_commands.COMMAND_RULES`; a command that is also a test is no step of its own
privileges   `privileges.TERMS`
the agent    its word can raise the level, never lower it
"""

from collections.abc import Iterator

from pipeline.domain.plan import PlanRisk, RiskLevel
from pipeline.domain.solution import FileAction, Solution, Step, StepType, Task
from pipeline.plans.privileges import TERMS
from pipeline.plans.risk_commands import command_risks
from pipeline.plans.risk_paths import path_risks

STEP_RISK: dict[StepType, RiskLevel] = {
    StepType.CREATE_FILE: RiskLevel.LOW,
    StepType.MODIFY_FILE: RiskLevel.MEDIUM,
    StepType.DELETE_FILE: RiskLevel.HIGH,
    StepType.EXECUTE_COMMAND: RiskLevel.HIGH,
    StepType.REFACTOR_CODE: RiskLevel.MEDIUM,
    StepType.INSTALL_PACKAGE: RiskLevel.MEDIUM,
}

STEP_OF_ACTION: dict[FileAction, StepType] = {
    FileAction.CREATE: StepType.CREATE_FILE,
    FileAction.MODIFY: StepType.MODIFY_FILE,
    FileAction.DELETE: StepType.DELETE_FILE,
}

VERBS: dict[StepType, str] = {
    StepType.CREATE_FILE: "creates",
    StepType.MODIFY_FILE: "modifies",
    StepType.DELETE_FILE: "deletes",
    StepType.EXECUTE_COMMAND: "runs",
    StepType.REFACTOR_CODE: "refactors",
    StepType.INSTALL_PACKAGE: "installs",
}

Effect = tuple[RiskLevel, str]
"""A level, and what brings it in words."""


def assess(solution: Solution) -> PlanRisk:
    """Return the level of the riskiest effect, and every effect above LOW as a line."""
    found = list(_effects(solution))
    seen = max((level for level, _ in found), key=_rank, default=RiskLevel.LOW)
    said = solution.risk_level or seen
    if said.rank > seen.rank:
        found.append((said, f"the planner says so; what it plans shows {seen}"))
    found.sort(key=lambda pair: -pair[0].rank)
    lines = [f"{level}: {text}" for level, text in found if level is not RiskLevel.LOW]
    if not lines:
        lines = ["LOW: only creates files" if found else "LOW: changes nothing"]
    return PlanRisk(level=max(seen, said, key=_rank), reasons=tuple(dict.fromkeys(lines)))


def _rank(level: RiskLevel) -> int:
    return level.rank


def _effects(solution: Solution) -> Iterator[Effect]:
    for task in solution.tasks:
        yield from _steps(task, solution)
    for path in solution.paths:
        for level, reason in path_risks(path, solution.actions(path)):
            yield level, f"{path}: {reason}"
    for command in _commands(solution):
        yield from command_risks(command)
    for asked in solution.privileges:
        terms = TERMS[asked.operation]
        yield terms.risk, f"asks for {asked.name}: {terms.means}"


def _steps(task: Task, solution: Solution) -> Iterator[Effect]:
    tests = {*task.tests, *solution.acceptance.commands}
    targets = {step.target for step in task.steps}
    for step in task.steps:
        if step.type is not StepType.EXECUTE_COMMAND or step.command not in tests:
            yield STEP_RISK[step.type], f"{task.id} {VERBS[step.type]} {_object(step)}"
    for change in task.files:
        if change.path not in targets or change.action is FileAction.DELETE:
            kind = STEP_OF_ACTION[change.action]
            yield STEP_RISK[kind], f"{task.id} {VERBS[kind]} {change.path}"


def _commands(solution: Solution) -> Iterator[str]:
    for task in solution.tasks:
        yield from (step.command for step in task.steps if step.command is not None)
        yield from task.tests
    yield from solution.acceptance.commands


def _object(step: Step) -> str:
    if step.type is StepType.EXECUTE_COMMAND:
        return repr(step.command or step.target)
    return step.target
