"""The records of one document, kept as JSON text and parsed when somebody looks at them.

`pipeline status` over a thousand issues looks at few fields of few records, and a document is
rendered from the texts alone; so each record costs its parsing only on access.
"""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from pydantic import ValidationError

from pipeline.domain.results import ExecutionRecord, PlanningRecord
from pipeline.errors import PipelineError

R = TypeVar("R", PlanningRecord, ExecutionRecord)


class Records(Mapping[str, R], Generic[R]):
    """Record key -> record, in the order of recording. Change goes through `put` and `remove`."""

    def __init__(self, model: type[R]) -> None:
        self._model: type[R] = model
        self._texts: dict[str, bytes] = {}
        self._parsed: dict[str, R] = {}
        self.changed_at = 0
        """Number of the journal line that changed a record last."""

    def __getitem__(self, key: str) -> R:
        record = self._parsed.get(key)
        if record is None:
            record = self._parsed[key] = self._parse(key)
        return record

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def text(self, key: str) -> bytes:
        """Return the record as one line of JSON."""
        return self._texts[key]

    def texts(self) -> list[bytes]:
        """Return all records as lines of JSON, in their order."""
        return list(self._texts.values())

    def put(self, key: str, text: bytes, *, seq: int) -> None:
        """Store the JSON text of a record; `seq` is the line that says so."""
        self._texts[key] = text
        self._parsed.pop(key, None)
        self.changed_at = seq

    def remove(self, key: str, *, seq: int) -> None:
        """Forget a record."""
        del self._texts[key]
        self._parsed.pop(key, None)
        self.changed_at = seq

    def _parse(self, key: str) -> R:
        try:
            return self._model.model_validate_json(self._texts[key])
        except ValidationError as error:
            raise PipelineError(
                f"the record {key!r} in journal.jsonl is damaged: "
                "restore the file, or move it away to start from the documents"
            ) from error
