"""Wiring of `rollback`: find what landed, show what undoing it takes, do it under the run lock."""

from dataclasses import dataclass

from pipeline import git
from pipeline.agents.messages import StopSignal
from pipeline.app.books import open_book, read_state
from pipeline.app.hiding import redaction_of
from pipeline.app.project import Project
from pipeline.app.summing import keep_summary
from pipeline.app.verifying import make_verifier
from pipeline.domain.base import utc_now
from pipeline.domain.results import ExecutionRecord, ExecutionStatus
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.execution.rollback import Request, final_tree, roll_back
from pipeline.execution.site import Site
from pipeline.execution.undoing import Undoing, find_undoing
from pipeline.execution.workspace import Workspaces
from pipeline.phases.settle import settle
from pipeline.plans.markdown import keep_plan
from pipeline.plans.preview import as_shown
from pipeline.safety.decisions import unknown
from pipeline.safety.gate import Gate
from pipeline.safety.policy import current_approver, require_owner
from pipeline.sandbox import find_sandbox
from pipeline.store.book import Book
from pipeline.store.journal import Probe, no_probe
from pipeline.store.run_file import hold
from pipeline.store.state import State


@dataclass(frozen=True)
class Preview:
    """What a rollback would do; nothing has been tested."""

    undoing: Undoing
    diff_stat: str


def preview(project: Project, name: str, *, with_later: bool) -> Preview:
    """Return what rolling `name` back would change; raises as `undo` does, but for failing tests.

    Takes no lock and changes nothing.
    """
    state = read_state(project)
    record = find_landed(state, name)
    undoing = find_undoing(project.repo, state, record, project.issues(), with_later=with_later)
    tree = final_tree(project.repo, undoing, when=utc_now())
    return Preview(undoing, git.diff_stat(project.repo, undoing.tip, tree))


def undo(
    project: Project,
    name: str,
    *,
    reason: str,
    with_later: bool,
    bus: EventBus,
    stop: StopSignal,
    probe: Probe = no_probe,
) -> tuple[Undoing | None, tuple[ExecutionRecord, ...]]:
    """Roll a landed solution back and return what was undone, newest first.

    The first part is None where an earlier command had been killed between doing and recording
    it. Raises `PipelineError`, with nothing changed, where it cannot be undone.
    """
    git.require_version()
    require_owner(project.places.user.state)
    with hold(project.places):
        book = open_book(project, bus, probe=probe)
        site = _site(project, book, bus=bus, stop=stop, probe=probe)
        begun = book.state.open_rollback
        settled = settle(site)
        undoing, records = None, begun.records if begun is not None and settled else ()
        if name not in {word for one in records for word in (one.solution_id, one.issue_id)}:
            record = find_landed(book.state, name)
            undoing = find_undoing(
                project.repo, book.state, record, project.issues(), with_later=with_later
            )
            by = current_approver(project.settings.roles).name
            records = roll_back(site, undoing, Request(by, git.one_line(reason)))
        _keep_plans(project, book, records)
        book.flush()
        keep_summary(project, book)
    return undoing, records


def find_landed(state: State, name: str) -> ExecutionRecord:
    """Return the attempt of this plan, or of this issue, that landed; raises where none did."""
    record = state.landing_of(name) or state.landed(name)
    if record is not None:
        return record
    key = state.current_key(name) or name
    for one in state.attempts(key):
        if one.status is ExecutionStatus.ROLLED_BACK:
            commit = f" by {one.rollback.commit}" if one.rollback else ""
            raise PipelineError(f"cannot roll back {name}: it was rolled back already{commit}")
    if key in state.planning:
        raise PipelineError(f"cannot roll back {name}: it has not landed, there is nothing to undo")
    raise unknown("plan", name, [one.solution_id for one in state.execution.values()])


def _site(project: Project, book: Book, *, bus: EventBus, stop: StopSignal, probe: Probe) -> Site:
    repo, places, settings = project.repo, project.places, project.settings
    sandbox = find_sandbox(settings.sandbox.kind, settings.sandbox.terms)
    redaction = redaction_of(settings.secrets)
    workspaces = Workspaces(
        repo, places, sandbox, settings.workspace.keep, settings.workspace.setup
    )
    workspaces.sweep()
    return Site(
        repo=repo,
        places=places,
        settings=settings,
        book=book,
        bus=bus,
        gate=Gate(repo, places, settings, utc_now),
        workspaces=workspaces,
        verifier=make_verifier(project, workspaces, sandbox, bus),
        sandbox=sandbox,
        now=utc_now,
        stop=stop,
        probe=probe,
        redaction=redaction,
    )


def _keep_plans(project: Project, book: Book, undone: tuple[ExecutionRecord, ...]) -> None:
    """Bring the living documents of what was undone up to date."""
    issues = {issue.id: issue for issue in project.issues()}
    for one in undone:
        plan = book.state.planning.get(one.solution_id)
        if plan is not None and one.issue_id in issues:
            shown = as_shown(plan, project.settings)
            past = book.state.past(one.solution_id)
            keep_plan(project.places.plans, shown, issues[one.issue_id], past)
