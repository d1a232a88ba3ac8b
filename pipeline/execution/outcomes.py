"""What test commands came to on which tree, kept between runs: a tree is tested once.

    .workflow/tested/<key>.json     key: of tree, command and what the tools are like

A tree that passed is the next solution's baseline. One that failed is run again in another process:
what was missing may be there now. Either way the names of tests that failed are remembered, since
only a test that failed before can be flaky.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from pipeline.domain.base import Noun
from pipeline.domain.results import CommandEvidence
from pipeline.errors import PipelineError
from pipeline.store.files import write_whole

MOST_KEPT = 64
"""So many outcomes are kept, the newest."""


class Outcome(Noun):
    """What one command came to on one tree."""

    tree: str
    command: str
    tools: str
    evidence: CommandEvidence
    """Of its last run there."""
    failed: tuple[str, ...] = ()
    """Tests that failed there, also those that passed when it ran again."""


class Outcomes:
    """The outcomes of one repository; without a folder they are kept in memory alone."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[str, Outcome] = {}

    def passing(self, tree: str, command: str, tools: str) -> Outcome | None:
        """Return the outcome of a command on a tree if it passed there, with the same tools."""
        key = _key(tree, command, tools)
        found = self._known.get(key) or self._read(key)
        wanted = (tree, command, tools)
        if found is None or (found.tree, found.command, found.tools) != wanted:
            return None
        return found if found.evidence.passed else None

    def keep(self, outcome: Outcome) -> None:
        """Remember an outcome; a disk that cannot take it costs only time later."""
        key = _key(outcome.tree, outcome.command, outcome.tools)
        earlier = self._known.pop(key, None) or self._read(key)
        if earlier is not None:
            failed = tuple(sorted({*earlier.failed, *outcome.failed}))
            outcome = outcome.model_copy(update={"failed": failed})
        self._known[key] = outcome
        while len(self._known) > MOST_KEPT:
            del self._known[next(iter(self._known))]
        if self._folder is not None:
            with suppress(PipelineError, OSError):
                write_whole(self._folder / f"{key}.json", outcome.model_dump_json().encode())
                self._drop_oldest()

    def failed_before(self, command: str) -> frozenset[str]:
        """Return the names of the tests of a command that failed on any tree that is known."""
        kept = [] if self._folder is None else [one.stem for one in self._files()]
        outcomes = [*self._known.values(), *(self._read(key) for key in kept)]
        return frozenset(
            name for one in outcomes if one and one.command == command for name in one.failed
        )

    def _read(self, key: str) -> Outcome | None:
        if self._folder is None:
            return None
        try:
            return Outcome.model_validate_json((self._folder / f"{key}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def _files(self) -> list[Path]:
        assert self._folder is not None
        return list(self._folder.glob("*.json"))

    def _drop_oldest(self) -> None:
        files = self._files()
        if len(files) > MOST_KEPT:
            for path in sorted(files, key=lambda one: one.stat().st_mtime_ns)[:-MOST_KEPT]:
                path.unlink(missing_ok=True)


def _key(tree: str, command: str, tools: str) -> str:
    return hashlib.sha256("\0".join((tree, command, tools)).encode()).hexdigest()[:32]
