"""`pipeline export-run`: one run in one file, for a bug report or to keep."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.app.bundle import export_run
from pipeline.app.project import open_project
from pipeline.cli.clean import size
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_text
from pipeline.domain.counting import counted


def command(
    run: Annotated[
        str, typer.Argument(metavar="[RUN]", help="A run id; else the newest.", show_default=False)
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Where to; else run-<id>.tar.gz, here."),
    ] = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Write a run's records, plans, transcripts, outputs, report, journal lines and environment.

    Secrets are taken out of every file, and long files are cut in the middle; code of yours is in
    it, as the agents read it: look before you send it to anybody.

    Example: pipeline export-run --output night.tar.gz
    """
    project = open_project(repo)
    done = export_run(project, run or None, output)
    if as_json:
        print_json(
            {
                "path": str(done.path),
                "run_id": done.run_id,
                "files": done.files,
                "bytes": done.bytes,
                "left_out": list(done.left_out),
            }
        )
        return
    print_text(f"{done.path}: run {done.run_id}, {counted(done.files, 'file')}, {size(done.bytes)}")
    for name in done.left_out:
        print_text(f"left out, it would be too large: {name}")
