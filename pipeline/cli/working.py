"""What `plan`, `execute` and `run` share: flags to settings, signals, the closing lines."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import typer

from pipeline.app.project import open_project, read_state
from pipeline.app.reporting import make_project_report
from pipeline.app.stopping import StopFlag
from pipeline.app.telling import event_bus
from pipeline.app.working import work_through
from pipeline.cli.live import live_view
from pipeline.cli.streams import while_read
from pipeline.domain.group import Group
from pipeline.domain.issue import IssueState
from pipeline.events import EventBus
from pipeline.observe.report.facts import Report, ReportEntry
from pipeline.observe.report.headline import outcome
from pipeline.observe.report.words import commit
from pipeline.orchestrator import Wanted
from pipeline.store.journal import Probe, no_probe
from pipeline.store.redaction import Redaction, secret_values

SHOWN = 8
"""How many plans that wait, and how many failures, the closing lines name."""


def work(
    repo: Path,
    wanted: Wanted,
    flags: Mapping[str, object],
    *,
    as_json: bool,
    plain: bool = False,
    probe: Probe = no_probe,
) -> int:
    """Work through the wanted phases, then say what stands and what to type next."""
    project = open_project(repo, flags)
    redaction = Redaction(secret_values(os.environ))
    is_lines = plain or as_json
    live = None if is_lines else live_view(sys.stderr, project.places, os.environ, redaction)
    bus = EventBus([live]) if live else event_bus(as_json=as_json)
    written = project.places.report_json
    before = _written_at(written)
    try:
        with StopFlag().listening() as stop, live or nullcontext():
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
    typer.echo("")
    typer.echo(outcome(report.groups) or "the backlog is empty: pipeline add, pipeline import")
    if report.branch and any(not one.earlier for one in report.groups[Group.LANDED]):
        since = f"{commit(report.base_commit)}.." if report.base_commit else ""
        typer.echo(f"what landed: git log {since}{report.branch}")
    for hold in report.holds:
        typer.echo(hold)
    for entry in report.groups[Group.FAILED][:SHOWN]:
        typer.echo(f"{entry.issue_id} failed: {entry.reason}")
        typer.echo(f"  {entry.next}")
    _say_what_waits(report.groups[Group.NEEDS_YOU])
    typer.echo("the whole report: pipeline report")


def _say_what_waits(entries: Sequence[ReportEntry]) -> None:
    """Name the plans that wait for a decision, and what takes up questions and stale plans."""
    if not entries:
        return
    decide = [entry for entry in entries if entry.state == IssueState.PLANNED]
    plans = [entry.solution_id for entry in decide if entry.solution_id][:SHOWN]
    asked = [entry for entry in entries if not entry.solution_id]
    if decide or asked:
        waiting = len(decide) + len(asked)
        typer.echo(f"next: pipeline review ({waiting} waiting, one page each), or one by one:")
    else:
        typer.echo("next:")
    for name in plans:
        typer.echo(f"  pipeline show {name}")
    if plans:
        typer.echo(f"  pipeline approve {' '.join(plans)}")
        typer.echo('  (or: pipeline request-changes SOL "what", pipeline reject SOL --reason "..")')
    for entry in [entry for entry in entries if entry not in decide][:SHOWN]:
        typer.echo(f"  {entry.next}")
    typer.echo("then: pipeline run")
