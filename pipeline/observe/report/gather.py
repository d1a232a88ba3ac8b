"""From the journal's state to the facts of the report; every number in it comes from a record."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from pipeline.agents.roles import EXECUTOR, PLANNER
from pipeline.agents.spawning import GOES_ON
from pipeline.domain.counting import counted
from pipeline.domain.group import Group
from pipeline.observe.report.concerns import concerns_of
from pipeline.observe.report.entry import Ground, make_entry
from pipeline.observe.report.facts import (
    Concern,
    Conversations,
    Ending,
    Link,
    QuotaWait,
    Report,
    ReportEntry,
    Standstill,
    Totals,
)
from pipeline.observe.report.headline import headline
from pipeline.observe.report.steps import next_of_all
from pipeline.observe.report.words import clock_of, line
from pipeline.plans.standing import Standing
from pipeline.sandbox import LACKS
from pipeline.store.balance import Caps, balance
from pipeline.store.entries import RunOpened
from pipeline.store.state import State
from pipeline.store.tally import Tally

NO_CAPS = Caps()
NOTHING_KEPT = Ground()
UNKNOWN = Ending(how="unknown")


def make_report(
    rows: Sequence[Standing],
    state: State,
    *,
    now: datetime,
    sandbox: str,
    ending: Ending = UNKNOWN,
    is_earlier: bool = False,
    holds: Sequence[str] = (),
    caps: Caps = NO_CAPS,
    ground: Ground = NOTHING_KEPT,
) -> Report:
    """Gather the report of the newest run; `rows` are the standings of the backlog.

    `sandbox`: the one of the settings, told where no run has been opened. Of an earlier run
    (`is_earlier`) it is not said what to type next: that was then.
    """
    run = state.run or (state.runs[-1] if state.runs else None)
    groups = {
        group.value: tuple(
            make_entry(row, state, run, ground, is_past=is_earlier)
            for row in rows
            if row.group is group
        )
        for group in Group
    }
    concerns = tuple(concern for row in rows for concern in concerns_of(row))
    totals = _totals(groups, concerns, _taken_back(state, run))
    return Report(
        written_at=now,
        headline=headline(groups),
        exit_code=ending.exit_code,
        ending=ending,
        run_id=run.run_id if run else None,
        branch=run.branch if run else None,
        base_commit=run.base_commit if run else None,
        opened_at=state.tally.opened_at,
        worked_s=state.worked_s,
        sandbox=run.sandbox if run else sandbox,
        rehearsal=run.rehearsal if run else False,
        usage=state.spent,
        budget=balance(state.bill, caps, now.astimezone(UTC).date().isoformat()),
        totals=totals,
        next=tuple(next_of_all(groups, run, totals.taken_back, len(ground.foreign))),
        concerns=concerns,
        quota_pauses=tuple(_pauses(state.tally)),
        standstills=tuple(_standstills(state.tally)),
        conversations=_conversations(state.tally),
        transcripts=tuple(_transcripts(ground)),
        groups=groups,
        holds=tuple(map(line, holds)),
        remarks=(
            *((EARLIER,) if is_earlier else ()),
            *_of_others(ground.foreign),
            *_remarks(run.sandbox if run else sandbox, state),
        ),
    )


def _taken_back(state: State, run: RunOpened | None) -> int:
    """Return how many commits on the run's branch were taken back, or took one back."""
    undone = [one for one in state.execution.values() if one.rollback is not None]
    of_run = [one for one in undone if run is not None and one.run_id == run.run_id]
    both = ((one.commit_hash, one.rollback.commit) for one in of_run if one.rollback is not None)
    return len({commit for pair in both for commit in pair})


