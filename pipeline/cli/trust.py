"""`pipeline trust`: accept a `.workflow/` that git tracks, as it is now."""

import typer

from pipeline.app.project import open_project
from pipeline.cli.options import HERE, Json, Repo
from pipeline.cli.output import print_json
from pipeline.safety.trust import record_trust, tracked_workflow


def command(repo: Repo = HERE, as_json: Json = False) -> None:
    """Record that you looked at the tracked files below .workflow/ and accept them.

    Any later change of them has to be accepted again.

    Example: git ls-files .workflow, then: pipeline trust
    """
    project = open_project(repo, initialized=False, settings=False)
    files = tracked_workflow(project.repo)
    if files:
        record_trust(project.repo, project.places)
    if as_json:
        print_json({"trusted": list(files)})
    elif files:
        typer.echo(f"trusted {len(files)} tracked files below .workflow/, as they are now")
    else:
        typer.echo("git tracks nothing below .workflow/: there is nothing to trust")
