"""What the Execution agent's `run_command` may do: write, write a place outside, look, nothing.

    script --parse--> privileged without its grant?  --yes--> Denial
                      all of it in the plan, or shell_exec granted?  --yes--> Permit("execute")
                      it writes a granted place outside?  --yes--> Permit("outside")
                      else  --> Permit("plan"): the workspace is read-only for it

That a command which nobody approved has no effect holds by the read-only mount, not by a list of
harmless names.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.domain.solution import Operation, Privilege, Solution, StepType
from pipeline.plans.operations import Need, operations
from pipeline.plans.privileges import TERMS
from pipeline.plans.shell import Command, Script, dangers, parse
from pipeline.sandbox import Jail, Profile, Sandbox

LISTED_STEPS = frozenset({StepType.EXECUTE_COMMAND, StepType.INSTALL_PACKAGE})
CHANGING = frozenset(
    {
        *("cd", "pushd", "popd", "export", "declare", "typeset", "local", "readonly", "unset"),
        *("source", ".", "eval", "exec", "set", "shopt", "alias", "umask", "hash", "enable"),
    }
)
"""In a script with one of these (`cd build && rm -rf *`) no command is listed by itself."""
BLANK = " \t\n"
"""What bash passes over around a script; to it, other white space is part of a name."""
GRANTED_BY_NAME = frozenset({Operation.INSTALL, Operation.GIT_DESTRUCTIVE})
"""Operations that change the workspace by being what they are."""


@dataclass(frozen=True)
class Permit:
    """A script may run, in this profile."""

    profile: Profile
    why: str = ""
    """Why it may only look; empty when it may write."""


@dataclass(frozen=True)
class Denial:
    """A script may not run at all; the reason is for the agent."""

    reason: str


def listed_commands(solution: Solution) -> tuple[str, ...]:
    """Return the scripts that a plan lists: command steps, tests, acceptance; each once."""
    steps = (step for task in solution.tasks for step in task.steps if step.type in LISTED_STEPS)
    found = [
        *(step.command for step in steps if step.command is not None),
        *(test for task in solution.tasks for test in task.tests),
        *solution.acceptance.commands,
    ]
    return tuple(dict.fromkeys(found))


class Permits:
    """The commands of one turn; what the plan lists is parsed once."""

    def __init__(
        self,
        *,
        listed: Iterable[str] = (),
        suite: Iterable[str] = (),
        privileges: Collection[Privilege] = (),
        jail: Jail,
        sandbox: Sandbox,
    ) -> None:
        """`listed`: the plan's scripts; `suite`: the user's own test commands.

        `privileges`: those that the plan's approval grants; `jail.write` has the places of
        `file_write_external`.
        """
        self._suite = frozenset(one.strip(BLANK) for one in suite)
        self._scripts = self._suite | {one.strip(BLANK) for one in listed}
        self._granted = {one.operation for one in privileges}
        self._jail = jail
        self._inside = jail.checkout if sandbox.name == "bwrap" else jail.workspace
        self._can_look = sandbox.has_shell("plan")
        self._known: dict[str, Permit | Denial] = {}

    def judge(self, script: str) -> Permit | Denial:
        """Return how a script may run; the same script is judged once."""
        if script not in self._known:
            self._known[script] = self._judged(script.strip(BLANK))
        return self._known[script]

    def _judged(self, text: str) -> Permit | Denial:
        if text in self._suite:
            return Permit("execute")
        script = parse(text)
        needs = operations(script, self._inside)
        if missing := next((need for need in needs if not self._grants(need)), None):
            return Denial(denied(missing))
        reason = self._unlisted(text, script)
        if reason is None:
            return Permit("execute")
        if self._can_look:
            outside = any(need.operation is Operation.FILE_WRITE_EXTERNAL for need in needs)
            return Permit("outside" if outside else "plan", reason)
        return Denial(
            f"not run: {reason}, and without a sandbox nothing would keep it from writing; use the "
            "file tools, or end with submit_result: status `failed`, and in `reason` the command "
            "that the plan has to list"
        )

    def _grants(self, need: Need) -> bool:
        if need.operation is Operation.FILE_WRITE_EXTERNAL:
            return any(Path(need.target).is_relative_to(place) for place in self._jail.write)
        return need.operation in self._granted and not TERMS[need.operation].refused

    def _unlisted(self, text: str, script: Script) -> str | None:
        """Return why a script may not write, in a few words; None when it may."""
        if text in self._scripts:
            return None
        if script.problem is not None:
            return script.problem
        if script.is_sequence and script.commands and all(map(self._is_listed, script.commands)):
            return None
        if Operation.SHELL_EXEC in self._granted:
            return next(iter(dangers(script)), None)
        return "it is not one of the plan's commands"

    @cached_property
    def _commands(self) -> frozenset[Command]:
        """The commands that mean the same wherever they stand, of all scripts of the plan."""
        scripts = [parse(text) for text in self._scripts]
        return frozenset(
            command
            for script in scripts
            if not any(map(_changes_the_rest, script.commands))
            for command in script.commands
            if command.literal and not command.computed
        )

    def _is_listed(self, command: Command) -> bool:
        """Tell whether the plan has this command, word for word, or grants what it is.

        A command into which bash puts something means another thing elsewhere: it counts only as
        part of its whole script.
        """
        if not command.literal or command.computed:
            return False
        return command in self._commands or self._is_granted(command)

    def _is_granted(self, command: Command) -> bool:
        """Tell whether a command is an operation that was granted, and nothing besides.

        `pip install x > app.py`, `PATH=mine pip install x` and `git -c alias.x=.. x` do more.
        """
        needs = {need.operation for need in operations(Script("", (command,)), self._inside)}
        plain = not command.assignments and not command.wrappers and not command.redirects
        named = [word.text for word in command.words[:2]]
        return (
            bool(needs)
            and needs <= GRANTED_BY_NAME & self._granted
            and plain
            and "/" not in named[0]
            and not (named[0] == "git" and named[1].startswith("-"))
        )


def _changes_the_rest(command: Command) -> bool:
    """Tell whether what comes after a command means something else without it."""
    return command.program in CHANGING or not command.words


def denied(need: Need) -> str:
    """Return why a privileged operation was refused, and what the agent can do about it."""
    name = f"{need.operation}:{need.target}" if need.target else str(need.operation)
    if refused := TERMS[need.operation].refused:
        return f"not run: {need.reason} ({need.command!r}), and `{need.operation}` {refused}"
    return (
        f"not run: {need.reason} ({need.command!r}). That takes the privilege `{name}`, which this "
        "plan was not granted. Do without it; if the work cannot, end with submit_result: status "
        "`failed`, and in `reason` that the plan has to ask for it"
    )
