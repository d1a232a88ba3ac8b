"""Wiring of the summary that `status` shows: made from the records, kept for the next time."""

from dataclasses import asdict

from pipeline.app.project import Project, read_book, where_all_stand
from pipeline.plans.holds import holds
from pipeline.plans.standing import Standing
from pipeline.safety.budget import caps_of, utc_day
from pipeline.store.book import Book
from pipeline.store.summary import Row, Summary, make_ground, save


def fresh_summary(project: Project) -> Summary:
    """Make the summary from the journal, and keep it."""
    return keep_summary(project, read_book(project))


def keep_summary(project: Project, book: Book) -> Summary:
    """Make the summary of a book's state, and keep it."""
    ground = make_ground(project.places, end=book.journal.end, last_hash=book.journal.last_hash)
    state = book.state
    rows = where_all_stand(project, state)
    summary = Summary(
        ground=ground,
        rows=tuple(_row(one) for one in rows),
        holds=holds(rows, state, project.settings.gate.max_pending),
        run_id=state.run.run_id if state.run else None,
        branch=state.run.branch if state.run else None,
        planning=state.open_planning is not None,
        executing=state.open_attempt is not None,
        usage=state.spent.model_dump(mode="json"),
        bill=state.bill.to_json(utc_day()),
        caps=asdict(caps_of(project.settings.budget)),
        quotas={name: quota.until for name, quota in state.quotas.items()},
    )
    save(project.places, summary)
    return summary


def _row(one: Standing) -> Row:
    solution = one.record.solution_id if one.record else None
    return Row(one.issue.id, one.issue.title, one.state, one.group, one.reason, solution)
