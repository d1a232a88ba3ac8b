"""Wiring of a process that works: locks, agents, workspaces, verification, the purse."""

import os
from collections.abc import Sequence
from dataclasses import replace

from pipeline import git
from pipeline.agents.agent import Agent
from pipeline.agents.limits import TurnLimits
from pipeline.agents.messages import Provider, StopSignal
from pipeline.agents.notes import read_notes
from pipeline.agents.prompts import Prompts, Reminders
from pipeline.agents.providers.registry import find_access, make_provider
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.agents.roles import EXECUTOR, PLANNER
from pipeline.app.aside import ProviderAside, SandboxAside, timing_aside
from pipeline.app.books import open_book
from pipeline.app.heads import agent_role, head_of, settings_of
from pipeline.app.hiding import redaction_of
from pipeline.app.patience import Patience, Timing
from pipeline.app.project import Project
from pipeline.app.purse import open_purse
from pipeline.app.reporting import write_report
from pipeline.app.summing import SummaryKeeper, keep_summary
from pipeline.app.telling import telling_now
from pipeline.app.verifying import make_verifier
from pipeline.domain.base import utc_now
from pipeline.domain.issue import Issue
from pipeline.domain.wanted import Wanted
from pipeline.errors import StopAsked, Stopped
from pipeline.events import EventBus
from pipeline.execution.workspace import Workspaces
from pipeline.orchestrator import orchestrate
from pipeline.phases.execute import is_ready
from pipeline.phases.floor import Floor
from pipeline.phases.heed import CARRIES_ON, Heed
from pipeline.phases.overlap import REST_S
from pipeline.phases.plan import needs_plan
from pipeline.phases.work import Halt, Work
from pipeline.plans.ordering import planning_order
from pipeline.plans.refusals import require_runnable
from pipeline.plans.validation import require_switchable
from pipeline.safety.budget import caps_of
from pipeline.safety.decisions import Desk, no_plan, unknown
from pipeline.safety.gate import Gate
from pipeline.safety.policy import current_approver
from pipeline.sandbox import find_sandbox
from pipeline.store.backlog_view import BacklogView
from pipeline.store.book import Book
from pipeline.store.journal import Probe, no_probe
from pipeline.store.run_file import RunFile, hold
from pipeline.store.state import State
from pipeline.store.transcripts import Transcript


def work_through(
    project: Project,
    wanted: Wanted,
    *,
    bus: EventBus,
    stop: StopSignal,
    probe: Probe = no_probe,
    timing: Timing | None = None,
) -> int:
    """Hold the run lock, go through the wanted phases, and return the exit code."""
    with hold(project.places) as held:
        return work_under(held, project, wanted, bus=bus, stop=stop, probe=probe, timing=timing)


def work_under(
    held: RunFile,
    project: Project,
    wanted: Wanted,
    *,
    bus: EventBus,
    stop: StopSignal,
    probe: Probe = no_probe,
    timing: Timing | None = None,
) -> int:
    """Do the same where the run lock is held already."""
    git.require_version()
    require_switchable(project.settings.validation.off)
    book = open_book(project, bus, probe=probe)
    wanted = require_known(project, book.state, wanted)
    require_runnable(book, wanted.solutions)
    timing = timing or Timing()
    work = make_work(project, book, held, bus=bus, stop=stop, probe=probe, timing=timing)
    work.prompts.check()
    require_keys(project, work, wanted)
    bus.listeners.append(SummaryKeeper(project, book))

    def report(code: int, told: str) -> None:
        write_report(project, book, code, told)
        keep_summary(project, book)

    with telling_now(project.places, bus, wanted):
        try:
            return orchestrate(work, wanted, report)
        except Stopped as stopped:
            if (asked := held.inbox.look()) is None or isinstance(stopped, StopAsked):
                raise
            raise Stopped(f"stopped at once by {asked.by}; {CARRIES_ON}") from stopped


def make_work(
    project: Project,
    book: Book,
    held: RunFile,
    *,
    bus: EventBus,
    stop: StopSignal,
    probe: Probe,
    timing: Timing,
) -> Work:
    """Construct the collaborators of the phases; nothing is spawned yet."""
    repo, places, settings = project.repo, project.places, project.settings
    inbox = held.inbox
    floor = Floor()
    halt = Halt(lambda: stop() or inbox.ends_now(), look=timing.monotonic)
    redaction = redaction_of(settings.secrets)
    sandbox = SandboxAside(find_sandbox(settings.sandbox.kind, settings.sandbox.terms), floor)
    timing = timing_aside(timing, floor)
    workspaces = Workspaces(
        repo, places, sandbox, settings.workspace.keep, settings.workspace.setup
    )
    workspaces.sweep()
    verifier = make_verifier(project, workspaces, sandbox, bus)

    def let_settle() -> None:
        floor.rest(REST_S)
        work.check_stop()

    purse = open_purse(settings.budget, book.state, timing.monotonic, let_settle)
    held.spend_within(caps_of(settings.budget))
    gate, backlog = Gate(repo, places, settings, utc_now), BacklogView(places)
    work = Work(
        repo=repo,
        places=places,
        settings=settings,
        book=book,
        bus=bus,
        gate=gate,
        workspaces=workspaces,
        verifier=verifier,
        purse=purse,
        sandbox=sandbox,
        now=utc_now,
        stop=halt,
        halt=halt,
        floor=floor,
        heed=Heed(held, book=book, bus=bus, purse=purse, now=utc_now, sleep=timing.sleep),
        probe=probe,
        redaction=redaction,
        prompts=Prompts((places.user_prompts, places.prompts)),
        spawn=lambda role, reason: _spawn(role, work, timing, reason),
        backlog=backlog,
        desk=Desk(
            repo=repo,
            places=places,
            settings=settings,
            bus=bus,
            book=book,
            gate=gate,
            issues=backlog.issues,
            approver=current_approver(settings.roles),
            now=utc_now,
            patient=True,
        ),
        held=held,
    )
    return work


