"""One plain line per event on stderr while the pipeline works; JSON lines with `--json`.

02:46:01  plan     ISS-1  SOL-ISS-1-1 waits for a decision (MEDIUM, 3 tasks)
"""

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

import orjson

from pipeline import events as e
from pipeline.domain.again import INTERRUPTED, why_again
from pipeline.domain.base import iso
from pipeline.domain.counting import counted
from pipeline.domain.paused import planning_paused
from pipeline.observe.column import Column
from pipeline.plans.holds import confirmation_wanted
from pipeline.plans.sanitize import clean
from pipeline.store.redaction import Redaction
from pipeline.store.run_info import clock_time

LONGEST = 1000
"""Characters of an event's text that are shown; titles and reasons come from outside."""

Words = tuple[str, str, str]
"""Topic (what kind of work), subject (an id or `-`), text."""


def _money(usd: float | None) -> str:
    return "price unknown" if usd is None else f"{usd:.2f} USD"


def _short(commit: str) -> str:
    return commit[:10]


def _planning(event: e.PlanningStarted) -> Words:
    again = f" (turn {event.attempt})" if event.attempt > 1 else ""
    return "plan", event.issue_id, f"planning{again}: {event.title}"


def _recorded(event: e.PlanRecorded) -> Words:
    tasks = counted(event.tasks, "task")
    text = f"{event.solution_id}: {event.title} ({event.risk} risk, {tasks}, {_money(event.usd)})"
    return "plan", event.issue_id, text


def _command(event: e.CommandRan) -> Words:
    ended = "passed" if event.exit_code == 0 else f"exit {event.exit_code}"
    outcome = "did not end in its time" if event.timed_out else ended
    text = f"{event.command}: {outcome} ({event.duration_s:.1f} s)"
    return "test", event.task_id or event.stage, text


def _tool(event: e.ToolCalled) -> Words:
    mark = " (refused or failed)" if event.is_error else ""
    return event.role, event.issue_id, f"{event.tool} {event.summary}{mark}"


def _resumed(event: e.RunResumed) -> Words:
    adopted = f", {event.adopted} adopted from git" if event.adopted else ""
    text = f"resumed on {event.branch}: {event.done} done{adopted}, {event.to_go} to go"
    return "run", "-", text


def _cached_for(usd: float | None) -> str:
    return "" if usd is None else f", cached again for {usd:.3f} USD"


def _compacted(event: e.Compacted) -> Words:
    if event.how == "failed":
        return "summary", event.issue_id, f"could not sum the turn up: {event.reason}"
    who = "the vendor" if event.how == "vendor" else "the model"
    sizes = f"{event.tokens_before:,} to {event.tokens_after:,} tokens"
    return "summary", event.issue_id, f"{who} summed the turn up: {sizes} ({event.reason})"


