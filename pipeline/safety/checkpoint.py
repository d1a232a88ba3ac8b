"""A checkpoint: after so many executed solutions a person confirms that the run goes on."""

from pipeline.errors import PipelineError
from pipeline.plans.sanitize import clean
from pipeline.safety.policy import Approver
from pipeline.store.book import Book
from pipeline.store.entries import Confirmed


def confirm(book: Book, approver: Approver, *, comment: str = "") -> Confirmed:
    """Record a person's confirmation and return it; raises when none is wanted.

    The journal's line has the time. A confirmation on which nothing was executed yet stays as it
    is, so that a command that was cut off can be typed again.
    """
    with book.alone():
        if book.state.confirmed is not None:
            return book.state.confirmed
        if book.state.checkpoint is None:
            raise PipelineError(
                "nothing waits for a confirmation: `pipeline status` says where things stand"
            )
        given = Confirmed(
            solutions=len(book.state.unconfirmed),
            by=approver.name,
            comment=clean(comment.strip()),
        )
        book.record(given)
    return given
