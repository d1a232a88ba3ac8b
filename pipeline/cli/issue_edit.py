"""`pipeline issues edit`: change what an issue says."""

import sys
from typing import Annotated

import typer

from pipeline.app.editing import edit_issue
from pipeline.app.project import open_project
from pipeline.app.telling import event_bus
from pipeline.app.updating import Stands
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json
from pipeline.errors import UsageProblem


def command(
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="An issue id.")],
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="One line, the new title.")
    ] = None,
    description: Annotated[
        str | None,
        typer.Option("-d", "--description", metavar="TEXT", help="`-`: standard input."),
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option("-p", "--priority", metavar="N", min=1, max=5, help="1 critical, 5 trivial."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label", metavar="LABEL", help="All labels from now on; '' alone: none of them."
        ),
    ] = None,
    depends_on: Annotated[
        list[str] | None,
        typer.Option("--depends-on", metavar="ID", help="All of them; '' alone: none."),
    ] = None,
    replan: Annotated[
        bool, typer.Option("--replan", help="Have it planned again when it has a plan.")
    ] = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Change what an issue says; what is not named stays.

    Example: pipeline issues edit ISS-002 --priority 1 --depends-on ISS-001
    """
    if title is not None and not title.strip():
        raise UsageProblem("the title is empty: say in one line what is wanted")
    if description == "-":
        description = sys.stdin.buffer.read().decode(errors="replace")
    given: dict[str, object] = {
        "title": title,
        "description": description,
        "priority": priority,
        "labels": _list(label),
        "depends_on": _list(depends_on),
    }
    values = {name: value for name, value in given.items() if value is not None}
    if not values:
        raise UsageProblem("nothing to change: name a title, description, priority, label or ...")
    bus = event_bus(as_json=as_json)
    found, meeting = edit_issue(open_project(repo), issue, values, replan=replan, bus=bus)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    typer.echo(f"{issue} is changed ({', '.join(values)})")
    if meeting.stands is Stands.PLANNED:
        typer.echo(
            "it will be planned again"
            if replan
            else f"its plan is from before: {meeting.again}, or --replan, has it planned again"
        )


def _list(words: list[str] | None) -> list[str] | None:
    return [word for word in words if word] if words else None
