"""`pipeline config`: the settings that hold; `show`."""

import typer

from pipeline.cli.options import HERE, Json, Repo
from pipeline.errors import UsageProblem


def command(context: typer.Context, repo: Repo = HERE, as_json: Json = False) -> None:
    """Show the settings that hold, and where each has its value from.

    Example: pipeline config show --changed
    """
    if context.invoked_subcommand is None:
        raise UsageProblem("say which: `pipeline config show`")
    given = {"repo": str(repo), "as_json": as_json}
    context.default_map = {context.invoked_subcommand: given}