def require_known(project: Project, state: State, wanted: Wanted) -> Wanted:
    """Return `wanted` with the plan of each issue that was named in a plan's place.

    Raises `PipelineError` for an issue or a plan that does not exist.
    """
    issues = project.issues()
    known = [issue.id for issue in issues]
    for name in wanted.issues:
        if name not in known:
            raise unknown("issue", name, known)
    records = [record for record in state.planning.values() if record.solution_id]
    plans = {record.solution_id for record in records}
    solutions = [name if name in plans else state.current_key(name) for name in wanted.solutions]
    for name, solution in zip(wanted.solutions, solutions, strict=True):
        if solution not in plans:
            names = [said for one in records for said in (one.key, one.issue_id)]
            raise no_plan(name, issues, state, list(dict.fromkeys(names)))
    return replace(wanted, solutions=tuple(filter(None, solutions)))


def require_keys(project: Project, work: Work, wanted: Wanted) -> None:
    """Raise `AuthProblem` before anything is written when an agent that is needed has no key."""
    state, issues = work.book.state, planning_order(project.issues())
    if wanted.planning and any(needs_plan(state, issue) for issue in issues):
        _require_access(PLANNER, work)
    ready = any(is_ready(state, record) for record in state.planning.values())
    if wanted.execution and (ready or _may_become_ready(work, issues)):
        _require_access(EXECUTOR, work)


def _may_become_ready(work: Work, issues: Sequence[Issue]) -> bool:
    """Tell whether a run that waits at the gate may have something to execute by and by."""
    state = work.book.state
    left = any(not issue.closed and state.landed(issue.id) is None for issue in issues)
    return left and work.settings.gate.wait_s > 0


def _require_access(role: str, work: Work) -> None:
    settings, rehearsal = settings_of(role, work.settings), work.settings.rehearsal
    find_access(settings, os.environ, role=agent_role(role), rehearsal=rehearsal)


def _provider(role: str, work: Work, timing: Timing) -> Provider:
    return make_provider(
        settings_of(role, work.settings),
        os.environ,
        role=agent_role(role),
        rehearsal=work.settings.rehearsal,
        diagnose=work.settings.providers.cache_diagnostics,
        policy=RetryPolicy(
            retries=work.settings.limits.provider_retries, sleep=timing.sleep, now=timing.now
        ),
    )


def _spawn(role: str, work: Work, timing: Timing, reason: str | None) -> Agent:
    """Bring the agent of a role to life, with what its ledger held before."""
    state, limits, prompts = work.book.state, work.settings.limits, work.prompts
    provider = ProviderAside(_provider(role, work, timing), work.floor)
    head = head_of(
        role,
        repo=work.repo,
        places=work.places,
        settings=work.settings,
        sandbox=work.sandbox,
        base_commit=work.run.base_commit,
    )
    return Agent(
        role,
        provider,
        head,
        book=work.book,
        purse=work.purse,
        bus=work.bus,
        clock=timing.monotonic,
        limits=TurnLimits(
            calls=limits.calls_per_turn,
            answer_errors=limits.answer_errors,
            repair_rounds=limits.repair_rounds,
            silence_s=limits.silence_seconds,
            max_output_tokens=settings_of(role, work.settings).max_output_tokens,
            compact_tokens=limits.compact_tokens,
        ),
        transcript=Transcript(work.places.transcripts / f"{role}.jsonl", redaction=work.redaction),
        on_quota=Patience(
            provider.name,
            work.settings.wait_quota_s,
            work.book,
            work.bus,
            timing,
            work.purse.idle,
            work.held.inbox.ends,
        ),
        stop=work.stop,
        cache_key=f"{work.run.run_id}-{role}",
        memory=state.memory.get(role, ""),
        ledger=state.ledger.get(role, ()),
        notes=lambda: read_notes(work.places.memory, role, work.redaction),
        reminders=Reminders(prompts),
        history=work.settings.history,
        reason=reason,
    )
