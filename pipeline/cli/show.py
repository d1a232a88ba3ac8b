"""`pipeline show`: one plan as a reviewer reads it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.app.plans import export, get, open_desk
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_text


def command(
    solution: Annotated[str, typer.Argument(metavar="SOL", help="A solution or issue id.")],
    form: Annotated[
        Literal["text", "md", "json"], typer.Option("--format", help="How to render it.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write it there.")
    ] = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Show one plan: goal, tasks, files, tests, risk, and what it may touch.

    Example: pipeline show SOL-ISS-001-1
    """
    desk = open_desk(repo, bus=event_bus(as_json=as_json))
    kind = "json" if as_json else form
    if output is not None:
        export(desk, solution, kind, output)
        typer.echo(f"wrote {output}")
    elif kind == "json":
        print_json(desk.shown(get(desk, solution)).model_dump(mode="json"))
    else:
        print_text(export(desk, solution, kind))