LINES: dict[type[e.Event], Callable[..., Words]] = {
    e.RunStarted: lambda v: (
        "run",
        "-",
        f"started on {v.branch} from {_short(v.base_commit)} (sandbox: {v.sandbox})",
    ),
    e.RunResumed: _resumed,
    e.AgentSpawned: lambda v: (
        "agent",
        v.role,
        f"spawned{' again' if v.reason else ''}: {v.model} at {v.provider}"
        + (f" ({v.reason})" if v.reason else ""),
    ),
    e.PlanningStarted: _planning,
    e.PlanRecorded: _recorded,
    e.PlanningFailed: lambda v: ("plan", v.issue_id, f"no plan: {v.reason}"),
    e.ClarificationNeeded: lambda v: ("plan", v.issue_id, "asks: " + " / ".join(v.questions)),
    e.PlanStale: lambda v: ("gate", v.solution_id, f"stale: {v.reason}"),
    e.ExecutionRefused: lambda v: ("gate", v.solution_id, f"not executed: {v.reason}"),
    e.PlanReturned: lambda v: ("gate", v.solution_id, f"waits again: {v.reason}"),
    e.ApprovedByRule: lambda v: (
        "gate",
        v.solution_id,
        f"approved by the rule {v.rule!r} ({v.risk} risk)",
    ),
    e.GateWaits: lambda v: ("gate", "-", "waiting for a decision: " + ", ".join(v.solution_ids)),
    e.WaitBegan: lambda v: (
        "gate",
        "-",
        f"waits for decisions until {clock_time(v.until)}",
    ),
    e.WaitEnded: lambda v: ("gate", "-", f"{v.reason}: {', '.join(v.solution_ids) or 'nothing'}"),
    e.PlanningPaused: lambda v: ("plan", "-", planning_paused(v.waiting)),
    e.ConfirmationWanted: lambda v: ("gate", "-", confirmation_wanted(v.solutions)),
    e.IssueBlocked: lambda v: ("blocked", v.issue_id, v.reason),
    e.AttemptStarted: lambda v: (
        "execute",
        v.issue_id,
        f"{v.solution_id}, attempt {v.attempt}",
    ),
    e.ToolCalled: _tool,
    e.CommandRan: _command,
    e.Quarantined: lambda v: (
        "fence",
        v.solution_id,
        "set aside, not in the plan: " + ", ".join(v.paths),
    ),
    e.Landed: lambda v: (
        "landed",
        v.issue_id,
        f"{v.solution_id} as {_short(v.commit)} ({counted(v.files, 'file')})",
    ),
    e.RolledBack: lambda v: (
        "undone",
        v.issue_id,
        f"{v.solution_id} rolled back by {_short(v.commit)}"
        + (f": {v.reason}" if v.reason else ""),
    ),
    e.AttemptFailed: lambda v: (
        "stopped" if v.failure_class == INTERRUPTED else "failed",
        v.issue_id,
        str(why_again(v.failure_class, v.reason)),
    ),
    e.Adopted: lambda v: ("landed", v.solution_id, f"found in git: {_short(v.commit)}"),
    e.QuotaPaused: lambda v: (
        "quota",
        v.provider,
        f"used up until {clock_time(v.until)}" if v.until else "used up; the vendor names no reset",
    ),
    e.QuotaOver: lambda v: ("quota", v.provider, "goes on"),
    e.OutagePaused: lambda v: (
        "outage",
        v.provider,
        f"asked again in {v.wait_s / 60:.0f} min: {v.reason}",
    ),
    e.Paused: lambda v: (
        "pause",
        v.by,
        f"asked for it at {clock_time(v.at)}; `pipeline resume` or `pipeline stop` ends it",
    ),
    e.Continued: lambda v: ("pause", "-", "over, the run goes on"),
    e.FellBack: lambda v: (
        "fallback",
        v.issue_id,
        f"{v.fallback} answers for {v.model}: {v.reason}",
    ),
    e.LedgerFolded: lambda v: (
        "ledger",
        v.role,
        f"folded: {v.tokens_before:,} to {v.tokens_after:,} tokens{_cached_for(v.usd)}",
    ),
    e.Compacted: _compacted,
    e.CacheFell: lambda v: (
        "cache",
        v.issue_id,
        f"{v.read:,} of {v.expected:,} expected tokens came from the {v.role}'s cache: {v.cause}",
    ),
    e.RecordRestored: lambda v: ("records", v.key, f"restored in {v.document}: {v.reason}"),
    e.RecordRemoved: lambda v: (
        "records",
        v.key,
        f"removed by hand from {v.document}: {v.issue_id} is done again",
    ),
    e.Notice: lambda v: ("note", "-", v.text),
    e.RunEnded: lambda v: ("run", "-", v.summary),
}
"""How each event reads; a test holds it complete."""


class Lines:
    """Makes lines of events, in columns that grow with the ids that come."""

    def __init__(self) -> None:
        self._subject = Column(12)

    def __call__(self, event: e.Event) -> str:
        """Return the event as one plain line, without a time, free of control characters."""
        topic, subject, text = (clean(word, one_line=True) for word in LINES[type(event)](event))
        said = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
        return f"{topic:<8} {self._subject(subject)} {said}".rstrip()


@dataclasses.dataclass(frozen=True)
class ConsoleLines:
    """Writes one line per event: local time of day, topic, subject, text."""

    stream: TextIO
    now: Callable[[], datetime]
    redaction: Redaction = dataclasses.field(default_factory=Redaction)
    _line: Lines = dataclasses.field(default_factory=Lines, init=False)

    def __call__(self, event: e.Event) -> None:
        """Write the event's line; what has only begun has none."""
        if isinstance(event, e.Moment):
            return
        told = self.redaction(self._line(event))
        self.stream.write(f"{self.now().astimezone():%H:%M:%S}  {told}\n")
        self.stream.flush()


@dataclasses.dataclass(frozen=True)
class JsonLines:
    """Writes one JSON object per event: `{"at", "event", ...fields}`; times in UTC."""

    stream: TextIO
    now: Callable[[], datetime]
    redaction: Redaction = dataclasses.field(default_factory=Redaction)

    def __call__(self, event: e.Event) -> None:
        """Write the event's object."""
        row = {"at": iso(self.now()), "event": type(event).__name__}
        row |= dataclasses.asdict(event)
        told = self.redaction.deep(orjson.loads(orjson.dumps(row, default=str)))
        self.stream.write(orjson.dumps(told).decode() + "\n")
        self.stream.flush()
