"""`pipeline review`: walk through what waits for you, one plan a page.

The first page is on the screen before anything else is done: only git, the journal and that one
plan are read for it. What costs more (the signature's key, conflicts, drift, what plans have cost)
follows while the person reads.
"""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json
from pipeline.cli.review_page import View, bar
from pipeline.cli.tables import load_function
from pipeline.cli.terminal import Terminal
from pipeline.errors import PipelineError
from pipeline.git import Repository, open_repository
from pipeline.paths import Places, UserPlaces
from pipeline.plans.page import plan_blocks
from pipeline.plans.preview import as_shown, base_of
from pipeline.plans.waiting import waiting
from pipeline.safety.trust import require_trust
from pipeline.settings import load_settings
from pipeline.store.backlog import load_issues
from pipeline.store.glance import glance


def command(
    solutions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOL]...", help="Only these; deferred ones too.", show_default=False
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Words and Enter: no colours, no moving cursor.")
    ] = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Approve, send back, reject or defer plans, and answer questions, with one key each.

    A decision is recorded when you make the next one or quit; until then `u` takes it back.

    Example: pipeline review
    """
    if as_json:
        _, places = _opened(repo)
        print_json([asdict(one) for one in waiting(load_issues(places), glance(places))])
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise PipelineError(
            "review needs a terminal: use `pipeline show SOL` and `pipeline approve SOL` instead"
        )
    if plain or os.environ.get("TERM", "dumb") == "dumb":
        load_function("review_plain", "walk")(repo, solutions or [])
        return
    here, places = _opened(repo)
    said = None
    try:
        with Terminal(os.environ) as terminal:
            if not solutions:
                _show_first(here, places, terminal)
            said = load_function("review_walk", "walk")(repo, solutions or [], terminal)
    finally:
        for line in said or ():
            typer.echo(line)


def _opened(repo: Path) -> tuple[Repository, Places]:
    here = open_repository(repo)
    places = Places(here.root, UserPlaces.from_environment(), here.git_dir)
    require_trust(here, places)
    return here, places


def _show_first(here: Repository, places: Places, terminal: Terminal) -> None:
    """Paint the first page without its notes."""
    issues, state = load_issues(places), glance(places)
    found = waiting(issues, state)
    if not found:
        return
    first, (columns, lines) = found[0], terminal.size
    issue = next((one for one in issues if one.id == first.issue_id), None)
    record = state.planning[first.key]
    shown = as_shown(record, load_settings(places, os.environ))
    view = View(plan_blocks(shown, issue, read=base_of(here, record)), (columns, lines))
    head = bar(f"1 of {len(found)}  {first.key}", "", columns)
    text = view.text(coloured=terminal.coloured)
    terminal.paint([head, *text, "", " looking at cost, conflicts and drift ..."])
