"""`pipeline approve`: sign plans; nothing is executed without it."""

from typing import Annotated

import typer

from pipeline.app.deciding import desk
from pipeline.app.project import open_project
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, By, Json, Repo
from pipeline.cli.output import print_json


def command(
    solutions: Annotated[list[str], typer.Argument(metavar="SOL...", help="Solution ids.")],
    comment: By = "",
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Approve plans as they were shown; each is signed with its files' state.

    Several are approved together or, when one of them cannot be, not at all.

    Example: pipeline approve SOL-ISS-001-1 SOL-ISS-002-1
    """
    project = open_project(repo)
    here = desk(project, event_bus(as_json=as_json))
    records = [here.find(name) for name in dict.fromkeys(solutions)]
    approved = here.approve_all(records, comment=comment)
    if as_json:
        print_json([record.model_dump(mode="json") for record in approved])
        return
    for record in approved:
        assert record.plan is not None
        approval = record.plan.approval
        assert approval is not None
        after = ", ".join(one.solution_id for one in approval.after)
        typer.echo(
            f"approved {record.key} until {approval.expires_at.astimezone():%Y-%m-%d %H:%M}"
            + (f", after {after}" if after else "")
        )
    typer.echo("next: pipeline run")
