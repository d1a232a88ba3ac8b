"""`pipeline status`: where everything stands, from the records, without touching the run.

What was shown last is kept; while nothing has changed that is shown, nothing else is imported.
"""

import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import typer

from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_table
from pipeline.cli.tables import load_function
from pipeline.domain.group import Group
from pipeline.paths import Places, UserPlaces
from pipeline.store.balance import Balance, Caps, balance, in_words
from pipeline.store.bill import Bill
from pipeline.store.run_info import RunInfo, alive, clock_time, waits_for_decisions
from pipeline.store.summary import Row, Summary, load

QUEUE_STATUS: dict[str, str] = {
    "executing": "executing",
    "completed": "completed",
    "failed": "failed",
}
"""Seed 004's words for a place in the queue; every other state of an issue is `pending` there."""


def command(repo: Repo = HERE, as_json: Json = False) -> None:
    """Show the phase, how many issues stand where, and what waits for you.

    Example: pipeline status --json | jq .phase
    """
    near = nearby(repo)
    kept = load(near) if near else None
    if near is not None and kept is not None:
        places, summary = near, kept
    else:
        places, summary = load_function("status_afresh", "read")(repo)
    worker = alive(places)
    if as_json:
        print_json(_document(summary, worker))
    else:
        _show(summary, worker)


def nearby(folder: Path) -> Places | None:
    """Return the places of the checkout around `folder` when it is set up, without asking git."""
    here = folder.absolute().resolve()
    for root in (here, *here.parents):
        if (root / ".git").exists():
            places = Places(root, UserPlaces.from_environment(), root / ".git")
            return places if places.journal.exists() else None
    return None


def phase(summary: Summary, worker: RunInfo | None) -> str:
    """Return the word for what is going on: init, planning, gate, executing or complete."""
    if worker is not None and worker.waits_until:
        return "gate"
    if worker is not None:
        return "executing" if summary.executing else "planning" if summary.planning else "init"
    groups = {row.group for row in summary.rows}
    if Group.NEEDS_YOU in groups or summary.holds:
        return "gate"
    return "complete" if groups and groups <= {Group.LANDED, Group.TURNED_DOWN} else "init"


def _document(summary: Summary, worker: RunInfo | None) -> dict[str, object]:
    queue = [row for row in summary.rows if row.solution_id]
    run = {"run_id": summary.run_id, "branch": summary.branch} if summary.run_id else None
    return {
        "phase": phase(summary, worker),
        "working": _worker(worker) if worker else None,
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
        "budget": _balance(summary, worker),
        "quotas": [
            {"provider": name, "until": until, "seconds_left": _left_s(until)}
            for name, until in summary.quotas.items()
        ],
    }


def _balance(summary: Summary, worker: RunInfo | None) -> Balance:
    """Return what is spent, reserved and left, by the caps of whoever works."""
    caps = worker.caps if worker is not None and worker.caps else summary.caps
    return balance(Bill.of_json(summary.bill), Caps(**caps), f"{datetime.now(UTC):%Y-%m-%d}")


def _left_s(until: str | None) -> int | None:
    """Return the seconds until a moment (ISO-8601); 0 when it has passed."""
    if until is None:
        return None
    return max(0, round((datetime.fromisoformat(until) - datetime.now(UTC)).total_seconds()))


def _quota(provider: str, until: str | None, worker: RunInfo | None) -> str:
    """Say that a vendor's quota is used up, until when, and who goes on then."""
    left = _left_s(until)
    if until is None or left is None:
        return f"the quota of {provider} is used up, with no reset time: `pipeline run` asks again"
    when = f"until {clock_time(datetime.fromisoformat(until))} (in {_duration(left)})"
    if left == 0:
        when = f"until {clock_time(datetime.fromisoformat(until))}, which has passed"
    then = "the run waits for it" if worker is not None else "then `pipeline run`"
    return f"the quota of {provider} is used up {when}: {then}"


def _duration(seconds: int) -> str:
    hours, minutes = divmod(-(-seconds // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _worker(worker: RunInfo) -> dict[str, object]:
    return {
        "pid": worker.pid,
        "started_at": worker.started_at,
        "waits_until": worker.waits_until,
    }


def _at_work(worker: RunInfo | None) -> str:
    if worker is None:
        return "not working"
    if worker.waits_until:
        return f"{waits_for_decisions(worker.waits_until)} (pid {worker.pid})"
    return f"working (pid {worker.pid})"


def _show(summary: Summary, worker: RunInfo | None) -> None:
    at_work = _at_work(worker)
    where = f" on {summary.branch}" if summary.branch else ""
    typer.echo(f"{phase(summary, worker)}{where}, {at_work}")
    counts = Counter(row.group for row in summary.rows)
    said = [f"{counts[group]} {group}" for group in Group if counts[group]]
    typer.echo(", ".join(said) or "the backlog is empty: pipeline add, pipeline import")
    for line in in_words(_balance(summary, worker)):
        typer.echo(line)
    for provider, until in summary.quotas.items():
        typer.echo(_quota(provider, until, worker))
    for hold in summary.holds:
        typer.echo(hold)
    waiting = [row for row in summary.rows if row.group not in (Group.LANDED, Group.NOT_STARTED)]
    if waiting:
        typer.echo("")
        table = [(row.id, row.group, row.solution_id or "-", _why(row)) for row in waiting]
        width = shutil.get_terminal_size((100, 24)).columns
        print_table(("ISSUE", "GROUP", "PLAN", ""), table, width=width)


def _why(row: Row) -> str:
    return row.reason or row.title
