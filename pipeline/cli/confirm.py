"""`pipeline confirm`: say at a checkpoint that execution goes on."""

import typer

from pipeline.app.deciding import desk
from pipeline.app.project import open_project
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, By, Json, Repo
from pipeline.cli.output import print_json
from pipeline.domain.counting import counted
from pipeline.safety.checkpoint import confirm


def command(comment: By = "", repo: Repo = HERE, as_json: Json = False) -> None:
    """Confirm, where a run stopped at a checkpoint, that the next solutions are executed.

    A run that waits there goes on by itself; else the next `pipeline run` does.

    Example: pipeline confirm --comment "the first five look right"
    """
    here = desk(open_project(repo), event_bus(as_json=as_json))
    given = confirm(here.book, here.approver, comment=comment)
    if as_json:
        print_json(given.model_dump(mode="json", exclude={"kind"}))
    else:
        done = counted(given.solutions, "solution")
        typer.echo(f"confirmed by {given.by} after {done}; next: pipeline run")
