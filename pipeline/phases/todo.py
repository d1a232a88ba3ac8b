"""Whether a command has anything to work on; without it no run is opened and no test is run.

plan       an issue that can be planned, and room for its plan
gate       a plan that waits, and a rule that approves it
execute    an approved plan that can start
waiting    `--wait-gate`, and somebody who could decide
"""

from collections.abc import Sequence

from pipeline.domain.group import Group
from pipeline.domain.issue import Issue, IssueState
from pipeline.domain.wanted import Wanted
from pipeline.execution.land import in_the_way
from pipeline.git import head_commit
from pipeline.phases.execute import ready, unmet
from pipeline.phases.gate import may_decide
from pipeline.phases.holds import Room
from pipeline.phases.plan import cannot_plan, needs_plan
from pipeline.phases.waiting import Wait
from pipeline.phases.work import Work
from pipeline.plans.standing import Standing


def is_anything_to_do(work: Work, wanted: Wanted) -> bool:
    """Tell whether the wanted phases have something to begin with, on the open run or a new one."""
    queue = work.ordered_issues()
    return (
        (wanted.planning and _may_plan(work, wanted, queue))
        or (wanted.execution and _may_execute(work, wanted, queue))
        or may_decide(work, wanted.auto_approve)
        or (wanted.execution and Wait.of(work, wanted).is_worth_it())
    )


def _may_plan(work: Work, wanted: Wanted, queue: Sequence[Issue]) -> bool:
    state, tip = work.book.state, _tip(work)
    able = (
        issue
        for issue in queue
        if (not wanted.issues or issue.id in wanted.issues)
        and needs_plan(state, issue)
        and cannot_plan(work.repo, state, issue, tip, work.is_closed) is None
    )
    return any(able) and Room(work).is_there()


def _may_execute(work: Work, wanted: Wanted, queue: Sequence[Issue]) -> bool:
    state, tip = work.book.state, _tip(work)
    if state.checkpoint is not None or (state.run and in_the_way(work.repo, state.run.branch)):
        return False
    issues = (work.backlog.find(one.issue_id) for one in ready(state, queue, wanted.solutions))
    return any(unmet(work.repo, state, issue, tip, work.is_closed) is None for issue in issues)


def _tip(work: Work) -> str:
    return work.tip() if work.book.state.run else head_commit(work.repo)


def tell_what_is_blocked(work: Work) -> None:
    """Say of each issue that cannot start why not, where no phase says it."""
    for row in work.standings():
        if row.state is IssueState.BLOCKED and row.reason:
            work.tell_blocked(row.issue.id, row.reason)


WHAT: dict[tuple[bool, bool], str] = {
    (True, True): "do",
    (True, False): "plan",
    (False, True): "carry out",
    (False, False): "do",
}
"""Whether a command plans, and whether it carries out -> what there is nothing of."""

INSTEAD: dict[Group, str] = {
    Group.NOT_STARTED: "`pipeline run` does the rest",
    Group.FAILED: "what is left has failed: `pipeline retry ISSUE`",
    Group.PARKED: "what is left is parked: `pipeline report` says why",
    Group.LANDED: "what was asked for has landed: `pipeline add` asks for more",
    Group.TURNED_DOWN: "what was asked for was turned down: `pipeline add` asks for more",
}
"""Group -> what to type when an issue is in it and none in a group before."""


def nothing_to_do(wanted: Wanted, rows: Sequence[Standing]) -> str:
    """Say that there was nothing to begin with, and what a person types next."""
    what = f"nothing to {WHAT[wanted.planning, wanted.execution]}"
    return f"{what}; {_instead(rows)}"


def _instead(rows: Sequence[Standing]) -> str:
    if waiting := [row for row in rows if row.group is Group.NEEDS_YOU]:
        decide = any(row.awaits_decision or not row.record for row in waiting)
        return f"what is left waits for you: `pipeline {'review' if decide else 'status'}`"
    found = {row.group for row in rows}
    said = (words for group, words in INSTEAD.items() if group in found)
    return next(said, "the backlog is empty: `pipeline add` or `pipeline import`")
