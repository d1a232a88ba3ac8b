"""`pipeline issues close`: an issue is done without a plan, or not wanted any more."""

from typing import Annotated

import typer

from pipeline.app.editing import close_issues
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json


def command(
    issues: Annotated[list[str], typer.Argument(metavar="ISSUE...", help="Issue ids.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Kept with the issue, and shown.")
    ] = "",
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Close issues that are done, or not wanted: no plan of theirs runs.

    Issues that depend on them can start. Nothing is written to GitHub.

    Example: pipeline issues close ISS-003 --reason "done by hand in 4f2a91c"
    """
    close_issues(open_project(repo), issues, reason=reason.strip())
    if as_json:
        print_json({"closed": issues})
    else:
        typer.echo(f"closed: {', '.join(issues)}; `pipeline issues reopen` takes it back")
