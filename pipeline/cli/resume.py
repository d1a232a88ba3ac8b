"""`pipeline resume`: `run` as a word for going on, which says first what there is to go on with."""

import inspect
from collections.abc import Callable, Mapping
from functools import WRAPPER_ASSIGNMENTS, wraps
from pathlib import Path
from typing import Any

import typer

from pipeline.app.agenda import agenda
from pipeline.app.project import open_project
from pipeline.app.steering import steer
from pipeline.cli.dry_copy import copied
from pipeline.cli.dry_work import try_out as say_agenda
from pipeline.cli.output import print_json
from pipeline.cli.run import command as run
from pipeline.cli.steer import NOBODY, document
from pipeline.cli.streams import say
from pipeline.domain.wanted import Wanted
from pipeline.store.run_info import alive

OPENS_A_RUN = frozenset({"base", "new"})
"""Options of `run` that say how a run is opened."""


@wraps(run, assigned=tuple(name for name in WRAPPER_ASSIGNMENTS if name != "__doc__"))
def command(*, repo: Path, as_json: bool, **given: Any) -> int:
    """Go on: with a run that is paused, or with one that was stopped, killed, or out of quota.

    It says first what there is to go on with, then does what `pipeline run` does. Where a run is
    at work it only ends its pause. Without an open run there is nothing to resume.

    Example: pipeline resume --unattended
    """
    project = open_project(repo, settings=False)
    if alive(project.places) is not None:
        _go_on(repo, as_json=as_json, dry_run=False)
        return 0
    with copied(repo) as copy:
        found = agenda(open_project(copy.root), Wanted())
    if found.run_id is None:
        if as_json:
            print_json(document(None, None, dry_run=False))
        else:
            typer.echo("nothing to resume, no run is open: `pipeline run` begins one")
        return 0
    say(f"resumed: {found.counts} (run {found.run_id})")
    return run(repo=repo, as_json=as_json, **given)


def try_out(words: str, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Say which pause `resume` would end, or, where no run is at work, what it would work on."""
    if alive(open_project(given["repo"], settings=False).places) is not None:
        _go_on(given["repo"], as_json=given["as_json"], dry_run=True)
    else:
        say_agenda(words, function, given)


def _go_on(repo: Path, *, as_json: bool, dry_run: bool) -> None:
    found = steer(open_project(repo, settings=False), None, dry_run=dry_run)
    if as_json:
        print_json(document(found, None, dry_run=dry_run))
    elif found is None:
        typer.echo(f"{NOBODY} any more: type it again")
    elif found.before is None:
        typer.echo(f"process {found.worker.pid} is at work and not paused: nothing to resume")
    else:
        goes_on = "would go on, its pause would end" if dry_run else "goes on"
        typer.echo(
            f"process {found.worker.pid} {goes_on}; {found.before.by} had asked it to "
            f"{found.before.what}"
        )
        if dry_run:
            typer.echo("nothing was written: --dry-run")


_OF_RUN = inspect.signature(run, eval_str=True)
command.__signature__ = _OF_RUN.replace(  # type: ignore[attr-defined]
    parameters=[one for one in _OF_RUN.parameters.values() if one.name not in OPENS_A_RUN]
)
