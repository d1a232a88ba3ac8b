"""The records of one document, kept as JSON text and parsed when somebody looks at them.

`pipeline status` over a thousand issues looks at few fields of few records, and a document is
rendered from the texts alone; so each record costs its parsing only on access. The text of a large
planning record stays in the journal, all but its plan, and what is parsed of it is not kept.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from pipeline.domain.plan import Plan
from pipeline.domain.results import ExecutionRecord, PlanningRecord
from pipeline.errors import PipelineError
from pipeline.store.slim import slim
from pipeline.store.span import LARGE, Span
from pipeline.store.splice import place_of_plan

R = TypeVar("R", PlanningRecord, ExecutionRecord)

Pieces = tuple[bytes | Span, ...]
"""A text: whole, or what stands before its plan, its plan, and what follows."""


class Records(Mapping[str, R], Generic[R]):
    """Record key -> record, in the order of recording. Change goes through the `put` methods."""

    def __init__(self, model: type[R], journal: Path | None = None) -> None:
        """Hold nothing yet; `journal` is the file that may keep the large texts."""
        self._model: type[R] = model
        self._journal = journal
        self._texts: dict[str, Pieces] = {}
        self._parsed: dict[str, R] = {}
        self._outlines: dict[str, PlanningRecord] = {}
        self._newest: tuple[str, R] | None = None
        """The large record that was looked at last."""
        self._derived: dict[str, str] = {}
        self.changed_at = 0
        """Number of the journal line that changed a record last."""
        self.changes: list[str] = []
        """The key of each change, in their order: who remembers a place sees what came since."""

    def __getitem__(self, key: str) -> R:
        record = self._parsed.get(key)
        if record is not None:
            return record
        if self._newest and self._newest[0] == key:
            return self._newest[1]
        record = self._parse(key)
        if any(isinstance(piece, Span) for piece in self._texts[key]):
            self._newest = (key, record)
        else:
            self._parsed[key] = record
        return record

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def text(self, key: str) -> bytes:
        """Return the record as one line of JSON."""
        return _joined(self._texts[key])

    def texts(self) -> Iterator[bytes]:
        """Yield all records as lines of JSON, in their order."""
        return map(_joined, self._texts.values())

    def outline(self, key: str) -> PlanningRecord:
        """Return a planning record, without its texts where it is large."""
        record = self._parsed.get(key)
        if record is None and not any(isinstance(piece, Span) for piece in self._texts[key]):
            record = self[key]
        if record is not None:
            assert isinstance(record, PlanningRecord)
            return record
        if key not in self._outlines:
            self._outlines[key] = slim(self.text(key))
        return self._outlines[key]

    def derived(self, key: str, derive: Callable[[R], str]) -> str:
        """Return what `derive` makes of a record, worked out once until the record changes.

        There is room for one: every caller hands in the same function.
        """
        if key not in self._derived:
            self._derived[key] = derive(self[key])
        return self._derived[key]

    def plan(self, key: str) -> Plan | None:
        """Return the plan of a planning record, without parsing the rest."""
        pieces = self._texts[key]
        if len(pieces) == 1:
            text = _joined(pieces)
            begin, end = place_of_plan(text)
            pieces = (b"", text[begin:end], b"")
        plan = _joined(pieces[1:2])
        return None if plan == b"null" else Plan.model_validate_json(plan)

    def put(self, key: str, text: bytes, *, seq: int, offset: int | None = None) -> None:
        """Store the JSON text of a record; `seq` is the line that says so.

        `offset`: where in the journal exactly this text begins, if it does.
        """
        if self._journal is None or offset is None or len(text) < LARGE:
            self._keep(key, (text,), seq)
            return
        begin, end = place_of_plan(text)
        before = Span(self._journal, offset, begin)
        after = Span(self._journal, offset + end, len(text) - end)
        self._keep(key, (before, text[begin:end], after), seq)

    def put_plan(self, key: str, plan: bytes, *, seq: int) -> None:
        """Replace the plan in the text of a planning record."""
        pieces = self._texts[key]
        if len(pieces) == 1:
            text = _joined(pieces)
            begin, end = place_of_plan(text)
            self._keep(key, (b"".join((text[:begin], plan, text[end:])),), seq)
        else:
            self._keep(key, (pieces[0], plan, pieces[2]), seq)

    def remove(self, key: str, *, seq: int) -> None:
        """Forget a record."""
        self._keep(key, (), seq)
        del self._texts[key]

    def _keep(self, key: str, pieces: Pieces, seq: int) -> None:
        self._texts[key] = pieces
        self._parsed.pop(key, None)
        self._outlines.pop(key, None)
        self._derived.pop(key, None)
        self.changes.append(key)
        if self._newest and self._newest[0] == key:
            self._newest = None
        self.changed_at = seq

    def _parse(self, key: str) -> R:
        text = self.text(key)
        try:
            return self._model.model_validate_json(text)
        except ValidationError as error:
            raise PipelineError(
                f"the record {key!r} in journal.jsonl is damaged: "
                "restore the file, or move it away to start from the documents"
            ) from error


def _joined(pieces: Pieces) -> bytes:
    if len(pieces) == 1 and isinstance(pieces[0], bytes):
        return pieces[0]
    return b"".join(piece if isinstance(piece, bytes) else piece.read() for piece in pieces)
