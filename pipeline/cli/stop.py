"""`pipeline stop`: have the run that is at work end."""

from typing import Annotated

import typer

from pipeline.cli.options import HERE, DryRun, Json, Repo
from pipeline.cli.steer import ask_for
from pipeline.store.asked import What


def command(
    now: Annotated[
        bool, typer.Option("--now", help="Interrupt the turn under way, as Ctrl-C does.")
    ] = False,
    dry_run: DryRun = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Have the run that is at work here end after its turn or attempt, with its report written.

    It ends with exit code 130, and `pipeline run` carries on. A wait for a quota or for decisions
    ends at once.

    Example: pipeline stop --now
    """
    ask_for(What.STOP_NOW if now else What.STOP, repo, dry_run=dry_run, as_json=as_json)
