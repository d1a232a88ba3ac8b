"""Which records carry a label (a path, a set of globs), kept up with them when somebody asks.

A question costs what has changed since the last one, not what there is.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Generic, TypeVar

from pipeline.domain.results import ExecutionRecord, PlanningRecord
from pipeline.store.records import Records

R = TypeVar("R", PlanningRecord, ExecutionRecord)
L = TypeVar("L", bound=Hashable)


class Index(Generic[R, L]):
    """Label -> keys of the records that carry it."""

    def __init__(self, records: Records[R], labels: Callable[[str], Collection[L]]) -> None:
        """`labels` returns those of the record with this key, which is there."""
        self._records: Records[R] = records
        self._labels = labels
        self._seen = 0
        self._of: dict[str, frozenset[L]] = {}
        self._keys: defaultdict[L, set[str]] = defaultdict(set)

    @property
    def labels(self) -> Collection[L]:
        """Return every label that a record carries."""
        self._catch_up()
        return self._keys.keys()

    def keys(self, labels: Iterable[L]) -> set[str]:
        """Return the keys of the records that carry one of `labels`."""
        self._catch_up()
        return set().union(*(self._keys[label] for label in labels if label in self._keys))

    def _catch_up(self) -> None:
        changes = self._records.changes
        fresh = dict.fromkeys(changes[self._seen :])
        self._seen = len(changes)
        for key in fresh:
            labels = frozenset(self._labels(key)) if key in self._records else frozenset()
            before = self._of.get(key, frozenset())
            self._of[key] = labels
            for label in labels - before:
                self._keys[label].add(key)
            for label in before - labels:
                self._keys[label].discard(key)
                if not self._keys[label]:
                    del self._keys[label]
