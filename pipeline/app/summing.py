"""Wiring of the summary that `status` shows: made from the records, kept for the next time."""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict

from pipeline import events
from pipeline.app.books import read_book
from pipeline.app.caps import caps_to_come, last_caps
from pipeline.app.project import Project
from pipeline.app.standing import where_all_stand
from pipeline.errors import PipelineError
from pipeline.plans.holds import holds, plan_waits
from pipeline.plans.standing import Standing
from pipeline.safety.budget import utc_day
from pipeline.store.book import Book
from pipeline.store.row_changes import Row
from pipeline.store.state import State
from pipeline.store.summary import Summary, make_ground, save


def fresh_summary(project: Project) -> Summary:
    """Make the summary from the journal, and keep it."""
    return keep_summary(project, read_book(project))


def keep_summary(project: Project, book: Book) -> Summary:
    """Make the summary of a book's state, and keep it."""
    ground = make_ground(project.places, end=book.journal.end, last_hash=book.journal.last_hash)
    state = book.state
    rows = where_all_stand(project, state)
    needed = {name for one in rows if not one.issue.closed for name in one.issue.depends_on}
    most = project.settings.gate.max_pending
    caps = last_caps(project, state)
    summary = Summary(
        ground=ground,
        rows=tuple(_row(one, state, needed) for one in rows),
        holds=holds(rows, state, most),
        run_id=state.run.run_id if state.run else None,
        branch=state.run.branch if state.run else None,
        usage=state.spent.model_dump(mode="json"),
        bill=state.bill.to_json(utc_day()),
        caps=asdict(caps),
        caps_end=caps != caps_to_come(project),
        quotas={name: quota.until for name, quota in state.quotas.items()},
        pace=asdict(state.pace),
        max_pending=most,
        checkpoint=state.checkpoint is not None,
    )
    save(project.places, summary)
    return summary


ENDED = (
    events.RunStarted,
    events.RunResumed,
    events.PlanRecorded,
    events.PlanningFailed,
    events.ClarificationNeeded,
    events.Landed,
    events.AttemptFailed,
)
"""What makes the process that works keep a new summary."""

SHARE = 0.01
"""At most this part of the time goes into summaries, however long the backlog is."""


class SummaryKeeper:
    """A listener that keeps the summary new while a run works, so that `status` need not read."""

    def __init__(
        self, project: Project, book: Book, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._project = project
        self._book = book
        self._timer = timer
        self._next = 0.0

    def __call__(self, event: events.Event) -> None:
        """Keep a summary when something has ended and the last one was long enough ago."""
        began = self._timer()
        if not isinstance(event, ENDED) or began < self._next:
            return
        with suppress(PipelineError):  # a backlog that is being edited, a full disk
            keep_summary(self._project, self._book)
        ended = self._timer()
        self._next = ended + (ended - began) / SHARE


def _row(one: Standing, state: State, needed: Collection[str]) -> Row:
    solution = one.record.solution_id if one.record else None
    attempt = state.open_attempt
    is_open = attempt is not None and attempt.solution_id == solution
    return Row(
        one.issue.id,
        one.issue.title,
        one.state,
        one.group,
        one.reason,
        solution,
        needed=one.issue.id in needed,
        waits=plan_waits(one),
        tried=is_open or (solution is not None and bool(state.attempts(solution))),
    )
