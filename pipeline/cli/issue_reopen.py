"""`pipeline issues reopen`: take back that an issue was closed."""

from typing import Annotated

import typer

from pipeline.app.editing import reopen_issue
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json


def command(
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="An issue id.")],
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Open a closed issue again; a plan that it had stands where it stood.

    Example: pipeline issues reopen ISS-003
    """
    reopen_issue(open_project(repo), issue)
    if as_json:
        print_json({"reopened": issue})
    else:
        typer.echo(f"{issue} is open again; next: pipeline plan")
