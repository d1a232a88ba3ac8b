"""`pipeline report`: what came of it, rendered again from the records."""

import typer

from pipeline.app.project import open_project, read_state
from pipeline.app.reporting import make_project_report
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_text
from pipeline.observe.report import to_markdown


def command(repo: Repo = HERE, as_json: Json = False) -> None:
    """Show what landed, what needs you, what is parked, failed or not started.

    Example: pipeline report > report.md
    """
    project = open_project(repo)
    report = make_project_report(project, read_state(project))
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_text(to_markdown(report))
