"""A run while it works: told on the terminal, as plain lines, or as JSON."""

import os
import sys
from contextlib import nullcontext
from pathlib import Path

import typer

from pipeline.agents.messages import StopSignal
from pipeline.app.project import Project
from pipeline.app.telling import event_bus
from pipeline.app.working import work_under
from pipeline.cli.live import live_view
from pipeline.cli.streams import while_read
from pipeline.domain.wanted import Wanted
from pipeline.events import EventBus
from pipeline.store.journal import Probe
from pipeline.store.redaction import Redaction, secret_values
from pipeline.store.run_file import RunFile


def work_watched(
    held: RunFile,
    project: Project,
    wanted: Wanted,
    *,
    stop: StopSignal,
    as_json: bool,
    plain: bool,
    probe: Probe,
) -> int:
    """Work through the wanted phases and return the exit code; with `as_json` print the report."""
    redaction = Redaction(secret_values(os.environ))
    is_lines = plain or as_json
    live = None if is_lines else live_view(sys.stderr, project.places, os.environ, redaction)
    bus = EventBus([live]) if live else event_bus(as_json=as_json)
    written = project.places.report_json
    before = _written_at(written)
    try:
        with live or nullcontext():
            return work_under(held, project, wanted, bus=bus, stop=stop, probe=probe)
    finally:
        if as_json and _written_at(written) != before:
            with while_read():
                typer.echo(written.read_text(), nl=False)


def _written_at(path: Path) -> int | None:
    """Return when a file was written (ns), None when it is not there."""
    return path.stat().st_mtime_ns if path.exists() else None
