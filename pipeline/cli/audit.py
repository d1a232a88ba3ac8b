"""`pipeline audit`: the journal, proven and told; `verify`, `show`."""

import typer

from pipeline.cli.options import HERE, Json, Repo
from pipeline.errors import UsageProblem


def command(context: typer.Context, repo: Repo = HERE, as_json: Json = False) -> None:
    """Prove that the journal is what was written, or tell who decided what.

    Example: pipeline audit verify
    """
    if context.invoked_subcommand is None:
        raise UsageProblem("say which: `pipeline audit verify`, or `pipeline audit show`")
    given = {"repo": str(repo), "as_json": as_json}
    context.default_map = {context.invoked_subcommand: given}
