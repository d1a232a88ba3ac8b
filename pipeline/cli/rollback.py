"""`pipeline rollback`: undo a landed solution by a tested commit on its branch."""

from typing import Annotated

import typer

from pipeline.app.project import open_project
from pipeline.app.stopping import StopFlag
from pipeline.app.telling import event_bus
from pipeline.app.undo import Preview, preview, undo
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.cli.streams import while_read
from pipeline.domain.results import ExecutionRecord
from pipeline.execution.undoing import Undoing


def command(
    solution: Annotated[
        str, typer.Argument(metavar="SOL", help="A solution that landed, or its issue.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; the next plan is told.")
    ] = "",
    with_later: Annotated[
        bool,
        typer.Option("--with-later", help="Also what landed later on the same files."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; test and change nothing.")
    ] = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Undo a landed solution by a new, tested commit on the run's branch.

    The project's tests have to pass without it. Refused, with names, where later solutions
    changed the same files.

    Example: pipeline rollback SOL-ISS-001-1 --reason "it breaks the import"
    """
    project = open_project(repo)
    if dry_run:
        _show_preview(preview(project, solution, with_later=with_later), as_json=as_json)
        return
    bus = event_bus(as_json=as_json)
    with StopFlag().listening() as stop:
        undoing, records = undo(
            project, solution, reason=reason, with_later=with_later, bus=bus, stop=stop
        )
    with while_read():
        if as_json:
            print_json(_as_json(undoing, records))
        else:
            _say(undoing, records)


def _show_preview(found: Preview, *, as_json: bool) -> None:
    undoing = found.undoing
    records = tuple(step.record for step in undoing.steps)
    with while_read():
        if as_json:
            print_json(_as_json(undoing, records, dry_run=True) | {"diff_stat": found.diff_stat})
            return
        names = ", ".join(one.solution_id for one in records)
        print_text(f"would roll back on {undoing.branch}, newest first: {names}\n{found.diff_stat}")
        _say_dependents(undoing)
        print_text("nothing was tested or changed; without --dry-run the tests decide")


def _say(undoing: Undoing | None, records: tuple[ExecutionRecord, ...]) -> None:
    if undoing is None:
        print_text("an earlier command had rolled it back and was cut off; it is recorded now")
    else:
        _say_dependents(undoing)
    issues = dict.fromkeys(one.issue_id for one in records)
    for issue in issues:
        print_text(f'next: pipeline retry {issue} --feedback "what to do differently"')


def _say_dependents(undoing: Undoing) -> None:
    if undoing.dependents:
        names = ", ".join(one.solution_id for one in undoing.dependents)
        print_text(f"landed on it, and stays: {names}")


def _as_json(
    undoing: Undoing | None, records: tuple[ExecutionRecord, ...], *, dry_run: bool = False
) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "branch": records[0].branch,
        "rolled_back": [
            {
                "solution_id": one.solution_id,
                "issue_id": one.issue_id,
                "execution_result_id": one.execution_result_id,
                "commit_hash": one.commit_hash,
                "rollback_commit": one.rollback.commit if one.rollback else None,
                "files": one.files_modified,
            }
            for one in records
        ],
        "dependents": [one.solution_id for one in undoing.dependents] if undoing else [],
    }
