"""`pipeline archive`: pack what is kept of closed runs."""

from datetime import timedelta
from typing import Annotated

import typer

from pipeline.app.history import archive
from pipeline.app.project import open_project
from pipeline.cli.clean import size
from pipeline.cli.options import HERE, DryRun, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.domain.counting import counted
from pipeline.errors import UsageProblem
from pipeline.settings import seconds


def command(
    run: Annotated[
        str, typer.Argument(metavar="[RUN]", help="This closed run; else all.", show_default=False)
    ] = "",
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help="Closed that long ago (30d, 12h).")
    ] = "0s",
    dry_run: DryRun = False,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Pack outputs, patches, transcripts and report of closed runs into one file each.

    Each file is read back and compared before anything is removed. Journal, documents, plans and
    commits stay as they are: `audit verify`, `history` and `report` go on to work.

    Example: pipeline archive --older-than 30d --dry-run
    """
    try:
        age = timedelta(seconds=seconds(older_than))
    except ValueError as error:
        raise UsageProblem(f"--older-than {older_than!r}: {error}") from error
    done = archive(open_project(repo), run or None, older_than=age, dry_run=dry_run)
    if as_json:
        rows = [
            {"run_id": one.run_id, "path": str(one.path), "files": one.files, "bytes": one.bytes}
            for one in done
        ]
        print_json({"dry_run": dry_run, "archived": rows})
        return
    for one in done:
        print_text(
            f"{one.run_id}: {counted(one.files, 'file')}, {size(one.bytes)}, into {one.path}"
        )
    if not done:
        typer.echo("nothing to archive: nothing is kept of a closed run")
    elif dry_run:
        typer.echo("nothing was packed or removed: --dry-run")
