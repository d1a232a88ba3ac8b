"""What a rule may look at: one plan, what it stands on, and what several rules work out of both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from pipeline.domain.issue import Issue
from pipeline.domain.solution import FileAction, FileChange, Solution, Step, Task
from pipeline.plans.sanitize import clean
from pipeline.plans.shell import Script, parse
from pipeline.plans.validation.surroundings import Surroundings
from pipeline.settings import ValidationSettings


@dataclass(frozen=True)
class Said:
    """A command of the plan."""

    place: str
    text: str
    kind: Literal["test", "acceptance", "step"]

    @cached_property
    def script(self) -> Script:
        """The command as bash reads it."""
        return parse(self.text)

    @property
    def is_readable(self) -> bool:
        """Tell whether bash would read what a person sees."""
        return self.script.problem is None and clean(self.text) == self.text

    @property
    def is_check(self) -> bool:
        """Tell whether the pipeline runs it to see whether the work is done."""
        return self.kind != "step"


@dataclass(frozen=True)
class Context:
    """One plan under validation; whatever is worked out is worked out once."""

    solution: Solution
    around: Surroundings
    issue: Issue | None = None
    limits: ValidationSettings = field(default_factory=ValidationSettings)
    may_touch: tuple[str, ...] = ()
    untested_ok: bool = False
    """The project has no tests and the user allowed that."""

    @property
    def tasks(self) -> Iterator[tuple[str, Task]]:
        """Yield each task with its place."""
        yield from ((f"tasks[{i}]", task) for i, task in enumerate(self.solution.tasks))

    @property
    def files(self) -> Iterator[tuple[str, FileChange]]:
        """Yield each file of each task with the place of its path, as the solution lists them."""
        for where, task in self.tasks:
            yield from ((f"{where}.files[{n}].path", one) for n, one in enumerate(task.files))

    @property
    def steps(self) -> Iterator[tuple[str, Step]]:
        """Yield each step of each task with its place."""
        for where, task in self.tasks:
            yield from ((f"{where}.steps[{n}]", step) for n, step in enumerate(task.steps))

    @cached_property
    def commands(self) -> tuple[Said, ...]:
        """All commands: tests and steps task by task, then acceptance."""
        found: list[Said] = []
        for where, task in self.tasks:
            found += [Said(f"{where}.tests[{n}]", t, "test") for n, t in enumerate(task.tests)]
            found += [
                Said(f"{where}.steps[{n}].command", step.command, "step")
                for n, step in enumerate(task.steps)
                if step.command is not None
            ]
        last = self.solution.acceptance.commands
        found += [Said(f"acceptance.commands[{n}]", t, "acceptance") for n, t in enumerate(last)]
        return tuple(found)

    @cached_property
    def cycle(self) -> tuple[str, ...]:
        """The ids of tasks that wait for each other, in a circle; usually empty."""
        try:
            self._sorted()
        except CycleError as error:
            return tuple(reversed(error.args[1]))
        return ()

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The indexes of the tasks in the order of their work; empty where there is none."""
        index = {task.id: i for i, task in enumerate(self.solution.tasks)}
        if self.cycle or len(index) < len(self.solution.tasks):
            return ()
        return tuple(index[name] for name in self._sorted())

    def _sorted(self) -> list[str]:
        tasks = {task.id: task for task in self.solution.tasks}
        graph = {name: [o for o in task.depends_on if o in tasks] for name, task in tasks.items()}
        return list(TopologicalSorter(graph).static_order())

    @cached_property
    def modes(self) -> Mapping[str, str]:
        """git's modes at the base of what the plan names and of the folders above."""
        wanted = {change.path for _, change in self.files} | self._paths_run
        return self.around.modes({one for path in wanted if is_plain(path) for one in upward(path)})

    @cached_property
    def _paths_run(self) -> frozenset[str]:
        """The programs that tests and acceptance name by a path in the repository."""
        checks = (said.script for said in self.commands if said.is_check)
        words = (word for script in checks for one in script.commands for word in one.words)
        paths = (w.text.removeprefix("./") for w in words if w.plain and "/" in w.text)
        return frozenset(path for path in paths if not path.startswith("/"))

    def is_there(self, path: str) -> bool:
        """Tell whether a path is there before the first task."""
        return path in self.modes or path in self.around.created_earlier

    @cached_property
    def left(self) -> Mapping[str, bool]:
        """Path of the plan -> whether it is there after the last task."""
        tasks = [self.solution.tasks[i] for i in self.order]
        return {
            change.path: change.action is not FileAction.DELETE
            for task in tasks
            for change in task.files
        }

    def will_be_there(self, path: str) -> bool:
        """Tell whether a path is there when the plan is carried out."""
        return self.left.get(path, self.is_there(path))


def is_plain(path: str) -> bool:
    """Tell whether git can be asked about a path: relative, with no odd parts."""
    parts = path.split("/")
    return path.isprintable() and not {"", ".", ".."} & set(parts) and not path.startswith(":")


def upward(path: str) -> Iterator[str]:
    """Yield a path and every folder above it, without the root."""
    while path:
        yield path
        path = path.rpartition("/")[0]
