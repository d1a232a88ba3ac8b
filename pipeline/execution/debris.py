"""What the pipeline leaves behind and nothing needs any more: found by kind, removed on request.

workspaces     private clones in the user's cache; made again when they are needed
kept work      refs/pipeline/: checkpoints of tasks, failed and interrupted attempts
outputs        whole outputs of commands and tools
patches        changes outside a plan, set aside
edited copies  documents as somebody edited them, plans that could not be taken
transcripts    what agents and pipeline said to each other
temporary      files of processes that were killed
crash logs     tracebacks of bugs, a month old, of any repository of this user

Never a branch, a commit on one, the journal, a document, the backlog or a plan.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

from pipeline.domain.plan import PlanState
from pipeline.domain.results import ExecutionRecord
from pipeline.execution.kept_work import all_kept
from pipeline.execution.workspace import FRESH, remove_tree
from pipeline.git import Repository, delete_refs
from pipeline.paths import Places
from pipeline.plans.standing import held_by
from pipeline.store.state import State

Kind = Literal[
    "workspaces",
    "kept work",
    "outputs",
    "patches",
    "edited copies",
    "transcripts",
    "temporary",
    "crash logs",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

BY_ITSELF: frozenset[Kind] = frozenset({"kept work", "outputs", "temporary", "crash logs"})
"""What a new run removes without being asked, once it is older than `run.keep_days`."""

TEMPORARY_FOLDERS = ("pipeline-git-*", "pipeline-index-*")
"""Below the system's folder for them, of any repository of this user."""
A_DAY = timedelta(days=1)
A_MONTH = timedelta(days=30)
"""Crash logs are of every repository of this user: none asks for all of them to go."""


@dataclass(frozen=True)
class Debris:
    """One thing that can go: a file, a folder, or a ref."""

    kind: Kind
    name: str
    """The ref, or the path."""
    used_at: datetime
    """When it was last written to (UTC)."""
    bytes: int = 0
    commit: str | None = None
    """What the ref points at, where it is one; git frees that room by itself later."""


@dataclass(frozen=True)
class Ground:
    """Where to look, and what is too young to go."""

    repo: Repository
    places: Places
    state: State
    now: datetime
    age: timedelta
    """Nothing that was used since is taken, but for workspaces and dead temporary files."""

    @property
    def has_run(self) -> bool:
        """Tell whether a run is open, which may need what it left."""
        return self.state.run is not None or self.state.open_attempt is not None

    def is_old(self, used_at: datetime, *, at_least: timedelta = timedelta(0)) -> bool:
        """Tell whether something was left alone for long enough."""
        return self.now - used_at >= max(self.age, at_least)

    def is_needed(self, attempt: str) -> bool:
        """Tell whether the open run may need what an attempt left; what nobody knows, it may.

        A change that waits for a person's decision is needed whatever becomes of the run.
        """
        record = self.state.execution.get(attempt)
        if record is not None and self._waits(record):
            return True
        if not self.has_run:
            return False
        run = self.state.run
        return record is None or (run is not None and record.run_id == run.run_id)

    def _waits(self, record: ExecutionRecord) -> bool:
        if record.held is None or held_by(self.state, record.solution_id) != record.held:
            return False
        plan = self.state.planning.plan(record.solution_id)
        return plan is not None and plan.state in (PlanState.PENDING, PlanState.APPROVED)


def find_debris(ground: Ground, kinds: Iterable[Kind] = KINDS) -> list[Debris]:
    """Return what can go, kind after kind, oldest first."""
    return [
        one
        for kind in kinds
        for one in sorted(FINDERS[kind](ground), key=lambda found: (found.used_at, found.name))
    ]


def remove(repo: Repository, found: Iterable[Debris]) -> None:
    """Remove what was found. Raises `PipelineError` for what cannot be removed."""
    found = list(found)
    delete_refs(repo, {one.name: one.commit for one in found if one.commit is not None})
    for one in found:
        if one.commit is None:
            remove_tree(Path(one.name))


def _workspaces(ground: Ground) -> Iterator[Debris]:
    for place in _children(ground.places.repo_cache):
        if place.name.startswith(FRESH) or not ground.has_run:
            yield _of("workspaces", place)


def _kept_work(ground: Ground) -> Iterator[Debris]:
    for one in all_kept(ground.repo):
        if one.is_ours and ground.is_old(one.made_at) and not ground.is_needed(one.attempt):
            yield Debris("kept work", one.ref, one.made_at, commit=one.commit)


def _outputs(ground: Ground) -> Iterator[Debris]:
    planning = ground.places.outputs / "planning"
    for place in (*_children(ground.places.outputs), *_children(planning)):
        if place != planning and not ground.is_needed(place.name.removeprefix("rollback-")):
            yield from _if_old(ground, "outputs", place)


def _patches(ground: Ground) -> Iterator[Debris]:
    for place in _children(ground.places.quarantine, "*.patch"):
        if not ground.is_needed(place.stem):
            yield from _if_old(ground, "patches", place)


def _edited_copies(ground: Ground) -> Iterator[Debris]:
    copies = _children(ground.places.workflow, "*-results.json.edited-*")
    for place in (*copies, *_children(ground.places.edits)):
        yield from _if_old(ground, "edited copies", place)


def _transcripts(ground: Ground) -> Iterator[Debris]:
    if not ground.has_run:
        for place in _children(ground.places.transcripts):
            yield from _if_old(ground, "transcripts", place)


def _temporary(ground: Ground) -> Iterator[Debris]:
    own = [*_children(ground.places.workflow, ".*.tmp"), *_children(ground.places.plans, ".*.tmp")]
    system = Path(tempfile.gettempdir())
    own += [place for pattern in TEMPORARY_FOLDERS for place in _children(system, pattern)]
    for place in own:
        with suppress(FileNotFoundError):  # another process was still using it, and is done
            found = _of("temporary", place)
            if place.lstat().st_uid == os.getuid() and ground.now - found.used_at >= A_DAY:
                yield found


def _crash_logs(ground: Ground) -> Iterator[Debris]:
    for place in _children(ground.places.logs, "crash-*.log"):
        found = _of("crash logs", place)
        if ground.is_old(found.used_at, at_least=A_MONTH):
            yield found


FINDERS: dict[Kind, Callable[[Ground], Iterator[Debris]]] = {
    "workspaces": _workspaces,
    "kept work": _kept_work,
    "outputs": _outputs,
    "patches": _patches,
    "edited copies": _edited_copies,
    "transcripts": _transcripts,
    "temporary": _temporary,
    "crash logs": _crash_logs,
}


def _children(folder: Path, pattern: str = "*") -> list[Path]:
    """Return what lies in a folder of ours; nothing where a link stands in its place."""
    return [] if folder.is_symlink() or not folder.is_dir() else sorted(folder.glob(pattern))


def _if_old(ground: Ground, kind: Kind, place: Path) -> Iterator[Debris]:
    found = _of(kind, place)
    if ground.is_old(found.used_at):
        yield found


def _of(kind: Kind, place: Path) -> Debris:
    """Return a file or a folder with its size and its newest change; links are not followed."""
    newest, size = place.lstat().st_mtime, 0
    folders = [place] if place.is_dir() and not place.is_symlink() else []
    size += 0 if folders else place.lstat().st_size
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                newest = max(newest, status.st_mtime)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    size += status.st_size
    return Debris(kind, str(place), datetime.fromtimestamp(newest, UTC), size)
