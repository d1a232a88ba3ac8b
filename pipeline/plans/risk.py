"""How risky a plan is: the highest of its steps, by seed 002's table, and its reasons.

A file that no step of its task speaks of counts like the step that would make the same change. A
command that is also a test is no step of its own: tests run in the sandbox in any case.
"""

import re
from collections.abc import Iterator

from pipeline.domain.plan import PlanRisk, RiskLevel
from pipeline.domain.solution import FileAction, Solution, Step, StepType, Task
from pipeline.plans.globs import matches

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

CRITICAL_PATHS: dict[str, str] = {
    ".github/workflows/**": "CI runs it with the project's secrets",
    ".github/actions/**": "CI runs it with the project's secrets",
    ".circleci/**": "CI runs it with the project's secrets",
    ".gitlab-ci.yml": "CI runs it with the project's secrets",
    "**/Jenkinsfile": "CI runs it with the project's secrets",
    "**/.env": "it holds secrets",
    "**/.env.*": "it holds secrets",
    "**/CODEOWNERS": "it says who has to review what",
}
"""Globs whose change is CRITICAL, and why."""

CRITICAL_WORDS = frozenset(
    {
        *("auth", "authentication", "authorization", "oauth", "jwt", "login", "permission"),
        *("permissions", "password", "passwords", "passwd", "secret", "secrets", "credential"),
        *("credentials", "crypto", "sudoers"),
    }
)
"""Words in a path that make its change CRITICAL: it decides about access (seed 002)."""

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def assess(solution: Solution) -> PlanRisk:
    """Return the level of the riskiest effect, and every effect above LOW as a line."""
    found = [effect for task in solution.tasks for effect in _effects(task, solution)]
    found += [
        (RiskLevel.CRITICAL, f"{path}: {reason}")
        for path in solution.paths
        if (reason := critical_path(path))
    ]
    if not found:
        return PlanRisk(level=RiskLevel.LOW, reasons=("LOW: changes nothing",))
    level = max((one for one, _ in found), key=lambda risk: risk.rank)
    found.sort(key=lambda pair: -pair[0].rank)
    lines = [f"{one}: {text}" for one, text in found if one.rank > RiskLevel.LOW.rank]
    return PlanRisk(
        level=level, reasons=tuple(dict.fromkeys(lines)) or ("LOW: only creates files",)
    )


def critical_path(path: str) -> str | None:
    """Return why a change of `path` concerns the project's security, or None."""
    for glob, reason in CRITICAL_PATHS.items():
        if matches(path, glob):
            return reason
    words = {word.lower() for word in WORD.findall(path)} & CRITICAL_WORDS
    return f"its name says {min(words)!r}: it may decide about access" if words else None


def _effects(task: Task, solution: Solution) -> Iterator[tuple[RiskLevel, str]]:
    tests = {*task.tests, *solution.acceptance.commands}
    targets = {step.target for step in task.steps}
    for step in task.steps:
        if step.type is not StepType.EXECUTE_COMMAND or step.command not in tests:
            yield STEP_RISK[step.type], f"{task.id} {VERBS[step.type]} {_object(step)}"
    for change in task.files:
        if change.path not in targets or change.action is FileAction.DELETE:
            kind = STEP_OF_ACTION[change.action]
            yield STEP_RISK[kind], f"{task.id} {VERBS[kind]} {change.path}"


def _object(step: Step) -> str:
    if step.type is StepType.EXECUTE_COMMAND:
        return repr(step.command or step.target)
    return step.target
