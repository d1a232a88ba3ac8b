"""What `run`, `plan` and `execute` would do now, in their order: read from the records and git.

    records, backlog, refs --> Agenda     no model is asked, no test is run, nothing is written

An agenda is what is known before the first step. What comes of a step is not: a plan that is made
may be approved by a rule, an attempt may fail, a landing may make a later plan stale.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline import git
from pipeline.app.books import read_state
from pipeline.app.project import Project
from pipeline.app.standing import where_all_stand
from pipeline.app.working import require_known
from pipeline.domain.base import utc_now
from pipeline.domain.group import Group
from pipeline.domain.issue import Issue
from pipeline.domain.results import PlanningRecord
from pipeline.domain.wanted import Wanted
from pipeline.errors import PipelineError
from pipeline.execution.land import in_the_way
from pipeline.phases.execute import ready, unmet
from pipeline.phases.plan import cannot_plan, needs_plan
from pipeline.phases.settle import will_adopt
from pipeline.plans.cost import PLANNED, landed_costs, likely_cost, planning_costs, size
from pipeline.plans.history import left_out
from pipeline.plans.holds import holds
from pipeline.plans.ordering import backlog_problems, planning_order
from pipeline.plans.refusals import refusal
from pipeline.safety.gate import Cleared, Gate
from pipeline.safety.ground import Stale
from pipeline.store.run_file import taken
from pipeline.store.run_info import alive
from pipeline.store.state import State

Doing = Literal["adopt", "plan", "execute", "plan again", "decide again", "blocked"]
"""adopt: record a commit that git has; plan again: a stale plan; decide again: an approval that
does not count any more; blocked: not worked on, and why."""


@dataclass(frozen=True)
class Step:
    """One thing that would be done, or that cannot be."""

    do: Doing
    issue_id: str
    solution_id: str | None
    title: str
    note: str
    """What it is likely to cost, or why."""


@dataclass(frozen=True)
class Agenda:
    """What a command would do; the numbers are those of its line `resumed: ..`."""

    run_id: str | None
    """The open run; None: one would be opened."""
    branch: str | None
    base_commit: str
    done: int
    adopted: int
    to_go: int
    steps: tuple[Step, ...]
    waiting: tuple[str, ...]
    """Plans that wait for a decision now."""
    holds: tuple[str, ...]
    """What keeps the run from going on until a person acts."""
    left_out: str | None = None
    """What has landed in other runs and is not in the base of the one that would be opened."""

    @property
    def counts(self) -> str:
        """Say in a few words what is done and what is left."""
        adopted = f", {self.adopted} adopted from git" if self.adopted else ""
        return f"{self.done} done{adopted}, {self.to_go} to go"


def agenda(project: Project, wanted: Wanted) -> Agenda:
    """Return what a command would do now.

    Raises `PipelineError` as the command would: a run is at work, an id is unknown, a plan that
    was named may not run.
    """
    worker = alive(project.places)
    if worker is not None:
        raise taken(project.places, worker)
    state = read_state(project)
    wanted = require_known(project, state, wanted)
    for name in wanted.solutions:
        if reason := refusal(state, name):
            raise PipelineError(f"cannot execute {name}: {reason}")
    run = None if wanted.new else state.run
    rows = where_all_stand(project, state)
    adopted = will_adopt(project.repo, state)
    base = run.base_commit if run else _base(project, wanted)
    counts = {group: sum(row.group is group for row in rows) for group in Group}
    done = counts[Group.LANDED] + (1 if adopted else 0)
    over = counts[Group.TURNED_DOWN] + counts[Group.FAILED]
    return Agenda(
        run_id=run.run_id if run else None,
        branch=run.branch if run else None,
        base_commit=base,
        done=done,
        adopted=1 if adopted else 0,
        to_go=len(rows) - done - over,
        steps=tuple(_steps(project, state, wanted)),
        waiting=tuple(row.record.key for row in rows if row.awaits_decision and row.record),
        holds=holds(rows, state, project.settings.gate.max_pending),
        left_out=None if run else left_out(project.repo, state, base),
    )


def _base(project: Project, wanted: Wanted) -> str:
    if wanted.base is None:
        return git.head_commit(project.repo)
    commit = git.resolve(project.repo, wanted.base)
    if commit is None:
        raise PipelineError(f"--base {wanted.base!r} names no commit of this repository")
    return commit


def _steps(project: Project, state: State, wanted: Wanted) -> Iterator[Step]:
    """Yield what would be done: what a crash left, then plans, then attempts."""
    issues = {issue.id: issue for issue in project.issues()}
    queue = planning_order(list(issues.values()))
    adopted = will_adopt(project.repo, state)
    if adopted is not None:
        title = issues[adopted.issue_id].title if adopted.issue_id in issues else ""
        note = "its commit is in git and was not recorded yet"
        yield Step("adopt", adopted.issue_id, adopted.solution_id, title, note)
    look = _Look(project, state, wanted, issues, adopted.issue_id if adopted else "")
    for issue_id, problem in backlog_problems(list(issues.values())).items():
        if not issues[issue_id].closed and state.landed(issue_id) is None:
            yield Step("blocked", issue_id, None, issues[issue_id].title, problem)
    if wanted.planning:
        yield from look.plans(queue)
    if wanted.execution:
        yield from look.attempts(queue)


@dataclass
class _Look:
    project: Project
    state: State
    wanted: Wanted
    issues: dict[str, Issue]
    adopted: str
    """The issue whose commit is adopted first; "": none."""

    def plans(self, queue: list[Issue]) -> Iterator[Step]:
        """Yield the planning turns."""
        rehearsal = self.project.settings.rehearsal
        cost = likely_cost(planning_costs(self.state, rehearsal=rehearsal), words=PLANNED)
        for issue in queue:
            if self.wanted.issues and issue.id not in self.wanted.issues:
                continue
            if issue.id == self.adopted or not needs_plan(self.state, issue):
                continue
            repo, tip = self.project.repo, self._tip()
            why = cannot_plan(repo, self.state, issue, tip, self._is_closed)
            do: Doing = "blocked" if why else "plan"
            yield Step(do, issue.id, None, issue.title, why or cost)

    def attempts(self, queue: list[Issue]) -> Iterator[Step]:
        """Yield what is carried out, and the approved plans that are not."""
        project, state = self.project, self.state
        gate = Gate(project.repo, project.places, project.settings, utc_now)
        known = landed_costs(state, rehearsal=project.settings.rehearsal)
        before: set[str] = {self.adopted}
        for record in ready(state, queue, self.wanted.solutions):
            if record.issue_id == self.adopted:
                continue
            step = self._attempt(gate, record, before)
            if step is None:
                assert record.solution is not None
                before.add(record.issue_id)
                cost = likely_cost(known, size(record.solution))
                step = self._step("execute", record, cost)
            yield step

    def _attempt(self, gate: Gate, record: PlanningRecord, before: set[str]) -> Step | None:
        """Return what keeps an approved plan from being carried out; None: nothing."""
        repo, state, tip = self.project.repo, self.state, self._tip()
        issue = self.issues[record.issue_id]
        left = [name for name in issue.depends_on if name not in before]
        shown = issue.model_copy(update={"depends_on": tuple(left)})
        if reason := unmet(repo, state, shown, tip, self._is_closed):
            return self._step("blocked", record, reason)
        if state.run and (reason := in_the_way(repo, state.run.branch)):
            return self._step("blocked", record, f"parked: {reason}")
        verdict = gate.check(record, state, tip)
        if isinstance(verdict, Cleared):
            return None
        do: Doing = "plan again" if isinstance(verdict, Stale) else "decide again"
        return self._step(do, record, verdict.reason)

    def _step(self, do: Doing, record: PlanningRecord, note: str) -> Step:
        title = record.solution.title if record.solution else ""
        return Step(do, record.issue_id, record.solution_id, title, note)

    def _tip(self) -> str:
        run = None if self.wanted.new else self.state.run
        tip = git.resolve(self.project.repo, f"refs/heads/{run.branch}") if run else None
        return tip or (run.base_commit if run else _base(self.project, self.wanted))

    def _is_closed(self, issue_id: str) -> bool:
        return self.issues[issue_id].closed