def _totals(
    groups: Mapping[str, Sequence[ReportEntry]], concerns: Sequence[Concern], taken_back: int
) -> Totals:
    landed = groups[Group.LANDED]
    tonight = [one for one in landed if not one.earlier]
    diffs = [one.diff for one in tonight if one.diff is not None]
    return Totals(
        issues=sum(map(len, groups.values())),
        landed=len(tonight),
        landed_earlier=len(landed) - len(tonight),
        commits=sum(one.commit is not None for one in tonight),
        unproven=sum(one.unproven for one in tonight),
        taken_back=taken_back,
        files=len({file.path for diff in diffs for file in diff.files}),
        added=sum(diff.added for diff in diffs),
        deleted=sum(diff.deleted for diff in diffs),
        attempts=sum(one.attempts for entries in groups.values() for one in entries),
        concerns=dict(Counter(one.kind for one in concerns)),
    )


def _pauses(tally: Tally) -> Iterator[QuotaWait]:
    for one in tally.pauses:
        yield QuotaWait(provider=one.provider, at=one.at, until=one.until, over_at=one.over_at)


def _standstills(tally: Tally) -> Iterator[Standstill]:
    for one in tally.standstills:
        seconds = (one.over_at - one.at).total_seconds() if one.over_at else None
        yield Standstill(
            how=one.how, by=line(one.by), at=one.at, over_at=one.over_at, seconds=seconds
        )


def _transcripts(ground: Ground) -> Iterator[Link]:
    for role in (PLANNER, EXECUTOR):
        path = f"transcripts/{role}.jsonl"
        if ground.kept(path):
            yield Link(label=f"{role}.jsonl", path=path)


def _conversations(tally: Tally) -> Conversations:
    return Conversations(
        folds=tally.folds,
        fold_usd=tally.fold_usd,
        summaries=tally.summaries,
        failed_summaries=tally.failed_summaries,
        cache_falls=dict(tally.falls),
    )


EARLIER = (
    "An earlier run, as it was when it ended: titles are those that were planned then (an issue "
    "that was not planned has today's), and what was closed by hand since counts as closed."
)

NAMED = 5
"""So many commits of others are named."""
WEAKER = {
    "none": "No sandbox: agents' commands and tests ran unconfined.",
    "landlock": f"A weaker sandbox than bubblewrap: commands ran without {'; '.join(LACKS)}.",
}


def _of_others(foreign: Sequence[str]) -> Iterator[str]:
    if foreign:
        more = f" and {len(foreign) - NAMED} more" if len(foreign) > NAMED else ""
        what = f"{counted(len(foreign), 'commit')} on the run's branch not by the pipeline"
        yield line(f"{what}: {', '.join(foreign[:NAMED])}{more}.")


def _remarks(sandbox: str, state: State) -> Iterator[str]:
    if sandbox in WEAKER:
        yield WEAKER[sandbox]
    for provider, quota in state.quotas.items():
        until = f" until {clock_of(quota.until)}" if quota.until else ""
        yield f"The quota of {provider} is used up{until}."
    again = Counter((one.role, one.reason) for one in state.respawned if one.reason != GOES_ON)
    for (role, reason), times in again.items():
        often = f" ({counted(times, 'time')})" if times > 1 else ""
        yield line(f"The {role} agent was spawned again{often}: {reason}.")
    yield from _of_conversations(state.tally)


def _of_conversations(tally: Tally) -> Iterator[str]:
    """Say what was folded and summed up, and where caches answered for less than they should."""
    if tally.folds:
        money = "" if tally.fold_usd is None else f", cached again for {tally.fold_usd:.2f} USD"
        yield f"Ledgers folded: {tally.folds}{money}."
    if tally.summaries or tally.failed_summaries:
        failed = f", {tally.failed_summaries} more could not be" if tally.failed_summaries else ""
        yield f"Turns summed up because they grew too long: {tally.summaries}{failed}."
    if tally.falls:
        causes = ", ".join(f"{cause}: {times}" for cause, times in tally.falls.most_common())
        often = counted(tally.falls.total(), "time")
        yield f"Caches answered for less than expected {often} ({causes})."
