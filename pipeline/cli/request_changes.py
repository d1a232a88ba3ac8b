"""`pipeline request-changes`: send a plan back with words; another one replaces it."""

from typing import Annotated

import typer

from pipeline.app.meanwhile import then
from pipeline.app.plans import open_desk, request_changes
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json


def command(
    solution: Annotated[str, typer.Argument(metavar="SOL", help="A solution id.")],
    what: Annotated[str, typer.Argument(metavar="WHAT", help="What should be different.")],
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Ask for another plan of the same issue; the Planning agent gets your words.

    Example: pipeline request-changes SOL-ISS-002-1 "keep the old flag as an alias"
    """
    desk = open_desk(repo, bus=event_bus(as_json=as_json))
    record = request_changes(desk, solution, what)
    if as_json:
        print_json(desk.shown(record).model_dump(mode="json"))
    else:
        issue = record.issue_id
        coming = then(desk.places, "plan", f"pipeline plan {issue}", issue)
        typer.echo(f"sent back {record.key}; {coming}")
