"""`pipeline restore`: bring back work that was kept of an attempt, into a folder of its own."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.app.keeping import find_kept_work, kept_here
from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json, print_table
from pipeline.cli.streams import while_read
from pipeline.domain.base import here, iso
from pipeline.errors import UsageProblem
from pipeline.execution.kept_work import KeptWork, choose, write_into


def command(
    name: Annotated[
        str, typer.Argument(metavar="[EXR|SOL]", help="An attempt, or all of a plan.")
    ] = "",
    task: Annotated[
        str, typer.Argument(metavar="[TASK]", help="The state after this task; else the newest.")
    ] = "",
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="Write the files there; a new or empty folder."),
    ] = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Bring back work that was kept: of each finished task, of failed and interrupted attempts.

    Without --into it names the commit, without a name it lists what there is. Your checkout is
    never written to.

    Example: pipeline restore SOL-ISS-001-1 T1 --into ../look
    """
    if into is not None and not name:
        raise UsageProblem("--into needs to know what: name an attempt or a plan")
    project = open_project(repo)
    kept = find_kept_work(project, name) if name else kept_here(project)
    if name:
        kept = [choose(name, kept, task or None)]
    if into is not None:
        write_into(project.repo, kept[0], into)
    with while_read():
        if as_json:
            rows = [_as_json(one) for one in kept]
            print_json(rows[0] | {"into": into and str(into)} if name else rows)
        elif into is not None:
            typer.echo(f"{into} holds the {_said(kept[0])}; it is no checkout: copy what you want")
        elif name:
            typer.echo(f"{kept[0].commit}  the {_said(kept[0])}")
            typer.echo(f"git show {kept[0].commit[:12]}, or write its files out with --into DIR")
        else:
            _print_all(kept)


def _said(one: KeptWork) -> str:
    after = f" after {one.task}" if one.task else ""
    return f"work of {one.attempt}{after} ({one.kind}, {here(one.made_at)})"


def _print_all(kept: Sequence[KeptWork]) -> None:
    if not kept:
        typer.echo(
            "nothing is kept: no task was finished and no attempt failed, or it was cleaned up"
        )
        return
    rows = [[here(one.made_at), one.kind, one.attempt, one.task or "-"] for one in kept]
    width = shutil.get_terminal_size((100, 24)).columns
    print_table(["KEPT", "WHY", "ATTEMPT", "TASK"], rows, width=width)


def _as_json(one: KeptWork) -> dict[str, object]:
    return {
        "ref": one.ref,
        "commit": one.commit,
        "kind": one.kind,
        "execution_result_id": one.attempt,
        "task": one.task,
        "kept_at": iso(one.made_at),
    }
