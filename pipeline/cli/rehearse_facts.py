"""What was seen of each fault of a rehearsal, said in words, with the settings that matter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.cli.rehearse_night import KILLED, SILENCE_S, Event, Played, Rehearsed
from pipeline.domain.counting import counted
from pipeline.domain.group import Group
from pipeline.plans.standing import Standing
from pipeline.rehearsal.night import CALLS, QUOTA_S, NightFault, Strike
from pipeline.settings import Settings
from pipeline.store.room import LEFT

QUOTA_PAUSE = 75
HOUR = f"{QUOTA_S // 3600}h"


@dataclass(frozen=True)
class Facts:
    """What was seen of one fault."""

    strike: Strike
    process: Played
    """The one that it met."""
    later: tuple[Event, ...]
    """The events of that process and of those after it."""
    seconds: float
    """Until the issue was further than before."""
    processes: int
    """How many were started for that."""
    calls: int
    """How many were made again for that."""
    outcome: str

    @property
    def went_on(self) -> bool:
        """Tell whether the process that it met went on by itself."""
        return self.processes == 0

    def said(self, name: str) -> list[Event]:
        """Return the events of one kind."""
        return [one for one in self.later if one["event"] == name]


def facts_of(done: Rehearsed, rows: Sequence[Standing]) -> list[Facts]:
    """Return what was seen of each fault that struck, in the order of the strikes."""
    return [_facts(done, strike, rows) for strike in done.night.strikes]


def _facts(done: Rehearsed, strike: Strike, rows: Sequence[Standing]) -> Facts:
    met = next(n for n, one in enumerate(done.played) if one.ended > strike.at)
    after = [one for one in done.night.asked if one[0] > strike.at]
    mine = [one for one in after if one[1].issue_id == strike.issue_id]
    again = [(at, view.call) for at, view in mine if view.agent == strike.agent]
    if strike.call < CALLS[strike.agent]:
        begin = strike.at
        ends = [at for at, call in again if call > strike.call]
    else:  # it struck when the turn was over, and cost nothing until somebody noticed
        begin = min((at for at, _ in again), default=strike.at)
        ends = [at for at, view in mine if view.agent != strike.agent and at > begin]
    end = min(ends, default=begin)
    spent = sum(at <= end for at, _ in again)
    return Facts(
        strike=strike,
        process=done.played[met],
        later=tuple(event for one in done.played[met:] for event in one.events),
        seconds=end - begin,
        processes=sum(begin < one.began <= end for one in done.played),
        calls=max(1, spent - 1) if strike.call < CALLS[strike.agent] else spent,
        outcome=where_it_stands(next(one for one in rows if one.issue.id == strike.issue_id)),
    )


def where_it_stands(row: Standing) -> str:
    """Say where an issue stands, in a few words."""
    if row.group is Group.LANDED and row.attempt and row.attempt.commit_hash:
        return f"{row.issue.id} landed as {row.attempt.commit_hash[:7]}"
    return f"{row.issue.id} {row.group}" + (f": {row.reason}" if row.reason else "")


def _ended(facts: Facts) -> str:
    """Say how the process ended that the fault met, in its own words."""
    said = facts.process.said.partition(":")[0]
    return f"ended with exit {facts.process.code}" + (f" ({said})" if said else "")


def _hang(facts: Facts) -> str:
    if not facts.went_on:
        return _ended(facts)
    return f"broke off after {SILENCE_S} s of silence and asked again"


def _bad_json(facts: Facts) -> str:
    if not facts.went_on:
        return _ended(facts)
    return "sent the error back to the agent, which answered again"


def _drift(facts: Facts) -> str:
    found = [one["reason"] for one in facts.said("PlanStale")]
    if not found:
        return _ended(facts)
    return f"did not run the plan ({found[0]}), had it planned again"


def _disk_full(facts: Facts) -> str:
    return (
        f"{_ended(facts)}; nothing was recorded after that, and the next run settled what was open"
    )


def _quota(facts: Facts) -> str:
    if facts.went_on and facts.said("QuotaOver"):
        return f"waited the {HOUR} out (here in no time) and went on"
    if facts.process.code != QUOTA_PAUSE:
        return _ended(facts)
    return f"paused with exit {QUOTA_PAUSE}, counted no attempt; the next run went on"


def _crash(facts: Facts) -> str:
    kept = [one for one in facts.said("Notice") if "was interrupted" in one["text"]]
    if facts.process.code != KILLED or not kept:
        return _ended(facts)
    return "was gone at once; the next run kept the unfinished work aside and began the issue again"


def _flaky_tests(facts: Facts) -> str:
    suites = [one["exit_code"] for one in facts.said("CommandRan") if one["stage"] == "suite"]
    if not any(suites) or suites[-1]:
        return _ended(facts)
    return "sent the failure to the agent; the same tree passed, so the report names the test flaky"


DID: dict[NightFault, Callable[[Facts], str]] = {
    "hang": _hang,
    "bad-json": _bad_json,
    "drift": _drift,
    "disk-full": _disk_full,
    "quota": _quota,
    "crash": _crash,
    "flaky-tests": _flaky_tests,
}
"""Fault -> what the run did with it, by what was seen."""


def _quota_setting(settings: Settings) -> str:
    if settings.wait_quota_s >= QUOTA_S:
        return f"run.wait_quota waits {settings.wait_quota_s} s; below {HOUR} the run ends (75)"
    return (
        f"run.wait_quota is {settings.wait_quota_s} s: --wait-quota {HOUR}, or --unattended, "
        "would have let the run go on"
    )


MATTERS: dict[NightFault, Callable[[Settings], str]] = {
    "hang": lambda s: (
        f"limits.silence_seconds waits {s.limits.silence_seconds} s ({SILENCE_S} here), "
        f"limits.provider_retries asks {counted(s.limits.provider_retries, 'time')} more; "
        "0 ends the turn"
    ),
    "bad-json": lambda s: (
        f"limits.answer_errors takes {s.limits.answer_errors} wrong answers in a turn; "
        "one more fails the issue"
    ),
    "drift": lambda s: (
        "none lets a plan run on moved ground; the new one waits for you, and gate.wait = "
        f"{s.gate.wait_s} s is how long a run stays for that"
    ),
    "disk-full": lambda s: (
        f"none: {LEFT >> 20} MB have to be left before a model is asked; "
        f"sandbox.disk_mb = {s.sandbox.disk_mb} bounds what one command writes"
    ),
    "quota": _quota_setting,
    "crash": lambda s: "none: whatever starts `pipeline run` again lets it go on",
    "flaky-tests": lambda s: (
        f"limits.repair_rounds sends {s.limits.repair_rounds} failures of a change back; "
        "0 fails the issue at the first"
    ),
}
"""Fault -> the settings that would have stopped the run earlier, or let it go on."""
