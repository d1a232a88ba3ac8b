"""Where and with what plans are carried out; made once per process by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.execution.verify import Verifier
from pipeline.execution.workspace import Workspaces
from pipeline.git import Repository, list_files, show_file
from pipeline.paths import Places
from pipeline.plans.project import detect_project
from pipeline.safety.gate import Gate
from pipeline.sandbox import Sandbox
from pipeline.settings import Settings
from pipeline.store.book import Book
from pipeline.store.entries import RunOpened
from pipeline.store.journal import Probe
from pipeline.store.redaction import Redaction


@dataclass
class Site:
    """One repository, its records and its workspaces, while an orchestrator works on it."""

    repo: Repository
    places: Places
    settings: Settings
    book: Book
    bus: EventBus
    gate: Gate
    workspaces: Workspaces
    verifier: Verifier
    sandbox: Sandbox
    now: Callable[[], datetime]
    stop: Callable[[], bool]
    probe: Probe
    redaction: Redaction
    """What takes secrets out of texts."""

    @property
    def run(self) -> RunOpened:
        """Return the open run."""
        run = self.book.state.run
        assert run is not None, "the phases work inside an open run"
        return run

    def tip(self) -> str:
        """Return the commit at the run branch's tip; raises `PipelineError` when it is gone."""
        tip = self.gate.trees.commit(f"refs/heads/{self.run.branch}")
        if tip is None:
            raise PipelineError(
                f"the run's branch {self.run.branch!r} is gone: restore it from `git reflog`, "
                "or start another run with `pipeline run --new`"
            )
        return tip

    @cached_property
    def suite(self) -> tuple[str, ...]:
        """The project's own test commands: the setting, else what the run's base shows."""
        return self.suite_at(self.run.base_commit)

    def suite_at(self, commit: str) -> tuple[str, ...]:
        """Return the project's own test commands: the setting, else what `commit` shows."""
        if self.settings.tests.command:
            return (self.settings.tests.command,)
        found = detect_project(
            lambda path: show_file(self.repo, commit, path), list_files(self.repo, commit)
        )
        return (found.test_command,) if found.test_command else ()
