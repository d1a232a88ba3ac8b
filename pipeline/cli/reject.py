"""`pipeline reject`: turn a plan down for good."""

from typing import Annotated

import typer

from pipeline.app.plans import open_desk, reject
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json


def command(
    solution: Annotated[str, typer.Argument(metavar="SOL", help="A solution id.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")],
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Reject a plan; it never runs, and its issue is not planned again by itself.

    Example: pipeline reject SOL-ISS-004-1 --reason "we keep the tests"
    """
    desk = open_desk(repo, bus=event_bus(as_json=as_json))
    record = reject(desk, solution, reason)
    if as_json:
        print_json(desk.shown(record).model_dump(mode="json"))
    else:
        typer.echo(f"rejected {record.key}; it does not run")
