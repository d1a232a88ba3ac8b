"""The records of one document, kept as JSON text and parsed when somebody looks at them.

`pipeline status` over a thousand issues looks at few fields of few records, and a document is
rendered from the texts alone; so each record costs its parsing only on access.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from pipeline.domain.results import ExecutionRecord, PlanningRecord

R = TypeVar("R", PlanningRecord, ExecutionRecord)


class Records(Mapping[str, R], Generic[R]):
    """Record key -> record, in the order of recording. Change goes through the methods below."""

    def __init__(self, model: type[R]) -> None:
        self._model: type[R] = model
        self._texts: dict[str, bytes] = {}
        self._parsed: dict[str, R] = {}
        self._pending: dict[str, Callable[[R], R]] = {}
        self.changed_at = 0
        """Number of the journal line that changed a record last."""

    def __getitem__(self, key: str) -> R:
        if key in self._pending or key not in self._parsed:
            self._parse(key)
        return self._parsed[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def text(self, key: str) -> bytes:
        """Return the record as one line of JSON."""
        if key in self._pending:
            self._parse(key)
        return self._texts[key]

    def texts(self) -> list[bytes]:
        """Return all records as lines of JSON, in their order."""
        for key in list(self._pending):
            self._parse(key)
        return list(self._texts.values())

    def put(self, key: str, text: bytes, *, seq: int) -> None:
        """Store the JSON text of a record."""
        self._texts[key] = text
        self._parsed.pop(key, None)
        self._pending.pop(key, None)
        self.changed_at = seq

    def change(self, key: str, change: Callable[[R], R], *, seq: int, replaces: bool) -> None:
        """Change a record when it is looked at next.

        `replaces` says that `change` makes an earlier one that nobody has seen yet pointless.
        """
        if key in self._pending and not replaces:
            self._parse(key)
        self._pending[key] = change
        self.changed_at = seq

    def remove(self, key: str, *, seq: int) -> None:
        """Forget a record."""
        del self._texts[key]
        self._parsed.pop(key, None)
        self._pending.pop(key, None)
        self.changed_at = seq

    def _parse(self, key: str) -> None:
        record = self._parsed.get(key) or self._model.model_validate_json(self._texts[key])
        change = self._pending.pop(key, None)
        if change is not None:
            record = change(record)
            self._texts[key] = record.model_dump_json().encode()
        self._parsed[key] = record
