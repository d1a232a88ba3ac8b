"""`pipeline defer`: set plans aside; they can be approved later."""

from typing import Annotated

import typer

from pipeline.app.plans import defer, get, open_desk
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json


def command(
    solutions: Annotated[list[str], typer.Argument(metavar="SOL...", help="Solution ids.")],
    undo: Annotated[bool, typer.Option("--undo", help="Take them up again.")] = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Set plans aside: they are parked, nothing asks for them, and `approve` still takes them.

    Example: pipeline defer SOL-ISS-004-1
    """
    desk = open_desk(repo, bus=event_bus(as_json=as_json))
    keys = [get(desk, name).key for name in dict.fromkeys(solutions)]
    changed = [defer(desk, key, deferred=not undo) for key in keys]
    if as_json:
        print_json([desk.shown(record).model_dump(mode="json") for record in changed])
        return
    for record in changed:
        assert record.plan is not None
        said = f"took up {record.key} again: it is {record.plan.state}"
        later = f"deferred {record.key}; later: pipeline approve {record.key}"
        if record.plan.approval is not None:
            later = f"deferred {record.key}; later: pipeline defer --undo {record.key}"
        typer.echo(said if undo else later)
