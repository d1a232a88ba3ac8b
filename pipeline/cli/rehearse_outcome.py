"""What came of a rehearsal: a row for each fault, what is lost, and what a person has to do."""

from collections.abc import Iterator, Sequence

from pipeline import git
from pipeline.app.project import Project
from pipeline.app.standing import where_all_stand
from pipeline.cli.rehearse_facts import DID, MATTERS, Facts, facts_of, where_it_stands
from pipeline.cli.rehearse_inside import DECIDED
from pipeline.cli.rehearse_night import Rehearsed
from pipeline.cli.rehearse_stage import Stage
from pipeline.domain.base import Noun
from pipeline.domain.counting import counted
from pipeline.domain.group import Group
from pipeline.domain.issue import Issue
from pipeline.domain.plan import PlanState, RiskLevel
from pipeline.domain.results import PlanningRecord
from pipeline.plans.standing import Standing
from pipeline.rehearsal.night import NightFault
from pipeline.safety.auto_approval import flag_rule, matching_rule


def standings(stage: Stage, project: Project, done: Rehearsed) -> list[Standing]:
    """Return where every issue of the rehearsal stands in the end."""
    return where_all_stand(Project(stage.clone, stage.places, project.settings), done.state)


def losses(stage: Stage, done: Rehearsed, rows: Sequence[Standing]) -> Iterator[str]:
    """Yield what is lost: an issue, a record, a commit, or the journal's chain."""
    why = next((one.said for one in reversed(done.played) if one.said), "")
    for row in rows:
        if row.group is Group.FAILED:
            yield f"{row.issue.id} failed: {row.reason}"
        if row.group is Group.NOT_STARTED:
            yield f"{row.issue.id} was not carried out" + (f": {why}" if why else "")
    keys = {*done.state.planning, *done.state.execution}
    yield from (f"the record {key} is gone" for key in sorted(done.seen - keys))
    if done.chain:
        yield f"the journal: {done.chain}"
    run = done.state.runs[-1] if done.state.runs else None
    commits = git.commits_between(stage.clone, run.base_commit, run.branch) if run else []
    named = [name for one in commits for name in one.trailers.get("Solution-Id", ())]
    for row in rows:
        key = row.attempt.solution_id if row.group is Group.LANDED and row.attempt else None
        if key is not None and named.count(key) != 1:
            commits_of_it = counted(named.count(key), "commit")
            yield f"{key} has {commits_of_it} on {run.branch if run else 'no branch'}"


def decided(done: Rehearsed) -> list[PlanningRecord]:
    """Return the current plan of each issue of which one was approved by no rule."""
    told = [one["text"] for played in done.played for one in played.events if "text" in one]
    names = [text.removeprefix(DECIDED) for text in told if text.startswith(DECIDED)]
    issues = dict.fromkeys(done.state.planning[name].issue_id for name in names)
    found = [done.state.current(issue_id) for issue_id in issues]
    return [record for record in found if record is not None]


class FaultRow(Noun):
    """One fault, met or not."""

    fault: str
    struck: str | None = None
    """When it struck; None: the run never came to where it strikes."""
    did: str = ""
    seconds: float = 0.0
    """Until the issue was further than before."""
    processes: int = 0
    """How many were started for that."""
    calls: int = 0
    """How many were made again for that."""
    outcome: str = ""
    settings: str
    """Which would have stopped the run earlier, or let it go on."""


class Outcome(Noun):
    """The whole of a rehearsal, as `--json` says it."""

    issues: int
    landed: int
    seconds: float
    faults: tuple[FaultRow, ...]
    commands: tuple[str, ...]
    """Each process: what was typed, and its exit code."""
    left: tuple[str, ...]
    """Issues that did not land, and why."""
    lost: tuple[str, ...]
    needs: tuple[str, ...]
    """What tonight's run needs from a person."""


def summed_up(
    stage: Stage, project: Project, done: Rehearsed, real: Sequence[Standing], *, seconds: float
) -> Outcome:
    """Return what came of it; `real`: where the issues stand in the user's repository."""
    rows = [row for row in standings(stage, project, done) if row.issue.id in done.todo]
    facts = {one.strike.fault: one for one in facts_of(done, rows)}
    left = [row for row in rows if row.group is not Group.LANDED]
    return Outcome(
        issues=len(rows),
        landed=len(rows) - len(left),
        seconds=round(seconds, 1),
        faults=tuple(_row(name, facts.get(name), project) for name in done.night.wanted),
        commands=tuple(f"{one.command}: exit {one.code}" for one in done.played),
        left=tuple(where_it_stands(row) for row in left),
        lost=tuple(losses(stage, done, rows)),
        needs=tuple(needs(project, done, real)),
    )


def _would_take(level: RiskLevel, record: PlanningRecord, issue: Issue) -> bool:
    """Tell whether `--auto-approve` would have approved a plan when it still waited."""
    if record.plan is None or record.solution is None:
        return False
    waiting = record.plan.model_copy(update={"state": PlanState.PENDING, "approval": None})
    return matching_rule([flag_rule(level)], record.solution, waiting, issue) is not None


def _row(name: NightFault, facts: Facts | None, project: Project) -> FaultRow:
    setting = MATTERS[name](project.settings)
    if facts is None:
        return FaultRow(fault=name, settings=setting)
    return FaultRow(
        fault=name,
        struck=facts.strike.during,
        did=DID[name](facts),
        seconds=round(facts.seconds, 1),
        processes=facts.processes,
        calls=facts.calls,
        outcome=facts.outcome,
        settings=setting,
    )


def needs(project: Project, done: Rehearsed, real: Sequence[Standing]) -> Iterator[str]:
    """Yield what tonight's run needs from a person, by the policy and by where things stand."""
    waiting = [row for row in real if row.awaits_decision]
    asked = [row for row in real if row.group is Group.NEEDS_YOU and not row.awaits_decision]
    if waiting:
        plans = counted(len(waiting), "of your plans waits", "of your plans wait")
        yield f"{plans} for a decision now: pipeline review"
    if asked:
        questions = counted(len(asked), "issue waits", "issues wait")
        yield f"{questions} for an answer now: pipeline status"
    found = decided(done)
    if found:
        yield (
            f"{len(found)} of {counted(len(done.todo), 'issue')}: no rule of yours approves a plan "
            "like that of the rehearsal; the real one waits for pipeline approve, or a run with "
            "--wait-gate 8h waits for you"
        )
    issues = {row.issue.id: row.issue for row in real}
    taken = sum(_would_take(RiskLevel.LOW, one, issues[one.issue_id]) for one in found)
    if taken:
        yield f"--auto-approve LOW takes {taken} of these, as the stand-in planned them"
    if every := project.settings.gate.checkpoint_every:
        yield f"pipeline confirm after every {counted(every, 'attempt')}"
