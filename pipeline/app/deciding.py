"""Wiring of a person's decisions."""

from pathlib import Path

from pipeline.agents.providers.pricing import price
from pipeline.app.books import open_book
from pipeline.app.project import Project, open_project
from pipeline.domain.base import utc_now
from pipeline.events import EventBus
from pipeline.safety.decisions import Desk
from pipeline.safety.gate import Gate
from pipeline.safety.policy import current_approver
from pipeline.store.backlog_view import BacklogView
from pipeline.store.journal import Probe, no_probe


def desk(
    project: Project, bus: EventBus, *, probe: Probe = no_probe, patient: bool = False
) -> Desk:
    """Return where a person's decisions are made; `patient`: see `Desk`."""
    executor = project.settings.executor
    return Desk(
        repo=project.repo,
        places=project.places,
        settings=project.settings,
        bus=bus,
        book=open_book(project, bus, probe=probe),
        gate=Gate(project.repo, project.places, project.settings, utc_now),
        issues=BacklogView(project.places).issues,
        approver=current_approver(project.settings.roles),
        now=utc_now,
        patient=patient,
        price=lambda usage: price(usage, executor.provider, executor.model),
    )


def open_desk(path: str | Path = ".", *, bus: EventBus | None = None) -> Desk:
    """Open the repository around `path` for decisions; without a `bus` nothing is told to anybody.

    Raises `PipelineError` when the repository is not set up, or a setting is wrong.
    """
    return desk(open_project(Path(path)), bus or EventBus())
