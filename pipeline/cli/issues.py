"""`pipeline issues`: the backlog in the order of the queue."""

import shutil

from pipeline.app.project import open_project, read_state, where_all_stand
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_table
from pipeline.domain.base import iso
from pipeline.plans.standing import Standing


def command(repo: Repo = HERE, as_json: Json = False) -> None:
    """List every issue: where it stands, its plan, and why it stands there.

    Example: pipeline issues --json
    """
    project = open_project(repo)
    rows = where_all_stand(project, read_state(project))
    if as_json:
        print_json([_object(row) for row in rows])
        return
    if not rows:
        print_table(
            ("no issues yet: `pipeline add TITLE`, or `pipeline import --help`",), [], width=100
        )
        return
    table = [
        (row.issue.id, str(row.issue.priority), row.state, _solution(row) or "-", _text(row))
        for row in rows
    ]
    head = ("ISSUE", "P", "STATE", "PLAN", "TITLE")
    print_table(head, table, width=shutil.get_terminal_size((100, 24)).columns)


def _object(row: Standing) -> dict[str, object]:
    record, attempt = row.record, row.attempt
    return {
        "id": row.issue.id,
        "title": row.issue.title,
        "status": row.state,
        "solution_id": _solution(row),
        "planned_at": iso(record.planned_at) if record else None,
        "executed_at": iso(attempt.executed_at) if attempt else None,
        "error": row.reason,
    }


def _solution(row: Standing) -> str | None:
    return row.record.solution_id if row.record else None


def _text(row: Standing) -> str:
    return f"{row.issue.title} ({row.reason})" if row.reason else row.issue.title
