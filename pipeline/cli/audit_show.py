"""`pipeline audit show`: who decided what, when, on which digest."""

import shutil
from datetime import datetime, timedelta
from typing import Annotated

import typer

from pipeline.app.auditing import decisions
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_table, print_text
from pipeline.domain.base import here, utc_now
from pipeline.errors import UsageProblem
from pipeline.safety.trail import Decision
from pipeline.settings import seconds

DIGEST_LENGTH = 12


def command(
    solution: Annotated[
        str | None, typer.Option("--solution", metavar="SOL", help="Only this plan, or issue.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="From then on: 2026-11-21T18:00, or 2d ago."),
    ] = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Tell who decided what, when, on which digest: oldest first, times in your own zone.

    Approvals come with role, rule and expiry; everything else with its reason: rejections, requests
    for changes, deferrals, expiries, stale plans, refused executions, confirmations.

    Example: pipeline audit show --since 2d
    """
    begin = _moment(since) if since is not None else None
    project = open_project(repo)
    found = list(decisions(project, about=solution, since=begin))
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
    elif not found:
        print_text("nothing was decided")
    else:
        width = shutil.get_terminal_size((120, 24)).columns
        head = ("WHEN", "WHO", "WHAT", "PLAN", "DIGEST", "WORDS")
        print_table(head, [_row(one) for one in found], width=width)


def _row(one: Decision) -> tuple[str, ...]:
    return (
        f"{one.at.astimezone():%Y-%m-%d %H:%M:%S}",
        one.by,
        one.what if one.signed is not False else f"{one.what} (NOT SIGNED)",
        one.solution_id or one.issue_id or "-",
        (one.digest or "-")[:DIGEST_LENGTH],
        _words(one),
    )


def _words(one: Decision) -> str:
    terms = []
    if one.role:
        terms.append(f"as {one.role}")
    if one.rule:
        terms.append(f"by the rule {one.rule!r} up to {one.rule_max_risk}")
    if one.expires_at:
        terms.append(f"until {here(one.expires_at)}")
    return ": ".join(part for part in (", ".join(terms), one.words) if part)


def _moment(text: str) -> datetime:
    """Return a time (its own zone, else the local one), or how long ago; raises `UsageProblem`."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        pass
    try:
        return utc_now() - timedelta(seconds=seconds(text))
    except ValueError as error:
        raise UsageProblem(
            f"--since {text!r} is no time: write 2026-11-21, 2026-11-21T18:00 or 2d"
        ) from error
