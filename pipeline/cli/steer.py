"""What `pause`, `stop` and `resume` share: asking the run that is at work in another process."""

from dataclasses import asdict
from pathlib import Path

import typer

from pipeline.app.project import open_project
from pipeline.app.steering import Steered, steer
from pipeline.cli.output import print_json
from pipeline.store.asked import What

NOBODY = "no run is at work here"

SAYS: dict[What, str] = {
    What.PAUSE: "pauses after what is under way; `pipeline resume` lets it go on",
    What.STOP: "ends after what is under way; `pipeline run` carries on later",
    What.STOP_NOW: "ends at once, and what is under way begins anew; `pipeline run` carries on",
}
"""What is asked -> what the process does then."""


def ask_for(what: What, repo: Path, *, dry_run: bool, as_json: bool) -> None:
    """Ask the run that is at work, and say who was asked for what."""
    project = open_project(repo, settings=False)
    found = steer(project, what, dry_run=dry_run)
    if as_json:
        print_json(document(found, what, dry_run=dry_run))
    elif found is None:
        typer.echo(f"{NOBODY}: nothing to {what.split()[0]}")
    else:
        verb = "would be asked: it" if dry_run else "was asked: it"
        typer.echo(f"process {found.worker.pid} {verb} {SAYS[what]}")


def document(found: Steered | None, what: What | None, *, dry_run: bool) -> dict[str, object]:
    """Return what happened as one JSON object."""
    before = found.before if found else None
    return {
        "dry_run": dry_run,
        "asked": what if found else None,
        "pid": found.worker.pid if found else None,
        "run_id": found.worker.run_id if found else None,
        "before": asdict(before) if before else None,
    }
