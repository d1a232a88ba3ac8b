"""`pipeline issues`: the backlog and where each issue stands; `edit`, `close`, `reopen`."""

import shutil
from typing import Annotated

import typer

from pipeline.app.books import read_state
from pipeline.app.project import open_project
from pipeline.app.standing import where_all_stand
from pipeline.cli.issue_rows import Order, Wanted, chosen
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_table, print_text
from pipeline.domain.base import iso
from pipeline.domain.counting import counted
from pipeline.domain.issue import IssueState
from pipeline.plans.standing import Standing


def command(
    context: typer.Context,
    state: Annotated[
        list[IssueState] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help=f"Only these ({', '.join(IssueState)}); may be given often.",
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="LABEL", help="Only with it; given often: with all."),
    ] = None,
    priority: Annotated[
        list[int] | None,
        typer.Option(
            "--priority", metavar="N", min=1, max=5, help="Only these; may be given often."
        ),
    ] = None,
    search: Annotated[
        str, typer.Option("--search", metavar="WORDS", help="Only with these words in the text.")
    ] = "",
    sort: Annotated[Order, typer.Option("--sort", help="In which order.")] = Order.BACKLOG,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many rows.")
    ] = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """List every issue: where it stands, its plan, and why it stands there.

    Example: pipeline issues --state failed --state blocked --sort priority
    """
    if context.invoked_subcommand is not None:
        given = {"repo": str(repo), "as_json": as_json}
        context.default_map = {context.invoked_subcommand: given}
        return
    project = open_project(repo)
    everything = where_all_stand(project, read_state(project))
    wanted = Wanted(state or (), label or (), priority or (), search, sort, limit)
    rows = chosen(everything, wanted)
    if as_json:
        print_json([_object(row) for row in rows])
        return
    if everything and not rows:
        print_text(f"none of {counted(len(everything), 'issue')} is like that")
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
