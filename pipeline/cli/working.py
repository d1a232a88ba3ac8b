"""What `plan`, `execute` and `run` share: flags to settings, signals, the closing lines."""

from collections.abc import Mapping
from pathlib import Path

import typer

from pipeline.app.project import open_project, read_state
from pipeline.app.reporting import make_project_report
from pipeline.app.stopping import StopFlag
from pipeline.app.telling import event_bus
from pipeline.app.working import work_through
from pipeline.cli.streams import while_read
from pipeline.domain.group import Group
from pipeline.observe.report import Report
from pipeline.orchestrator import Wanted
from pipeline.store.journal import Probe, no_probe


def work(
    repo: Path,
    wanted: Wanted,
    flags: Mapping[str, object],
    *,
    as_json: bool,
    probe: Probe = no_probe,
) -> int:
    """Work through the wanted phases, then say what stands and what to type next."""
    project = open_project(repo, flags)
    bus = event_bus(as_json=as_json)
    written = project.places.report_json
    before = _written_at(written)
    try:
        with StopFlag().listening() as stop:
            code = work_through(project, wanted, bus=bus, stop=stop, probe=probe)
    finally:
        if as_json and _written_at(written) != before:
            with while_read():
                typer.echo(written.read_text(), nl=False)
    if not as_json:
        report = make_project_report(project, read_state(project), code)
        with while_read():
            _close(report)
    return code


def _written_at(path: Path) -> int | None:
    """Return when a file was written (ns), None when it is not there."""
    return path.stat().st_mtime_ns if path.exists() else None


def _close(report: Report) -> None:
    """Say what there is now, and the commands that come next."""
    counts = [f"{len(entries)} {name}" for name, entries in report.groups.items() if entries]
    typer.echo("")
    typer.echo(
        ", ".join(counts) if counts else "the backlog is empty: pipeline add, pipeline import"
    )
    if report.groups[Group.LANDED] and report.branch:
        typer.echo(f"landed on {report.branch}: git log {report.branch}")
    waiting = [entry.solution_id for entry in report.groups[Group.NEEDS_YOU] if entry.solution_id]
    if waiting:
        typer.echo("next, for each plan that waits:")
        for name in waiting:
            typer.echo(f"  pipeline show {name}")
        typer.echo(f"  pipeline approve {' '.join(waiting)}")
        typer.echo('  (or: pipeline request-changes SOL "what", pipeline reject SOL --reason "..")')
        typer.echo("then: pipeline run")
    typer.echo("the whole report: pipeline report")
