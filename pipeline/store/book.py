"""The one object through which everything above records what happened and reads what is true."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from pipeline.domain.base import utc_now
from pipeline.errors import PipelineError
from pipeline.events import EventBus, Notice
from pipeline.paths import Places
from pipeline.store.adoption import CommitExists, adopt
from pipeline.store.documents import Documents
from pipeline.store.entries import Entry
from pipeline.store.head import keep_head
from pipeline.store.journal import Journal, Probe, no_probe
from pipeline.store.line import Line
from pipeline.store.state import FOLDS, State


class Book:
    """Journal, state and documents of one repository.

    Making one only reads the journal. Call `start` before anything is recorded.
    """

    def __init__(
        self,
        places: Places,
        bus: EventBus,
        clock: Callable[[], datetime] = utc_now,
        probe: Probe = no_probe,
        *,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.places = places
        self.state = State(places.journal)
        self.journal = Journal(places, clock=clock, probe=probe, kinds=frozenset(FOLDS))
        self._bus = bus
        self._clock = clock
        self._documents = Documents(
            places, self.journal, self.state, bus=bus, probe=probe, clock=clock, timer=timer
        )
        self._documents.catch_up()

    def adopt(self, commit_exists: CommitExists) -> bool:
        """Start a missing journal from the documents; tell whether there was anything to do."""
        adopted = adopt(
            self.places, self.journal, self._bus, clock=self._clock, commit_exists=commit_exists
        )
        self._documents.catch_up()
        if adopted:
            self._keep_head()
        return adopted

    def start(self, commit_exists: CommitExists) -> None:
        """Make journal and documents agree: adopt, compare, restore, render.

        Raises `PipelineError` for a damaged journal or a document of a newer version.
        """
        self.adopt(commit_exists)
        self._documents.start()

    def record(self, entry: Entry) -> Line:
        """Make `entry` durable and true; render the documents when that is cheap or due."""
        return self.record_all([entry])[0]

    def record_all(self, entries: Sequence[Entry], *, render: bool = True) -> list[Line]:
        """Do what `record` does for several entries, with one wait for the disk.

        `render`: False leaves the documents to the next `catch_up` or `flush`.
        """
        with self.journal.locked():
            lines = self.journal.append_all(entries)
            self._documents.catch_up()
            if render:
                self._documents.sync()
        return lines

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from recording, with all that they recorded taken in.

        What is read inside is still true when something is recorded inside.
        """
        with self.journal.locked():
            self._documents.catch_up()
            yield

    def catch_up(self) -> None:
        """Take in what other processes appended and what was done to the documents by hand."""
        self._documents.catch_up()
        self._documents.notice_edits()
        self._documents.sync()

    def flush(self) -> None:
        """Render now what was put off, and note how far the journal is."""
        self._documents.flush()
        self._keep_head()

    def _keep_head(self) -> None:
        """Note how far the journal is; work does not end because that cannot be noted."""
        try:
            keep_head(self.places, self.journal, self._clock())
        except PipelineError as problem:
            self._bus.emit(Notice(str(problem)))

    def verify(self) -> int:
        """Check the journal's hash chain; return how many lines there are."""
        return self.journal.verify()
