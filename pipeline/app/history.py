"""Wiring of `history` and `archive`: what runs came to, and what is kept of closed ones.

An archive is `.workflow/archive/<run id>.tar.gz`: outputs, patches, the run's lines of the
transcripts, and its report. The journal, the documents, plans and commits stay where they are.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.app.books import read_state
from pipeline.app.project import Project
from pipeline.app.reporting import FORMS, make_project_report, state_of_run
from pipeline.domain.base import utc_now
from pipeline.errors import PipelineError
from pipeline.execution.workspace import remove_tree
from pipeline.safety.decisions import unknown
from pipeline.safety.policy import require_owner
from pipeline.store.files import write_atomic
from pipeline.store.journal import Journal
from pipeline.store.packing import Member, digest, pack, sums_of
from pipeline.store.past_runs import PastRun, past_runs
from pipeline.store.run_file import hold
from pipeline.store.transcript_lines import transcript_files


@dataclass(frozen=True)
class Archived:
    """What was packed of one run, or would be."""

    run_id: str
    path: Path
    files: int
    bytes: int
    """Before they were packed."""


def runs_of(project: Project) -> list[PastRun]:
    """Return all runs, oldest first."""
    read_state(project)  # starts a missing journal from the documents
    return past_runs(Journal(project.places).lines())


def archive_of(project: Project, run_id: str) -> Path:
    """Return where a run's archive is, or would be."""
    return project.places.archive / f"{run_id}.tar.gz"


def find_run(runs: list[PastRun], name: str | None) -> PastRun:
    """Return the run of that id; the newest without one. `PipelineError` where there is none."""
    if not runs:
        raise PipelineError("there was no run here yet: `pipeline run` begins one")
    if name is None:
        return runs[-1]
    found = next((run for run in runs if run.run_id == name), None)
    if found is None:
        raise unknown("run", name, [run.run_id for run in runs])
    return found


def archive(
    project: Project, name: str | None, *, older_than: timedelta, dry_run: bool
) -> list[Archived]:
    """Pack closed runs and remove what was packed; with `dry_run` only say what would be.

    Without a `name` all that were closed so long ago. What an earlier command that was killed had
    packed is removed now. Raises `PipelineError` while a run is at work, and for an open run.
    """
    with ExitStack() as stack:
        if not dry_run:
            require_owner(project.places.user.state)
            stack.enter_context(hold(project.places))
        runs = runs_of(project)
        if name is not None and find_run(runs, name).closed_at is None:
            raise PipelineError(f"the run {name} is open: `pipeline run --new` closes it")
        done = []
        for run in runs:
            is_old = run.closed_at is not None and utc_now() - run.closed_at >= older_than
            if run.run_id != name if name is not None else not is_old:
                continue
            one = _archive_one(project, run, next_opened(runs, run), dry_run=dry_run)
            if one is not None:
                done.append(one)
        return done


def _archive_one(
    project: Project, run: PastRun, until: datetime | None, *, dry_run: bool
) -> Archived | None:
    kept = list(kept_of(project, run, until))
    if not kept:
        return None
    path, is_packed = _place_of(project, run, dict(kept))
    found = Archived(run.run_id, path, len(kept), sum(len(content) for _, content in kept))
    if dry_run:
        return found
    if not is_packed:
        members = sorted([*kept, *report_of(project, run.run_id)])
        pack(path, members, at=int(run.opened_at.timestamp()))
    _remove_kept(project, run, until, sums_of(path))
    return found


def _place_of(project: Project, run: PastRun, kept: dict[str, bytes]) -> tuple[Path, bool]:
    """Return where to pack it, and whether a command that was killed has packed it there."""
    path, number = archive_of(project, run.run_id), 1
    while path.exists():
        sums = sums_of(path)
        if all(sums.get(name) == digest(content) for name, content in kept.items()):
            return path, True
        number += 1  # what came later, such as the outputs of a rollback
        path = archive_of(project, f"{run.run_id}.{number}")
    return path, False


def kept_of(project: Project, run: PastRun, until: datetime | None) -> Iterator[Member]:
    """Yield what is kept of a run besides its records: outputs, patches, what agents said."""
    places = project.places
    for folder in _folders(project, run):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(places.workflow).as_posix(), path.read_bytes()
    for patch in (places.quarantine / f"{name}.patch" for name in run.attempts):
        if patch.is_file():
            yield patch.relative_to(places.workflow).as_posix(), patch.read_bytes()
    for path in transcript_files(places):
        said = b"".join(_split(path, lambda at: _is_of(run, until, at))[0])
        if said:
            yield path.relative_to(places.workflow).as_posix(), said


def report_of(project: Project, run_id: str) -> Iterator[Member]:
    """Yield a run's report in all of its forms."""
    state, ended = state_of_run(project, read_state(project), run_id)
    report = make_project_report(project, state, ended=ended)
    for form in sorted(FORMS):
        yield f"report.{form}", FORMS[form](report, "../").encode()


def _folders(project: Project, run: PastRun) -> Iterator[Path]:
    outputs = project.places.outputs
    for name in run.attempts:
        yield outputs / name
        yield outputs / f"rollback-{name}"
    for request_id in run.requests:
        yield outputs / "planning" / request_id


def _remove_kept(
    project: Project, run: PastRun, until: datetime | None, packed: dict[str, str]
) -> None:
    """Remove what the archive holds, and nothing else."""
    for name in packed:
        path = project.places.workflow / name
        if path.parts[-2] != "transcripts" and not name.startswith("report."):
            path.unlink(missing_ok=True)
    for folder in _folders(project, run):
        if folder.is_dir() and not any(one.is_file() for one in folder.rglob("*")):
            remove_tree(folder)
    for path in transcript_files(project.places):
        if path.relative_to(project.places.workflow).as_posix() in packed:
            rest = _split(path, lambda at: _is_of(run, until, at))[1]
            write_atomic(path, b"".join(rest))


def next_opened(runs: list[PastRun], run: PastRun) -> datetime | None:
    """Return when the run after this one was opened; None for the newest."""
    place = runs.index(run) + 1
    return runs[place].opened_at if place < len(runs) else None


def _is_of(run: PastRun, until: datetime | None, at: datetime) -> bool:
    return run.opened_at <= at and (until is None or at < until)


def _split(path: Path, wanted: Callable[[datetime], bool]) -> tuple[list[bytes], list[bytes]]:
    """Return the lines of a transcript whose time is wanted, and all others."""
    taken: list[bytes] = []
    rest: list[bytes] = []
    for raw in path.read_bytes().splitlines(keepends=True):
        moment = _moment(raw)
        (taken if moment is not None and wanted(moment) else rest).append(raw)
    return taken, rest


def _moment(raw: bytes) -> datetime | None:
    """Return when a line was written; its time is the first field: `{"at":"..."`."""
    try:
        return datetime.fromisoformat(raw[7 : raw.index(b'"', 7)].decode())
    except ValueError:
        return None
