"""Wiring of an import: the batch into the backlog, its changes where a person wants them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.app.project import Project
from pipeline.app.updating import FREE, Meeting, Stands, meetings, plan_again
from pipeline.events import EventBus
from pipeline.store.importing.batch import Batch
from pipeline.store.importing.entering import Change, ImportReport, enter, take_over


@dataclass(frozen=True)
class Told:
    """One issue that its source says differently now, and what became of that."""

    change: Change
    meeting: Meeting
    applied: bool

    @property
    def line(self) -> str:
        """Return what a person is told of it."""
        name, fields = self.change.id, ", ".join(self.change.fields)
        words = APPLIED if self.applied else LEFT
        return words[self.meeting.stands].format(id=name, fields=fields, again=self.meeting.again)


LEFT: dict[Stands, str] = {
    Stands.OPEN: "{id} changed ({fields}): --update takes that over",
    Stands.PLANNED: "{id} changed since it was planned ({fields}): {again}, or --update, which "
    "has it planned again with the changed text",
    Stands.REJECTED: "{id} changed ({fields}); its plan was rejected: --update takes the text over",
    Stands.AT_WORK: "{id} changed ({fields}), and an agent works on it now: import again later",
    Stands.DONE: "{id} changed ({fields}), but it is done: `pipeline add` takes what is new",
}
"""Where the backlog keeps its own text."""

APPLIED: dict[Stands, str] = {
    Stands.OPEN: "{id} is updated ({fields})",
    Stands.PLANNED: "{id} is updated ({fields}) and will be planned again",
    Stands.REJECTED: "{id} is updated ({fields}); its plan stays rejected: `pipeline retry {id}`",
}
"""Where the source's text was taken over; in every other standing it never is."""


def take_in(
    project: Project, batch: Batch, *, update: bool, bus: EventBus
) -> tuple[ImportReport, Sequence[Told]]:
    """Enter what is new; with `update`, take changed issues over, planned ones by a new plan.

    A plan is sent back before its issue changes: cut off in between, the next import does the rest.
    """
    report = enter(project.places, batch)
    met = meetings(project, [change.before for change in report.changed])
    wanted = [one for one in report.changed if update and met[one.id].stands in FREE]
    for change in wanted:
        if met[change.id].stands is Stands.PLANNED:
            plan_again(project, met[change.id], _reason(change), bus)
    take_over(project.places, wanted)
    applied = {change.id for change in wanted}
    told = [Told(one, met[one.id], one.id in applied) for one in report.changed]
    return report, told


def _reason(change: Change) -> str:
    return (
        f"the issue has changed since this plan was made ({', '.join(change.fields)}): "
        "plan what it says now"
    )
