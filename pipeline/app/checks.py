"""What `pipeline doctor` looks at: each check says what it found, and the command that mends it."""

import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline import git
from pipeline.agents.prompt_levels import PromptLevels
from pipeline.agents.providers.capabilities import model_of
from pipeline.agents.providers.registry import PROVIDERS, find_access, has_key
from pipeline.app.check import Check
from pipeline.app.contents import missing_contents
from pipeline.app.hiding import redaction_of
from pipeline.app.project import Project
from pipeline.app.surroundings import (
    NO_TESTS,
    VENDORS,
    base_check,
    github_check,
    look_at_files,
    set_up_check,
)
from pipeline.errors import AuthProblem, PipelineError, SandboxMissing
from pipeline.events import EventBus
from pipeline.execution.verify import Verifier
from pipeline.execution.workspace import Workspaces, refuse_partial
from pipeline.sandbox import Kind, find_sandbox
from pipeline.settings import AgentRole, Provider
from pipeline.store.locks import mount_of, require_locks, try_lock

SANDBOXES: dict[Kind, str] = {
    "bwrap": "bubblewrap",
    "landlock": "Landlock, which is weaker than bubblewrap,",
    "none": "none",
}


def run_checks(project: Project) -> Iterator[Check]:
    """Yield the checks one by one, quick ones first; none of them changes anything."""
    for check in CHECKS:
        yield check(project)


def _git(project: Project) -> Check:
    version = git.version()
    shown = ".".join(str(part) for part in version)
    good = version[:2] >= git.OLDEST
    wanted = ".".join(map(str, git.OLDEST))
    return Check(
        "git", good, shown, None if good else f"sudo apt-get install git ({wanted} or newer)"
    )


def _python(project: Project) -> Check:
    return Check("python", True, platform.python_version())


def _prompts(project: Project) -> Check:
    """Look at the overridden prompts, as every run does before it begins."""
    prompts = PromptLevels(project.places).prompts
    overrides = prompts.overrides()
    problems = [problem for path in overrides if (problem := prompts.problem(path))]
    if problems:
        found = f"{len(problems)} of {len(overrides)} overrides cannot be used"
        return Check("prompts", False, found, problems[0])
    return Check("prompts", True, f"{len(overrides)} overridden" if overrides else "as shipped")


def _key(role: AgentRole) -> Callable[[Project], Check]:
    def check(project: Project) -> Check:
        chosen = project.settings.planner if role == "planner" else project.settings.executor
        name = f"{role} key"
        try:
            return Check(name, True, _access(project, role))
        except AuthProblem:
            return Check(name, False, f"no key for {chosen.model}", _set_key(role, chosen.provider))
        except PipelineError as error:
            return Check(name, False, f"{chosen.model} at {chosen.provider}", str(error))

    return check


def _set_key(role: AgentRole, provider: Provider) -> str:
    """Return the command that gives a role its key, or takes it to another vendor."""
    variable = PROVIDERS[provider].key_variables[-1]
    others = [name for name in VENDORS if name != provider]
    return f"export {variable}=..., or add --{role}-provider {others[0]} where you run it"


def _access(project: Project, role: AgentRole) -> str:
    """Return what a role's agent will talk to; raises what `find_access` does."""
    settings = project.settings.planner if role == "planner" else project.settings.executor
    find_access(settings, os.environ, role=role, rehearsal=project.settings.rehearsal)
    keyed = project.settings.rehearsal or has_key(settings.provider, os.environ)
    key = "the key is set" if keyed else "it goes without a key"
    return f"{model_of(settings, role)} at {settings.provider}: {key} (not tried)"


def _sandbox(project: Project) -> Check:
    kind = project.settings.sandbox.kind
    if kind == "none":
        return Check("sandbox", True, "none: agents' commands and tests run unconfined")
    try:
        sandbox = find_sandbox(kind, project.settings.sandbox.terms)
    except SandboxMissing as error:
        return Check("sandbox", False, f"{SANDBOXES[kind]} does not work here", str(error))
    lacks = f", without {'; '.join(sandbox.lacks)}" if sandbox.lacks else ""
    return Check("sandbox", True, f"{SANDBOXES[kind]} works{lacks}")


