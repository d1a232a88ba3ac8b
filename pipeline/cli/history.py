"""`pipeline history`: what each run came to."""

import shutil
from dataclasses import asdict

import typer

from pipeline.app.history import archive_of, runs_of
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_table
from pipeline.cli.streams import while_read
from pipeline.domain.base import iso
from pipeline.observe.panel import duration
from pipeline.store.past_runs import PastRun

NOT_SHOWN = ("attempts", "requests", "plans")


def command(repo: Repo = HERE, as_json: Json = False) -> None:
    """List the runs of this repository, oldest first: times, what came of each, what it cost.

    Example: pipeline history
    """
    project = open_project(repo)
    runs = runs_of(project)
    packed = {run.run_id for run in runs if archive_of(project, run.run_id).exists()}
    with while_read():
        if as_json:
            print_json([_fields(run, is_archived=run.run_id in packed) for run in runs])
        elif runs:
            _show(runs, packed)
        else:
            typer.echo("there was no run here yet: `pipeline run` begins one")


def _show(runs: list[PastRun], packed: set[str]) -> None:
    head = ("RUN", "OPENED", "TOOK", "LANDED", "FAILED", "WAITING", "COST", "")
    rows = [
        (
            run.run_id,
            f"{run.opened_at.astimezone():%m-%d %H:%M}",
            duration(_seconds(run)) if run.closed_at else "-",
            str(run.landed),
            str(run.failed),
            str(run.waiting),
            f"${run.usd:.2f}" + ("+" if run.price_unknown else ""),
            ", ".join(_said(run, is_archived=run.run_id in packed)),
        )
        for run in runs
    ]
    print_table(head, rows, width=shutil.get_terminal_size((110, 24)).columns)


def _said(run: PastRun, *, is_archived: bool) -> list[str]:
    said = ["closed" if run.closed_at else "open"] + ["archived"] * is_archived
    return said + ["rehearsal"] * run.rehearsal + [run.reason] * bool(run.reason)


def _seconds(run: PastRun) -> float:
    return (run.closed_at - run.opened_at).total_seconds() if run.closed_at else 0.0


def _fields(run: PastRun, *, is_archived: bool) -> dict[str, object]:
    found = {name: value for name, value in asdict(run).items() if name not in NOT_SHOWN}
    times = {
        "opened_at": iso(run.opened_at),
        "closed_at": iso(run.closed_at) if run.closed_at else None,
    }
    return found | times | {"state": "closed" if run.closed_at else "open", "archived": is_archived}
