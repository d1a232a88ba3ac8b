"""Wiring of the audit: nothing is locked, and nothing is written."""

from collections.abc import Iterator
from datetime import datetime

from pipeline.app.books import read_state
from pipeline.app.project import Project
from pipeline.domain.base import utc_now
from pipeline.safety.audit import Proof, prove
from pipeline.safety.decisions import unknown
from pipeline.safety.gate import Gate
from pipeline.safety.trail import Decision, Trail


def proof_of(project: Project) -> Proof:
    """Check the journal of a project."""
    return prove(project.places, _gate(project), lambda: read_state(project))


def decisions(
    project: Project, *, about: str | None = None, since: datetime | None = None
) -> Iterator[Decision]:
    """Yield what was decided, oldest first; raises for a plan or issue that there never was."""
    trail = Trail(project.places, _gate(project).signed)
    yield from trail.decisions(about=about, since=since)
    if about is not None and not trail.knows(about):
        raise unknown("plan", about, trail.names())


def _gate(project: Project) -> Gate:
    return Gate(project.repo, project.places, project.settings, utc_now)
