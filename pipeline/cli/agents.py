"""`pipeline agents`: both agents, and what they did in the newest run; `show` one of them."""

import shutil

import typer

from pipeline.app.agents import Ran, ran
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_table


def command(context: typer.Context, repo: Repo = HERE, as_json: Json = False) -> None:
    """Say what both agents did in the newest run: turns, tokens, how much of them was cached.

    Example: pipeline agents
    """
    if context.invoked_subcommand is not None:
        given = {"repo": str(repo), "as_json": as_json}
        context.default_map = {context.invoked_subcommand: given}
        return
    found = ran(open_project(repo))
    if as_json:
        print_json([_fields(one) for one in found])
        return
    head = ("AGENT", "TURNS", "CALLS", "TOKENS", "CACHED", "MODEL")
    width = shutil.get_terminal_size((120, 24)).columns
    print_table(head, [_row(one) for one in found], width=width)


def _row(one: Ran) -> tuple[str, ...]:
    share = one.cached_share
    cached = "-" if share is None else f"{share:.0%}"
    spawned = one.spawned_at is not None
    return (
        one.role,
        str(one.turns),
        str(one.usage.calls),
        f"{one.usage.total_tokens:,}",
        cached,
        f"{one.model or 'no model set'} at {one.provider}" + ("" if spawned else ", not spawned"),
    )


def _fields(one: Ran) -> dict[str, object]:
    return {
        "role": one.role,
        "provider": one.provider,
        "model": one.model,
        "spawned_at": one.spawned_at,
        "turns": one.turns,
        "usage": one.usage.model_dump(mode="json"),
        "cached_share": one.cached_share,
    }
