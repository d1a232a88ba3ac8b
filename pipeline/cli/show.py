"""`pipeline show`: one plan as a reviewer reads it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.app.plans import Desk, export, get, open_desk
from pipeline.app.telling import event_bus
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.domain.plan import PlanState
from pipeline.domain.results import PlanningRecord

DIGITS = 12
"""So much of the digest is shown: enough to tell two grounds of one plan apart."""


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
        typer.echo(f"wrote {output}", err=as_json)
    elif kind == "json":
        print_json(desk.shown(get(desk, solution)).model_dump(mode="json"))
    else:
        print_text(export(desk, solution, kind))
        if kind == "text":
            _say_what_would_be_signed(desk, get(desk, solution))


def _say_what_would_be_signed(desk: Desk, record: PlanningRecord) -> None:
    """Offer to approve exactly what was shown, where it waits for that."""
    if record.plan is not None and record.plan.state is PlanState.PENDING:
        stamp = desk.stamp(record)[:DIGITS]
        typer.echo(f"to approve exactly this: pipeline approve {record.key} --digest {stamp}")
