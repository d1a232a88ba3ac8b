"""The two results documents: snapshots of the state, complete and valid JSON at every instant.

They are rendered under `journal.lock`, by the orchestrator where one runs, else by the command that
appended: at once while that is cheap, at a bounded share of the time when they are large. Before
each render a document that is not what we wrote last is compared with the journal (`hand_edits`).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from os import stat_result
from pathlib import Path

from pipeline import events
from pipeline.domain.base import utc_now
from pipeline.domain.results import SCHEMA_VERSION, Header
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.paths import Places
from pipeline.store import run_info
from pipeline.store.document_text import DocumentName, Found, compose, head_of, holds, read
from pipeline.store.entries import DocumentsAdopted, EditIgnored
from pipeline.store.files import remove_all_temporaries, write_atomic, write_atomic_pieces
from pipeline.store.hand_edits import Verdict, judge
from pipeline.store.journal import Journal, Probe, no_probe
from pipeline.store.state import State

CHEAP_S = 0.02
"""A render that takes no longer than this is done at once."""
TIME_SHARE = 0.05
"""Longer ones take at most this share of the time."""

Signature = tuple[int, int, int]


@dataclass
class _Sheet:
    """One document: where it lies and what this process last knew of it."""

    name: DocumentName
    path: Path
    signature: Signature | None = None
    """Of the file that holds what we wrote; None: not known, so it is compared."""
    rendered_at: int = -1
    """`changed_at` of the records that the file holds."""
    cost_s: float = 0.0
    last_s: float = 0.0


class Documents:
    """Keeps both documents true to the state."""

    def __init__(
        self,
        places: Places,
        journal: Journal,
        state: State,
        *,
        bus: EventBus,
        probe: Probe = no_probe,
        clock: Callable[[], datetime] = utc_now,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = places
        self._journal = journal
        self._state = state
        self._bus = bus
        self._probe = probe
        self._clock = clock
        self._timer = timer
        self._sheets = (
            _Sheet("planning", places.planning_results),
            _Sheet("execution", places.execution_results),
        )

    def start(self) -> None:
        """Compare both documents with the journal, then render what is not up to date."""
        with self._journal.locked():
            if self._may_render():
                for folder in (self._places.workflow, self._places.plans):
                    remove_all_temporaries(folder)
            self.sync(force=True)

    def flush(self) -> None:
        """Render now whatever has changed."""
        self.sync(force=True)

    def sync(self, *, force: bool = False) -> None:
        """Render what has changed, if it is cheap, due or forced, and if it is ours to do."""
        due = [sheet for sheet in self._sheets if self._is_stale(sheet)]
        if not force:
            due = [sheet for sheet in due if self._is_due(sheet)]
        if not due and not (force and any(map(_is_foreign, self._sheets))):
            return
        with self._journal.locked():
            self.catch_up()
            if not self._state.seq or not self._may_render():
                return
            self._notice_edits()
            for sheet in self._sheets:
                if self._is_stale(sheet) and (force or sheet in due):
                    self._render(sheet)

    def notice_edits(self) -> None:
        """Journal what was done by hand to a document since we wrote it. Costs two `stat`s."""
        if any(map(_is_foreign, self._sheets)):
            with self._journal.locked():
                self.catch_up()
                if self._may_render():
                    self._notice_edits()

    def catch_up(self) -> None:
        """Fold in what was appended by this and other processes."""
        for line in self._journal.read_new():
            self._state.apply(line)
        self._state.reach(self._journal.seq, self._journal.newest_at)

    def _is_stale(self, sheet: _Sheet) -> bool:
        return self._records_changed_at(sheet) != sheet.rendered_at or sheet.signature is None

    def _is_due(self, sheet: _Sheet) -> bool:
        pause = sheet.cost_s * (1 / TIME_SHARE - 1)
        return sheet.cost_s <= CHEAP_S or self._timer() - sheet.last_s >= pause

    def _may_render(self) -> bool:
        return not run_info.is_other(run_info.alive(self._places))

    def _records_changed_at(self, sheet: _Sheet) -> int:
        records = self._state.planning if sheet.name == "planning" else self._state.execution
        return records.changed_at

    def _render(self, sheet: _Sheet) -> None:
        self._probe(f"render:before:{sheet.name}")
        begun = self._timer()
        status = write_atomic_pieces(sheet.path, self._pieces(sheet))
        sheet.signature = _signature(status)
        sheet.rendered_at = self._records_changed_at(sheet)
        sheet.last_s = self._timer()
        sheet.cost_s = sheet.last_s - begun
        self._probe(f"render:after:{sheet.name}")

    def _pieces(self, sheet: _Sheet) -> Iterator[bytes]:
        first = self._journal.first
        header = Header(
            phase=sheet.name,
            created_at=first.at if first else self._clock(),
            journal_seq=self._state.seq,
            journal=self._journal.identity,
        )
        return compose(header, self._texts(sheet))

    def _texts(self, sheet: _Sheet) -> Iterator[bytes]:
        records = self._state.planning if sheet.name == "planning" else self._state.execution
        return records.texts()

    def _notice_edits(self) -> None:
        for sheet in self._sheets:
            if self._state.seq and _is_foreign(sheet):
                sheet.signature = None
                self._inspect(sheet)
                if sheet.signature is None:
                    self._render(sheet)

    def _inspect(self, sheet: _Sheet) -> None:
        """Find out what a document is that we did not write in this process."""
        if not sheet.path.exists() or self._accept_unchanged(sheet):
            return
        raw = sheet.path.read_bytes()
        found = read(raw, file=str(sheet.path))
        if self._was_adopted(raw):
            return
        if found is None:
            self._keep(sheet, raw, Verdict(), why="it is no valid results document")
            return
        if not self._is_from_this_journal(found):
            self._keep(sheet, raw, Verdict(), why="it does not say what it was made from")
            return
        seq = found.journal_seq or 0
        if seq > self._state.seq:
            raise PipelineError(
                f"'{sheet.path}' knows journal line {seq}, but '{self._places.journal}' ends at "
                f"{self._state.seq}: restore the journal, or move it away to start from documents"
            )
        verdict = judge(sheet.name, found.records, then=self._state_at(sheet, seq), now=self._state)
        self._carry_out(sheet, raw, verdict)
        if not verdict.keeps_copy and not verdict.removed:
            self._accept(sheet, sheet.path.stat(), seq)

    def _accept_unchanged(self, sheet: _Sheet) -> bool:
        """Accept a document as an earlier process wrote it, without parsing its records."""
        status = sheet.path.stat()
        head = head_of(sheet.path)
        if head is None or head.journal is None or head.journal != self._journal.identity:
            return False
        seq = head.journal_seq or 0
        if not self._records_changed_at(sheet) <= seq <= self._state.seq:
            return False
        if head.schema_version > SCHEMA_VERSION or not holds(sheet.path, self._texts(sheet)):
            return False
        self._accept(sheet, status, seq)
        return True

    def _accept(self, sheet: _Sheet, status: stat_result, seq: int) -> None:
        sheet.signature = _signature(status)
        changed_at = self._records_changed_at(sheet)
        sheet.rendered_at = changed_at if seq >= changed_at else -1

    def _was_adopted(self, raw: bytes) -> bool:
        """Tell whether our journal was started from exactly this document."""
        first = self._journal.first
        entry = first.entry if first and first.kind == "documents_adopted" else None
        return isinstance(entry, DocumentsAdopted) and sha256(raw).hexdigest() in entry.sha256

    def _is_from_this_journal(self, found: Found) -> bool:
        """Tell whether `journal_seq` means a line of our journal; a plain document may not say."""
        return found.journal_seq is not None and found.journal in (None, self._journal.identity)

    def _state_at(self, sheet: _Sheet, seq: int) -> State:
        if seq >= self._records_changed_at(sheet):
            return self._state
        return State.of(self._journal.lines(upto=seq))

    def _carry_out(self, sheet: _Sheet, raw: bytes, verdict: Verdict) -> None:
        if verdict.keeps_copy:
            self._keep(sheet, raw, verdict, why="only removed records count")
        for removal in verdict.removed:
            self._journal.append(removal)
            self._bus.emit(events.RecordRemoved(sheet.name, removal.key, removal.issue_id))
        for key, reason in verdict.restored.items():
            self._bus.emit(events.RecordRestored(sheet.name, key, reason))
        self.catch_up()

    def _keep(self, sheet: _Sheet, raw: bytes, verdict: Verdict, *, why: str) -> None:
        copy = keep_copy(sheet.path, raw, self._clock())
        keys = (*verdict.ignored, *verdict.restored)
        self._journal.append(EditIgnored(document=sheet.name, kept_as=copy.name, keys=keys))
        self.catch_up()
        if verdict.ignored or not verdict.restored:
            self._bus.emit(
                events.Notice(
                    f"{sheet.path.name} was edited by hand, which does not count ({why}); "
                    f"kept as {copy.name}"
                )
            )


def keep_copy(path: Path, raw: bytes, when: datetime) -> Path:
    """Keep `raw` as `<name>.edited-<time>` beside `path`, never over another copy."""
    stem = f"{path.name}.edited-{when:%Y%m%dT%H%M%SZ}"
    copy, number = path.with_name(stem), 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{stem}-{number}")
    write_atomic(copy, raw)
    return copy


def _is_foreign(sheet: _Sheet) -> bool:
    """Tell whether the file is another one than we wrote last."""
    try:
        return _signature(sheet.path.stat()) != sheet.signature
    except FileNotFoundError:
        return True


def _signature(status: stat_result) -> Signature:
    return (status.st_ino, status.st_size, status.st_mtime_ns)
