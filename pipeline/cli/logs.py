"""`pipeline logs`: what the agents said and did, from their transcripts."""

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.app.project import Project, open_project
from pipeline.cli.options import HERE, Repo
from pipeline.cli.streams import is_read, say
from pipeline.domain.base import iso
from pipeline.domain.counting import counted
from pipeline.observe.logs import REMEMBERED, LogText, forwards, last
from pipeline.paths import Places
from pipeline.safety.decisions import unknown
from pipeline.store.transcript_lines import (
    Damaged,
    Growing,
    Line,
    Note,
    read_backwards,
    read_lines,
    transcript_files,
    whole_size,
)

LOOK_EVERY_S = 0.25
FIRST = 20
"""Notes that `-f` shows before it waits for more."""


def command(
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Wait for more, until Ctrl-C; across runs.")
    ] = False,
    issue: Annotated[
        str | None, typer.Option("--issue", metavar="ID", help="Only what was about this issue.")
    ] = None,
    agent: Annotated[
        Literal["planner", "executor"] | None, typer.Option("--agent", help="Only this agent.")
    ] = None,
    lines: Annotated[
        int | None,
        typer.Option(
            "-n", "--lines", min=0, metavar="N", help="Only the last N notes; with -f: 20."
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Requests, arguments and results in full.")
    ] = False,
    repo: Repo = HERE,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, as in the transcripts.")
    ] = False,
) -> None:
    """Show what the agents said and did: requests, words, tool calls and their results.

    Times are in your zone. Results are shortened to their first line.

    Example: pipeline logs --issue ISS-001 -n 50
    """
    project = open_project(repo)
    text = LogText(full=full)
    count = FIRST if follow and lines is None else lines
    shown = 0

    def wanted(note: Note) -> bool:
        about = (issue is None or note.issue_id == issue) and agent in (None, note.role)
        return about and (full or as_json or note.kind not in REMEMBERED)

    def show(notes: Iterable[Note]) -> None:
        nonlocal shown
        for note in notes:
            shown += 1
            typer.echo(_object(note) if as_json else "\n".join(text.lines(note)))

    def damaged(line: Damaged) -> None:
        where = line.path.relative_to(project.places.root)
        say(f"pipeline: {where}:{line.number}: cannot be read as a line of a transcript; skipped")

    ends = {path: whole_size(path) if follow else None for path in transcript_files(project.places)}
    if count is None:
        show(forwards([read_lines(path) for path in ends], wanted, damaged))
    else:
        backwards = [read_backwards(path, end) for path, end in ends.items()]
        show(last(backwards, count, wanted, damaged))
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            for streams in _growing(project.places, ends):
                show(forwards(streams, wanted, damaged))
    elif not shown:
        _nothing(project, issue)


def _growing(places: Places, ends: dict[Path, int | None]) -> Iterator[list[Iterator[Line]]]:
    """Yield what has been added to the transcripts, until nobody reads it any more."""
    known = {path: Growing(path, end or 0) for path, end in ends.items()}
    while is_read():
        for path in transcript_files(places):
            known.setdefault(path, Growing(path))
        yield [one.read() for one in known.values()]
        time.sleep(LOOK_EVERY_S)


def _nothing(project: Project, issue: str | None) -> None:
    """Say why there is nothing to show; raises `PipelineError` for an issue that is not there."""
    known = [one.id for one in project.issues()]
    if issue is not None and issue not in known:
        raise unknown("issue", issue, known)
    packed = [path.name for path in sorted(project.places.archive.glob("*.tar.gz"))]
    if packed:
        where = f"{counted(len(packed), 'archive')} in {project.places.archive}"
        say(f"nothing here; what was said in closed runs is in {where}, the newest {packed[-1]}")
    else:
        say("nothing yet: `pipeline plan` is where agents begin to speak")


def _object(note: Note) -> str:
    """Return a note as one line of JSON, everything outside ASCII escaped."""
    fields = {"kind": note.kind, "role": note.role, "issue_id": note.issue_id}
    whole = {"at": iso(note.at), **fields, "request_id": note.request_id, **note.fields}
    return json.dumps(whole, separators=(",", ":"))