def _locks(project: Project) -> Check:
    """Try the locks of the file system on which `.workflow/` lies, or will lie."""
    folder = project.places.workflow
    folder = folder if folder.is_dir() else project.repo.root
    mount = mount_of(folder)
    shown = f"on {mount.kind}" if mount else "kind unknown"
    try:
        require_locks(folder)
        try_lock(folder, mount)
    except PipelineError as error:
        return Check("locks", False, shown, str(error))
    return Check("locks", True, f"{shown}: two processes do not get the same one")


def _prefix(project: Project) -> Check:
    prefix = project.settings.branch_prefix
    collision = git.prefix_collision(project.repo, prefix)
    if collision is None:
        return Check("branch prefix", True, f"{prefix}/ is free")
    return Check(
        "branch prefix",
        False,
        f"the branch {collision!r} is in the way of {prefix}/<run id>",
        f"git branch -m {collision} {collision}-old, or set run.branch_prefix",
    )


def _contents(project: Project) -> Check:
    """Look for what HEAD names and workspaces do not have."""
    commit = git.head_commit(project.repo)
    try:
        refuse_partial(project.repo, commit)
    except PipelineError as error:
        return Check("contents", False, "a partial clone", str(error))
    missing = list(missing_contents(project.repo, commit, project.settings.workspace.keep))
    return Check("contents", True, "; ".join(missing) or "workspaces have all files of HEAD")


def _tests(project: Project) -> Check:
    """Run the project's tests on HEAD, as an attempt would."""
    repo, settings = project.repo, project.settings
    commit = git.head_commit(repo)
    command = settings.tests.command or look_at_files(project).test_command
    if command is None:
        return Check(
            "tests",
            settings.allow_untested,
            "none found",
            NO_TESTS,
        )
    try:
        sandbox = find_sandbox(settings.sandbox.kind, settings.sandbox.terms)
    except SandboxMissing:
        return Check("tests", False, f"{command}: not run, the sandbox is missing", "see sandbox")
    workspaces = Workspaces(
        repo, project.places, sandbox, settings.workspace.keep, settings.workspace.setup
    )
    verifier = Verifier(
        repo,
        workspaces,
        sandbox,
        project.places.outputs,
        EventBus(),
        settings.limits.command_seconds,
        redaction_of(settings.secrets),
        suite_seconds=settings.tests.suite_seconds,
    )
    try:
        *_, ran = verifier.baseline(commit, (command,))
    except PipelineError as error:
        return Check("tests", False, f"{command}: not run", str(error))
    if ran.passed:
        return Check("tests", True, f"{command}: passed ({ran.evidence.duration_s:.1f} s)")
    said = _last_line(project.places.workflow / (ran.evidence.output_path or ""))
    return Check(
        "tests",
        settings.allow_red_baseline,
        f"{command}: exit {ran.evidence.exit_code} on HEAD" + (f" ({said})" if said else ""),
        f"see .workflow/{ran.evidence.output_path}; what tests need from outside git belongs "
        "into workspace.keep; to work on red tests: `pipeline run --allow-red-baseline`",
    )


LONGEST = 120
"""Characters of a line of output that are shown."""


def _last_line(output: Path) -> str:
    """Return the last line of a command's output, "" without one: runners say there what failed."""
    lines = output.read_text("utf-8", "replace").splitlines() if output.is_file() else []
    last = next((line for line in reversed(lines) if line.strip()), "")
    return git.one_line(last, limit=LONGEST)


CHECKS: tuple[Callable[[Project], Check], ...] = (
    _git,
    _python,
    set_up_check,
    base_check,
    _locks,
    _prefix,
    _prompts,
    _key("planner"),
    _key("executor"),
    _sandbox,
    github_check,
    _contents,
    _tests,
)
"""In the order in which they are shown."""

FIRST_LOOK: tuple[Callable[[Project], Check], ...] = (
    base_check,
    _key("planner"),
    _key("executor"),
    _sandbox,
    github_check,
)
"""What `init` shows of them."""
