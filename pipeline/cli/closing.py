"""The closing lines of a run: what came of it, and what to type next."""

from collections.abc import Sequence

import typer

from pipeline.app.books import read_state
from pipeline.app.project import Project
from pipeline.app.reporting import make_project_report
from pipeline.cli.streams import while_read
from pipeline.domain.group import Group
from pipeline.domain.issue import IssueState
from pipeline.observe.report.facts import Report, ReportEntry
from pipeline.observe.report.headline import outcome
from pipeline.observe.report.words import commit

SHOWN = 8
"""How many plans that wait, and how many failures, the closing lines name."""


def close(project: Project, code: int) -> None:
    """Say what there is now, and the commands that come next."""
    report = make_project_report(project, read_state(project), code)
    with while_read():
        _say(report)


def _say(report: Report) -> None:
    typer.echo("")
    typer.echo(outcome(report.groups) or "the backlog is empty: pipeline add, pipeline import")
    if report.branch and any(not one.earlier for one in report.groups[Group.LANDED]):
        since = f"{commit(report.base_commit)}.." if report.base_commit else ""
        undone = ", and what was taken back" if report.totals.taken_back else ""
        typer.echo(f"what landed{undone}: git log {since}{report.branch}")
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
