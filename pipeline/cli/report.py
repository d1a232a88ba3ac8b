"""`pipeline report`: what came of it, rendered again from the records."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.app.books import read_state
from pipeline.app.project import Project, open_project
from pipeline.app.reporting import FORMS, make_project_report, state_of_run
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_text
from pipeline.store.outside import write_outside


def command(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id; the newest if not given.")
    ] = None,
    form: Annotated[
        Literal["md", "html", "json"], typer.Option("--format", help="How to render it.")
    ] = "md",
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write it there.")
    ] = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Show what landed, what needs you, what is parked, failed or left.

    Example: pipeline report --format html --output night.html
    """
    project = open_project(repo)
    state, ended = read_state(project), None
    if run is not None:
        state, ended = state_of_run(project, state, run)
    report = make_project_report(project, state, ended=ended)
    kind = "json" if as_json else form
    text = FORMS[kind](report, _way(project, output))
    if output is not None:
        write_outside(project.places, output, text)
        typer.echo(f"wrote {output}", err=as_json)
    elif kind == "md":
        print_text(text)
    else:
        typer.echo(text, nl=False)


def _way(project: Project, output: Path | None) -> str:
    """Return what leads from where the text will be to `.workflow/`: from here, if printed."""
    folder = Path.cwd() if output is None else output.absolute().parent
    way = os.path.relpath(project.places.workflow, folder)
    return "" if way == "." else f"{way}/"
