"""`pipeline status`: where everything stands and what is happening, without touching the run.

What was shown last is kept and brought up to date; nothing else is imported where that is enough.
"""

import shutil
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import HERE, Json, Plain, Repo
from pipeline.cli.output import print_json, print_table
from pipeline.cli.tables import load_function
from pipeline.domain.group import Group
from pipeline.observe.left import estimate
from pipeline.observe.look import View, Watcher
from pipeline.observe.panel import fitted, panel, said_of
from pipeline.paths import Places, UserPlaces
from pipeline.store.row_changes import Row
from pipeline.store.run_info import RunInfo
from pipeline.store.summary import Summary

QUEUE_STATUS: dict[str, str] = {
    "executing": "executing",
    "completed": "completed",
    "failed": "failed",
}
"""Seed 004's words for a place in the queue; every other state of an issue is `pending` there."""


def command(
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on showing it, until Ctrl-C; from any window.")
    ] = False,
    plain: Plain = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Show the phase, what is being done, how many issues stand where, and what waits for you.

    It takes no lock and asks no agent: a run that is at work does not notice. With --watch and
    --json, or where there is no terminal, a line is written whenever something has changed.

    Example: pipeline status --watch
    """
    watcher = watching(repo)
    if watch:
        load_function("status_watch", "watch")(watcher, document, plain=plain, as_json=as_json)
        return
    view = watcher.look()
    assert view is not None
    if as_json:
        print_json(document(view))
    else:
        _show(view)


def watching(repo: Path) -> Watcher:
    """Return what looks at the repository around `repo`; git is asked only when it has to be."""
    near = nearby(repo)

    def read() -> Summary:
        _, summary = load_function("status_afresh", "read")(repo)
        assert isinstance(summary, Summary)
        return summary

    places = near or load_function("status_afresh", "read")(repo)[0]
    return Watcher(places, lambda: datetime.now(UTC), read)


def nearby(folder: Path) -> Places | None:
    """Return the places of the checkout around `folder` when it is set up, without asking git."""
    here = folder.absolute().resolve()
    for root in (here, *here.parents):
        if (root / ".git").exists():
            places = Places(root, UserPlaces.from_environment(), root / ".git")
            return places if places.journal.exists() else None
    return None


def document(view: View) -> dict[str, object]:
    """Return all that is shown as one JSON object; times in UTC."""
    summary, worker = view.summary, view.worker
    queue = [row for row in summary.rows if row.solution_id]
    run = {"run_id": summary.run_id, "branch": summary.branch} if summary.run_id else None
    left = estimate(view)
    return {
        "phase": view.phase,
        "working": _worker(worker) if worker else None,
        "now": asdict(view.now) if view.now else None,
        "asked": asdict(view.asked) if view.asked else None,
        "holds": list(summary.holds),
        "run": run,
        "issues": {
            row.id: {
                "id": row.id,
                "title": row.title,
                "status": row.state,
                "solution_id": row.solution_id,
                "reason": row.reason,
            }
            for row in summary.rows
        },
        "queue": [
            {
                "item_id": f"S-{number}",
                "issue_id": row.id,
                "solution_id": row.solution_id,
                "status": QUEUE_STATUS.get(row.state, "pending"),
            }
            for number, row in enumerate(queue, start=1)
        ],
        "errors": [
            {"issue_id": row.id, "message": row.reason}
            for row in summary.rows
            if row.group == Group.FAILED
        ],
        "usage": summary.usage,
        "budget": view.balance,
        "quotas": [
            {"provider": name, "until": until, "seconds_left": _left_s(view, until)}
            for name, until in summary.quotas.items()
        ],
        "left": [asdict(part) for part in left.parts],
        "left_seconds": left.seconds,
    }


def _left_s(view: View, until: str | None) -> int | None:
    """Return the seconds until a moment (ISO-8601); 0 when it has passed."""
    if until is None:
        return None
    return max(0, round((datetime.fromisoformat(until) - view.at).total_seconds()))


def _worker(worker: RunInfo) -> dict[str, object]:
    return {
        "pid": worker.pid,
        "started_at": worker.started_at,
        "waits_until": worker.waits_until,
        "paused_since": worker.paused_since,
    }


def _show(view: View) -> None:
    width = shutil.get_terminal_size((100, 24)).columns
    for row in panel(view):
        shown = fitted([row], width)[0] if sys.stdout.isatty() else row
        typer.echo(shown.text)
    rows = view.summary.rows
    waiting = [row for row in rows if row.group not in (Group.LANDED, Group.NOT_STARTED)]
    waiting += [row for row in rows if row.group == Group.NOT_STARTED and row.reason]
    if waiting:
        typer.echo("")
        table = [(row.id, said_of(row.group), row.solution_id or "-", _why(row)) for row in waiting]
        print_table(("ISSUE", "GROUP", "PLAN", ""), table, width=width)


def _why(row: Row) -> str:
    return row.reason or row.title
