"""From a solution to a plan that waits: what an agent's and a person's have in common.

solution -> judged -> envelope -> record_plan -> journal, Markdown, event
"""

from datetime import datetime

from pipeline.domain.issue import Issue
from pipeline.domain.plan import Budget, Plan, PlanState
from pipeline.domain.results import PlanningRecord, PlanningStatus
from pipeline.domain.solution import FileAction, Solution
from pipeline.events import ClarificationNeeded, EventBus, PlanningFailed, PlanRecorded
from pipeline.git import Trees
from pipeline.paths import Places
from pipeline.plans.external import closed_places
from pipeline.plans.markdown import keep_plan
from pipeline.plans.preview import as_shown
from pipeline.plans.risk import assess
from pipeline.plans.validation import (
    Checked,
    check_solution,
    require_switchable,
    surroundings_at,
)
from pipeline.sandbox import Jail
from pipeline.settings import Settings
from pipeline.store import entries
from pipeline.store.book import Book
from pipeline.store.state import State

MOST_MINUTES = 60
"""How long a plan may ask its execution to take."""


def judged(
    solution: Solution,
    *,
    issue: Issue,
    state: State,
    settings: Settings,
    trees: Trees,
    base: str,
    places: Places,
    jail: Jail | None = None,
) -> Checked:
    """Return what validation says of a solution that is made on the commit `base`.

    `jail` is where its commands will run; without it programs are not looked for. Raises
    `PipelineError` when the settings switch off what is no rule, or one that stays on.
    """
    require_switchable(settings.validation.off)
    return check_solution(
        solution,
        around=surroundings_at(
            trees, base, created_by_dependencies(state, issue), jail, closed_places(places)
        ),
        issue=issue,
        settings=settings.validation,
        may_touch=settings.may_touch,
        untested_ok=settings.allow_untested,
    )


def created_by_dependencies(state: State, issue: Issue) -> frozenset[str]:
    """Return the paths that the plans of the issue's dependencies create."""
    created: set[str] = set()
    for name in issue.depends_on:
        record = state.current(name)
        if record is not None and record.solution is not None:
            solution = record.solution
            created |= {p for p in solution.paths if FileAction.CREATE in solution.actions(p)}
    return frozenset(created)


def envelope(
    solution: Solution,
    *,
    settings: Settings,
    created_by: str,
    now: datetime,
    minutes: int | None = None,
    warnings: tuple[str, ...] = (),
) -> Plan:
    """Return the plan around a checked solution: pending, with its risk and terms.

    `minutes`: how long it asks its execution to take; at most an hour is given.
    """
    budget = settings.budget
    allowed = min(max(minutes or 0, budget.issue_minutes), MOST_MINUTES)
    return Plan(
        state=PlanState.PENDING,
        risk=assess(solution),
        budget=Budget(tokens=budget.issue_tokens, minutes=allowed),
        may_touch=settings.may_touch,
        grants=tuple(asked.name for asked in solution.privileges),
        warnings=warnings,
        created_at=now,
        created_by=created_by,
        updated_at=now,
    )


def record_plan(
    book: Book, bus: EventBus, record: PlanningRecord, issue: Issue, settings: Settings
) -> None:
    """Make the record durable, write the plan's Markdown, tell who listens.

    A record with a plan supersedes the issue's plan before it.
    """
    earlier = book.state.current(issue.id)
    supersedes = earlier.key if record.plan and earlier and earlier.plan else None
    book.record(entries.PlanRecorded(record=record, supersedes=supersedes))
    if record.status is PlanningStatus.NEEDS_CLARIFICATION:
        bus.emit(ClarificationNeeded(issue.id, record.questions))
    elif record.solution is None or record.plan is None:
        bus.emit(PlanningFailed(issue.id, record.error or "no reason given"))
    else:
        for key in (supersedes, record.key):
            if key is not None:
                shown = as_shown(book.state.planning[key], settings)
                keep_plan(book.places.plans, shown, issue, book.state.past(key))
        bus.emit(
            PlanRecorded(
                issue.id,
                record.key,
                record.solution.title,
                record.plan.risk.level,
                len(record.solution.tasks),
                record.usage.usd,
            )
        )
