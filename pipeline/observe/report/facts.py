"""The facts of the report: one frozen model, from which every form of it is rendered.

report.json is this model as JSON. All text of others in it is cleaned: it shows nothing invisible.
"""

from typing import Literal

from pydantic import Field, JsonValue

from pipeline.domain.base import Noun, Time
from pipeline.domain.results import Usage


class Check(Noun):
    """A command that the pipeline ran itself, and how it ended."""

    stage: str
    """baseline, task, acceptance, suite"""
    task_id: str | None = None
    command: str
    passed: bool
    exit_code: int
    timed_out: bool = False
    tests: int | None = None
    """How many tests ran in it, where its test runner said so."""
    seconds: float
    output: str | None = None
    """Where the whole output is kept, relative to `.workflow/`; None: it is not there any more."""


class FileDiff(Noun):
    """How much of one file changed, in lines; None for both: it is binary."""

    path: str
    added: int | None = None
    deleted: int | None = None


class Diff(Noun):
    """What a landed commit changed against its parent."""

    files: tuple[FileDiff, ...] = ()
    added: int = 0
    deleted: int = 0
    text: str | None = None
    """The change itself, where it is short."""


class Said(Noun):
    """What the agent says of its work, beside the evidence."""

    status: str
    summary: str
    contradicts: str | None = None
    """How it differs from what the pipeline saw; None: it does not."""


class Link(Noun):
    """Something to read on."""

    label: str
    path: str
    """Relative to `.workflow/`."""


class Kept(Noun):
    """What an attempt that did not land had done, kept beside the branch."""

    kind: str
    """`failed`, `interrupted`, or `checkpoint`: the state after a finished task."""
    ref: str
    commit: str
    command: str
    """What writes its files into a new folder."""


class ReportEntry(Noun):
    """One issue in the report, with the evidence for its place."""

    issue_id: str
    title: str
    state: str
    earlier: bool = False
    """It came to this before the run that is told of."""
    solution_id: str | None = None
    risk: str | None = None
    reason: str | None = None
    attempts: int = 0
    """How often its current plan was carried out."""
    commit: str | None = None
    branch: str | None = None
    diff: Diff | None = None
    files: tuple[str, ...] = ()
    tests_before: tuple[Check, ...] = ()
    """The project's tests on the untouched base."""
    tests_after: tuple[Check, ...] = ()
    """What ran on the change: tests of tasks, acceptance, the project's tests."""
    claim: Said | None = None
    kept: Kept | None = None
    """The newest state that is kept of the attempt, where it did not land."""
    evidence: tuple[str, ...] = ()
    """Each line: command, outcome, seconds."""
    notes: tuple[str, ...] = ()
    """What qualifies the outcome: a contradicted claim, a quarantine, a recovery."""
    unproven: bool = False
    """Whether it landed without tests, or on a base whose tests failed."""
    started_at: Time | None = None
    ended_at: Time | None = None
    seconds: float = 0.0
    """How long the newest attempt took."""
    usd: float | None = None
    """None: a call had no known price."""
    tokens: int = 0
    spent: dict[str, Usage] = Field(default_factory=dict)
    """Role -> what it used for this issue, ever."""
    links: tuple[Link, ...] = ()
    conversation: str | None = None
    """The command that shows what the agents said and did about it."""
    next: str | None = None
    """The command to type next."""


class Conversations(Noun):
    """What was folded and summed up in the run, and where caches fell."""

    folds: int = 0
    fold_usd: float | None = 0.0
    summaries: int = 0
    failed_summaries: int = 0
    cache_falls: dict[str, int] = Field(default_factory=dict)
    """Cause -> how often."""


class QuotaWait(Noun):
    """One pause for a vendor's quota."""

    provider: str
    at: Time
    until: str | None = None
    """When the vendor says it is over (ISO-8601, UTC)."""
    over_at: Time | None = None
    """When the work went on; None: it has not."""


class Standstill(Noun):
    """A time in which the run stood still because somebody asked it to pause or to end."""

    how: str
    """`pause`, `stop`, `stop now`, `signal`"""
    by: str
    """Who asked; empty: a signal does not say who sent it."""
    at: Time
    over_at: Time | None = None
    """When the work went on; None: it has not."""
    seconds: float | None = None
    """How long it was; None: it is not over."""


class Ending(Noun):
    """How the process that worked last came to its end."""

    how: Literal["working", "ended", "killed", "closed", "unknown"]
    """`closed`: it is an earlier run, of which only the journal tells."""
    exit_code: int | None = None
    at: Time | None = None
    """When it ended; of one that was killed the last sign of it."""
    said: str = ""
    """What that means, in a few words."""


class Concern(Noun):
    """Something to look at more closely, whatever group its issue is in."""

    kind: str
    """A key of `concerns.HEADINGS`."""
    issue_id: str | None = None
    text: str
    link: str | None = None
    """Relative to `.workflow/`."""


class Action(Noun):
    """A command to type next, and why."""

    command: str
    why: str


class Totals(Noun):
    """The numbers of the report, over all groups."""

    issues: int = 0
    landed: int = 0
    """In this run."""
    landed_earlier: int = 0
    commits: int = 0
    unproven: int = 0
    """Of `commits` those that no test speaks for."""
    taken_back: int = 0
    """Commits on the run's branch besides those: what was taken back, and what took it back."""
    files: int = 0
    added: int = 0
    deleted: int = 0
    attempts: int = 0
    """Of the issues' current plans."""
    concerns: dict[str, int] = Field(default_factory=dict)
    """Kind of concern -> how many."""


class Report(Noun):
    """The whole report."""

    written_at: Time
    headline: str
    """The first sentence."""
    exit_code: int | None = None
    ending: Ending
    run_id: str | None = None
    branch: str | None = None
    base_commit: str | None = None
    opened_at: Time | None = None
    """When the run was opened."""
    worked_s: float = 0.0
    """How long it was worked on, all processes together (seconds)."""
    sandbox: str
    rehearsal: bool = False
    usage: Usage
    budget: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    """What is spent, reserved and left of run and day, as `status --json` says it."""
    totals: Totals = Totals()
    next: tuple[Action, ...] = ()
    concerns: tuple[Concern, ...] = ()
    quota_pauses: tuple[QuotaWait, ...] = ()
    standstills: tuple[Standstill, ...] = ()
    """When a person had the run pause or end, oldest first."""
    conversations: Conversations
    transcripts: tuple[Link, ...] = ()
    """What the agents said, whole: one file for each of them."""
    groups: dict[str, tuple[ReportEntry, ...]]
    holds: tuple[str, ...] = ()
    """What waits for a person besides single issues: a checkpoint, enough plans, a live run."""
    remarks: tuple[str, ...] = ()
