"""What a person types next: for each issue, and for the whole run."""

from collections.abc import Iterator, Mapping, Sequence

from pipeline.domain.counting import counted
from pipeline.domain.group import Group
from pipeline.domain.issue import IssueState
from pipeline.domain.results import FailureClass
from pipeline.observe.report.facts import Action, ReportEntry
from pipeline.observe.report.words import commit
from pipeline.plans.standing import Standing
from pipeline.store.entries import RunOpened

CARRY_ON = "pipeline run"
DECIDE = "pipeline show"
"""How the command begins that a plan waits for."""


def next_of(row: Standing) -> str | None:
    """Return the command that a person types next for an issue, if there is one."""
    solution = row.record.solution_id if row.record is not None else None
    match row.group:
        case Group.NEEDS_YOU if row.awaits_decision:
            return f"{DECIDE} {solution}"
        case Group.NEEDS_YOU if solution:
            return f"pipeline plan {row.issue.id}"
        case Group.NEEDS_YOU:
            return f'pipeline retry {row.issue.id} --feedback "your answers"'
        case Group.FAILED:
            return f'pipeline retry {row.issue.id} --feedback "what to do differently"'
        case Group.PARKED:
            return _next_of_parked(row)
        case Group.NOT_STARTED:
            return CARRY_ON
        case Group.LANDED:
            found = row.attempt.commit_hash if row.attempt is not None else None
            return f"git show {commit(found)}" if found else None
        case Group.TURNED_DOWN:
            return None


def _next_of_parked(row: Standing) -> str | None:
    """Return what takes a parked issue up again; nothing when it waits for another one."""
    last = row.attempt or row.record
    failure = last.failure_class if last is not None else None
    if row.record is not None and row.record.plan is not None and row.record.plan.deferred:
        return f"pipeline defer --undo {row.record.key}"
    if row.state is IssueState.BLOCKED and failure is not FailureClass.INFRASTRUCTURE:
        return None
    if row.state is IssueState.BLOCKED or failure is FailureClass.BUDGET:
        return f"pipeline retry {row.issue.id}"
    return CARRY_ON


def commits(number: int, unproven: int) -> str:
    """Say of how many commits tests speak, and of how many they do not.

    >>> commits(3, 1)
    '2 tested commits, and 1 commit that no test speaks for'
    """
    tested = [counted(number - unproven, "tested commit")] * (number > unproven)
    others = [f"{counted(unproven, 'commit')} that no test speaks for"] * bool(unproven)
    return ", and ".join([*tested, *others])


def next_of_all(
    groups: Mapping[str, Sequence[ReportEntry]],
    run: RunOpened | None,
    taken_back: int,
    foreign: int,
) -> Iterator[Action]:
    """Yield the commands of the morning, in their order: look, take, decide, mend, carry on.

    `taken_back`: commits on the run's branch that were taken back, and those that did so;
    `foreign`: commits there that are not the pipeline's.
    """
    landed = [one for one in groups[Group.LANDED] if one.commit and not one.earlier]
    if landed and run is not None:
        base = commit(run.base_commit)
        unproven = sum(one.unproven for one in landed)
        parts = [commits(len(landed), unproven)]
        parts += [f"{taken_back} of what was taken back"] * bool(taken_back)
        parts += [f"{foreign} not by the pipeline"] * bool(foreign)
        what = ", and ".join(parts)
        yield Action(command=f"git log --stat {base}..{run.branch}", why=f"look at {what}")
        yield Action(command=f"git merge {run.branch}", why="take what landed into your branch")
    waiting = groups[Group.NEEDS_YOU]
    if decide := [one for one in waiting if (one.next or "").startswith(DECIDE)]:
        why = f"decide on {counted(len(decide), 'plan')}, one a page"
        yield Action(command="pipeline review", why=why)
    for one in waiting:
        if one not in decide and one.next:
            yield Action(command=one.next, why=f"{one.issue_id} waits for you")
    for one in groups[Group.FAILED]:
        if one.next:
            yield Action(command=one.next, why=f"{one.issue_id} failed")
    parked = [one for one in groups[Group.PARKED] if one.next and one.next != CARRY_ON]
    yield from (Action(command=str(one.next), why=f"{one.issue_id} is parked") for one in parked)
    left = [one for name in (Group.PARKED, Group.NOT_STARTED) for one in groups[name]]
    if ready := [one for one in left if one.next == CARRY_ON]:
        yield Action(command=CARRY_ON, why=f"carry on with {counted(len(ready), 'issue')}")
    if not any(groups.values()):
        yield Action(command='pipeline add "what is wrong"', why="put something into the backlog")
