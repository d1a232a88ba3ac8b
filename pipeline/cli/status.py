"""`pipeline status`: where everything stands, from the records, without touching the run."""

import shutil

import typer

from pipeline.app.project import Project, open_project, read_state, where_all_stand
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_table
from pipeline.domain.issue import IssueState
from pipeline.plans.standing import Group, Standing
from pipeline.store.run_file import alive
from pipeline.store.state import State

QUEUE_STATUS: dict[IssueState, str] = {
    IssueState.REGISTERED: "pending",
    IssueState.PLANNING: "pending",
    IssueState.PLANNED: "pending",
    IssueState.EXECUTING: "executing",
    IssueState.COMPLETED: "completed",
    IssueState.FAILED: "failed",
    IssueState.BLOCKED: "pending",
    IssueState.PARKED: "pending",
}
"""What an issue's state is in the queue (seed 004's four words)."""


def command(repo: Repo = HERE, as_json: Json = False) -> None:
    """Show the phase, how many issues stand where, and what waits for you.

    Example: pipeline status --json | jq .phase
    """
    project = open_project(repo)
    state = read_state(project)
    rows = where_all_stand(project, state)
    if as_json:
        print_json(_document(project, state, rows))
    else:
        _show(project, state, rows)


def phase(project: Project, state: State, rows: list[Standing]) -> str:
    """Return the word for what is going on: init, planning, gate, executing or complete."""
    if alive(project.places) is not None:
        return "executing" if state.open_attempt else "planning" if state.open_planning else "init"
    groups = {row.group for row in rows}
    if Group.NEEDS_YOU in groups:
        return "gate"
    return "complete" if rows and groups <= {Group.LANDED, Group.TURNED_DOWN} else "init"


def _document(project: Project, state: State, rows: list[Standing]) -> dict[str, object]:
    queue = [row for row in rows if row.record is not None and row.record.solution_id]
    run, worker = state.run, alive(project.places)
    return {
        "phase": phase(project, state, rows),
        "working": None if worker is None else {"pid": worker.pid, "started_at": worker.started_at},
        "run": None if run is None else {"run_id": run.run_id, "branch": run.branch},
        "issues": {
            row.issue.id: {
                "id": row.issue.id,
                "title": row.issue.title,
                "status": row.state,
                "solution_id": row.record.solution_id if row.record else None,
                "reason": row.reason,
            }
            for row in rows
        },
        "queue": [
            {
                "item_id": f"S-{number}",
                "issue_id": row.issue.id,
                "solution_id": row.record.solution_id if row.record else None,
                "status": QUEUE_STATUS[row.state],
            }
            for number, row in enumerate(queue, start=1)
        ],
        "errors": [
            {"issue_id": row.issue.id, "message": row.reason}
            for row in rows
            if row.group is Group.FAILED
        ],
        "usage": state.spent.model_dump(mode="json"),
    }


def _show(project: Project, state: State, rows: list[Standing]) -> None:
    worker = alive(project.places)
    at_work = f"working (pid {worker.pid})" if worker else "not working"
    where = f" on {state.run.branch}" if state.run else ""
    typer.echo(f"{phase(project, state, rows)}{where}, {at_work}")
    counts = [(group, sum(row.group is group for row in rows)) for group in Group]
    typer.echo(", ".join(f"{n} {group}" for group, n in counts if n) or "the backlog is empty")
    waiting = [row for row in rows if row.group not in (Group.LANDED, Group.NOT_STARTED)]
    if waiting:
        typer.echo("")
        table = [
            (row.issue.id, row.group, _plan(row), row.reason or row.issue.title) for row in waiting
        ]
        print_table(("ISSUE", "GROUP", "PLAN", ""), table, width=_width())


def _plan(row: Standing) -> str:
    return (row.record.solution_id or "-") if row.record else "-"


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns
