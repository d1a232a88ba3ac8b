"""Wiring of `pause`, `stop` and `resume`: what a person asks of a run in another process."""

from dataclasses import dataclass

from pipeline.app.project import Project
from pipeline.domain.base import iso, utc_now
from pipeline.errors import PipelineError
from pipeline.safety.policy import current_approver, require_owner
from pipeline.store.asked import Asked, What, ask, asked_of, take_back
from pipeline.store.run_info import RunInfo, alive


@dataclass(frozen=True)
class Steered:
    """Which process was asked, and what it had been asked before."""

    worker: RunInfo
    before: Asked | None


def steer(project: Project, what: What | None, *, dry_run: bool = False) -> Steered | None:
    """Ask the run that is at work for something; `what` None: to go on. None: no run is at work.

    Raises `PipelineError` for a process that holds the repository and is no run, and for a person
    to whom the user's state folder does not belong. With `dry_run` nothing is asked.
    """
    places = project.places
    worker = alive(places)
    if worker is None:
        return None
    require_owner(places.user.state)
    if worker.run_id is None:
        raise PipelineError(
            f"process {worker.pid} is at work here and is no run, or one that has just begun: "
            "wait a moment, then ask again"
        )
    found = Steered(worker, asked_of(places, worker))
    if dry_run:
        return found
    if what is None:
        take_back(places)
    else:
        by = current_approver(project.settings.roles).name
        ask(places, worker, what, by=by, at=iso(utc_now()))
    return found
