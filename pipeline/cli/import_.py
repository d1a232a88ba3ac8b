"""`pipeline import`: issues from a file, all or none of them, twice without harm."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json
from pipeline.errors import PipelineError, UsageProblem
from pipeline.store.backlog_import import import_github_json, import_jsonl


def command(
    jsonl: Annotated[
        Path | None, typer.Option("--jsonl", metavar="FILE", help="One issue a line.")
    ] = None,
    github_json: Annotated[
        Path | None,
        typer.Option(
            "--github-json",
            metavar="FILE",
            help="GitHub issues as its REST interface or `gh issue list --json` gives them.",
        ),
    ] = None,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Import issues from a file into the backlog.

    Example: gh issue list --json number,title,body,labels,author,url,state > issues.json,
    then: pipeline import --github-json issues.json
    """
    given = [(import_jsonl, jsonl), (import_github_json, github_json)]
    chosen = [(reader, path) for reader, path in given if path is not None]
    if len(chosen) != 1:
        raise UsageProblem("name one source: --jsonl FILE or --github-json FILE")
    project = open_project(repo)
    reader, path = chosen[0]
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PipelineError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PipelineError(f"{path} is not UTF-8 text: {error.reason}") from error
    report = reader(project.places, text, str(path))
    if as_json:
        print_json(
            {"added": report.added, "unchanged": report.unchanged, "changed": report.changed}
        )
        return
    typer.echo(f"{len(report.added)} added, {len(report.unchanged)} unchanged")
    for name in report.changed:
        typer.echo(f"{name} differs from the backlog; the backlog's text is kept")
    if report.added:
        typer.echo("next: pipeline plan")
