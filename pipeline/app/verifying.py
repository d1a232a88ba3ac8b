"""Wiring of verification."""

from pipeline.app.hiding import redaction_of
from pipeline.app.project import Project
from pipeline.events import EventBus
from pipeline.execution.outcomes import Outcomes
from pipeline.execution.verify import Verifier
from pipeline.execution.workspace import Workspaces
from pipeline.sandbox import Sandbox


def make_verifier(
    project: Project, workspaces: Workspaces, sandbox: Sandbox, bus: EventBus
) -> Verifier:
    """Return what runs a project's tests and remembers what came of them, tree by tree."""
    return Verifier(
        project.repo,
        workspaces,
        sandbox,
        project.places.outputs,
        bus,
        project.settings.limits.command_seconds,
        redaction_of(project.settings.secrets),
        suite_seconds=project.settings.tests.suite_seconds,
        tested=Outcomes(project.places.tested),
    )
