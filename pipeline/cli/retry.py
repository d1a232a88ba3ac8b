"""`pipeline retry`: take an issue up again, with new information where there is some."""

from typing import Annotated

import typer

from pipeline.app.plans import open_desk, retry
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json


def command(
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="An issue id.")],
    feedback: Annotated[
        str, typer.Option("--feedback", metavar="TEXT", help="What to do differently; answers.")
    ] = "",
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Take up an issue that failed, was rejected, or asked questions.

    With --feedback it is planned again; without, a failed attempt is made again.

    Example: pipeline retry ISS-002 --feedback "use the parser in src/dates.py"
    """
    desk = open_desk(repo, bus=event_bus(as_json=as_json))
    again = retry(desk, issue, feedback=feedback)
    if as_json:
        print_json({"issue_id": issue, "again": again})
    else:
        typer.echo(f"{issue} is taken up again; next: pipeline run")
