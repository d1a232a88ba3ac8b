"""Privileged operations: what each allows, how risky it is, who may grant it, what has to be asked.

A solution asks for them, the approval of its plan grants them to that plan alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.domain.plan import RiskLevel, Role
from pipeline.domain.solution import Operation, Privilege, Solution, StepType
from pipeline.plans.sanitize import clean


@dataclass(frozen=True)
class Terms:
    """What granting one operation means."""

    means: str
    risk: RiskLevel
    role: Role
    """The lowest role that may grant it."""
    source: str
    """Where role and risk come from."""
    refused: str = ""
    """Why nobody can grant it, and what to do instead; empty: it can be granted."""


TERMS: dict[Operation, Terms] = {
    Operation.NETWORK: Terms(
        "commands reach the network",
        RiskLevel.HIGH,
        Role.MAINTAINER,
        "seed 000's matrix: a maintainer; HIGH is what a maintainer decides about",
        refused=(
            "cannot be granted: there is no filtering proxy, so a command would reach every "
            "address; plan without the network, or ask a person for what has to be downloaded"
        ),
    ),
    Operation.INSTALL: Terms(
        "package managers run",
        RiskLevel.MEDIUM,
        Role.MAINTAINER,
        "seed 000's matrix: a maintainer; seed 002's `install_package`: MEDIUM",
    ),
    Operation.GIT_DESTRUCTIVE: Terms(
        "git commands that throw history away, in the workspace",
        RiskLevel.CRITICAL,
        Role.ADMIN,
        "seed 000's matrix: an admin; CRITICAL is what an admin decides about",
    ),
    Operation.FILE_WRITE_EXTERNAL: Terms(
        "one named place outside the workspace is written",
        RiskLevel.CRITICAL,
        Role.ADMIN,
        "no fence, test or rollback reaches it, so it takes the highest role",
    ),
    Operation.SHELL_EXEC: Terms(
        "commands that are not in the plan's steps and tests",
        RiskLevel.HIGH,
        Role.MAINTAINER,
        "seed 002's `execute_command`: HIGH, which a maintainer decides about",
    ),
}
"""Seed 000's privileged operations; complete."""


def who_grants(operation: Operation) -> str:
    """Return who may grant an operation, for people: `a maintainer`."""
    terms = TERMS[operation]
    return "what nobody can grant yet" if terms.refused else with_article(terms.role)


def with_article(role: Role) -> str:
    """Return a role as people say it: `a maintainer`, `an admin`."""
    return f"an {role}" if role is Role.ADMIN else f"a {role}"


def privilege_problems(solution: Solution) -> Iterator[str]:
    """Yield what is wrong with what a solution asks for, one line each, for its author."""
    names: set[str] = set()
    for n, asked in enumerate(solution.privileges):
        place = f"privileges[{n}]"
        if refused := TERMS[asked.operation].refused:
            yield f"{place}.operation: {asked.operation} {refused}"
        if problem := _target_problem(asked):
            yield f"{place}.target: {asked.target!r} {problem}"
        if not clean(asked.reason, one_line=True):
            yield f"{place}.reason: is empty: say why the work cannot do without it"
        if asked.name in names:
            yield f"{place}: {asked.name!r} is there twice: ask for it once"
        names.add(asked.name)
    yield from _undeclared_installs(solution)


def _undeclared_installs(solution: Solution) -> Iterator[str]:
    if any(asked.operation is Operation.INSTALL for asked in solution.privileges):
        return
    for i, task in enumerate(solution.tasks):
        for n, step in enumerate(task.steps):
            if step.type is StepType.INSTALL_PACKAGE:
                yield (
                    f"tasks[{i}].steps[{n}].type: install_package needs the privilege 'install': "
                    "ask for it in privileges, or plan with what is installed"
                )


def _target_problem(asked: Privilege) -> str | None:
    target = asked.target
    if clean(target, one_line=True) != target:
        return "has control or invisible characters: write it plainly"
    if asked.operation is not Operation.FILE_WRITE_EXTERNAL:
        return None
    parts = target.split("/")
    if len(parts) < 2 or parts[0] or any(part in ("", ".", "..") for part in parts[1:]):
        return "is no place outside the repository: give the absolute path of one, without '..'"
    return None
