"""What `status` does when what it showed last no longer holds: read the records."""

from pathlib import Path

from pipeline.app.project import open_project
from pipeline.app.summing import fresh_summary
from pipeline.paths import Places
from pipeline.store.summary import Summary


def read(repo: Path) -> tuple[Places, Summary]:
    """Return the places of the repository and its summary, made from the journal."""
    project = open_project(repo)
    return project.places, fresh_summary(project)
