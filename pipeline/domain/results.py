"""The two results documents, as models: what an outside reader finds in `.workflow/`.

    planning-results.json    {HEADER "phase": "planning",  "results": [PlanningRecord, ...]}
    execution-results.json   {HEADER "phase": "execution", "results": [ExecutionRecord, ...]}

HEADER is `"created_at", "schema_version", "journal_seq"` and the phase.

One record per line, so that 100,000 of them are read as a stream.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from pipeline.domain.base import DerivedId, Id, Noun, Time
from pipeline.domain.plan import Plan
from pipeline.domain.solution import Solution

SCHEMA_VERSION = 1


class FailureClass(StrEnum):
    """Why something failed; decides what a later run does with it (section 5 of the design)."""

    TESTS = "tests"
    AGENT = "agent"
    PLAN_TOO_NARROW = "plan_too_narrow"
    INFRASTRUCTURE = "infrastructure"
    QUOTA = "quota"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"


class Usage(Noun):
    """What model calls have used. Tokens; USD. `input_tokens` counts uncached input only."""

    model: str = ""
    """Which model answered; several in the order of their first answers: `a, b`."""
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    usd: float | None = 0.0
    """None: at least one call had no known price."""

    def plus(self, other: "Usage") -> "Usage":
        """Return the sum; the price is unknown as soon as one part's is."""
        usd = None if self.usd is None or other.usd is None else round(self.usd + other.usd, 9)
        return Usage(
            model=_models(self, other),
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            usd=usd,
        )

    @property
    def total_tokens(self) -> int:
        """Return all tokens, cached ones too."""
        cached = self.cache_read_tokens + self.cache_write_tokens
        return self.input_tokens + cached + self.output_tokens

    @property
    def metered_tokens(self) -> int:
        """Return what counts against a token budget: output, uncached input and cache writes."""
        return self.output_tokens + self.input_tokens + self.cache_write_tokens


def _models(first: Usage, then: Usage) -> str:
    """Return the models of both; one that did not answer is named only when none did."""
    if not (first.calls and then.calls):
        return then.model if then.calls or not first.model else first.model
    names = [name for one in (first, then) for name in one.model.split(", ") if name]
    return ", ".join(dict.fromkeys(names))


class PlanningStatus(StrEnum):
    """What came of one planning turn."""

    COMPLETED = "completed"
    FAILED = "failed"
    NEEDS_CLARIFICATION = "needs_clarification"


class PlanningRecord(Noun):
    """One record of `planning-results.json`; the current one of an issue is its last."""

    issue_id: Id
    solution_id: DerivedId | None = None
    status: PlanningStatus
    solution: Solution | None = None
    questions: tuple[str, ...] = ()
    planned_at: Time
    attempt: int = 1
    base_commit: str | None = None
    """The run branch's tip that the planner read."""
    plan: Plan | None = None
    failure_class: FailureClass | None = None
    usage: Usage = Usage()
    error: str | None = None
    rehearsal: bool = False

    @property
    def key(self) -> str:
        """Return what names this record among all: the solution id, else issue and attempt."""
        return self.solution_id or f"{self.issue_id}#{self.attempt}"


class ExecutionStatus(StrEnum):
    """What came of one attempt at carrying a solution out."""

    COMPLETED = "completed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


class SuiteRun(Noun):
    """What a test runner said of one run; told by the project's own code, so never a verdict."""

    ran: int | None = None
    """How many tests ran, skipped ones not counted; None: it was not said."""
    skipped: int | None = None
    failed: tuple[str, ...] = ()
    """Names of the tests that failed, a bounded number of them."""
    told_by: Literal["junit", "output"]


class CommandEvidence(Noun):
    """What the pipeline itself saw when it ran one command."""

    stage: Literal["baseline", "task", "acceptance", "suite"]
    task_id: str | None = None
    command: str
    exit_code: int
    duration_s: float
    timed_out: bool = False
    output_path: str | None = None
    """Where the whole output is kept, relative to `.workflow/`."""
    again: bool = False
    """Whether it ran once more on the same tree, because it had failed there."""
    tests: SuiteRun | None = None
    """What its test runner said, where that can be read; the exit code decides."""

    @property
    def passed(self) -> bool:
        """Tell whether the command ended by itself with exit code 0."""
        return self.exit_code == 0 and not self.timed_out


FindingKind = Literal[
    "test file deleted",
    "test deleted",
    "test skipped",
    "fewer assertions",
    "fewer tests ran",
    "failure ignored",
    "tests left out",
    "renamed",
    "deleted",
    "mode changed",
    "symbolic link",
    "binary",
    "large",
    "formatting only",
]


class Finding(Noun):
    """Something about a change that its reviewer should look at; no verdict."""

    kind: FindingKind
    path: str = ""
    """Empty: it is about the whole change."""
    detail: str = ""
    """The test's name, a count, a mode, in words."""

    def __str__(self) -> str:
        return f"{self.kind}: {': '.join(part for part in (self.path, self.detail) if part)}"


class Verification(Noun):
    """The evidence for (or against) one tree."""

    tree: str | None = None
    all_tests_passed: bool = False
    all_acceptance_met: bool = False
    no_regressions: bool = False
    commands: tuple[CommandEvidence, ...] = ()
    note: str | None = None
    """What qualifies it: `untested`, `red baseline`, `flaky tests`, `sandbox: none`."""

    @property
    def is_unproven(self) -> bool:
        """Tell whether the tests cannot speak for the change: none were there, or they were red."""
        return any(word in (self.note or "") for word in ("untested", "red baseline"))

    flaky: tuple[str, ...] = ()
    """Tests that failed and passed on the same tree; not blamed."""
    failed_before: tuple[str, ...] = ()
    """Tests that fail, and failed on the base too; not blamed."""
    weaker_tests: tuple[Finding, ...] = ()
    """How the change makes the tests say less than they did."""


class TaskOutcome(Noun):
    """What became of one task in an attempt."""

    id: str
    status: Literal["completed", "failed", "open"]
    commands: tuple[CommandEvidence, ...] = ()


class Claim(Noun):
    """What the agent says of its work; stored beside the evidence, never used as evidence."""

    status: Literal["completed", "failed"]
    summary: str = ""
    tests_passed: bool | None = None
    contradicts: str | None = None
    """How the claim differs from what the pipeline saw, in words; None when it does not."""


class Commit(Noun):
    """One commit of a landed solution."""

    hash: str
    message: str
    task_id: str | None = None


class Rollback(Noun):
    """How a landed attempt was undone: by a commit of its own, on the same branch."""

    at: Time
    by: str
    reason: str = ""
    commit: str
    """The commit that takes the change back."""
    attempt_id: str
    """The nonce that this commit's `Attempt-Id` trailer carries."""
    verification: Verification = Verification()
    """The evidence for the tree without the change."""


class Held(Noun):
    """A tested change that lands once a person has approved the paths that its plan lacks."""

    commit: str
    """It holds the whole change; kept under `refs/pipeline/recovery/`."""
    paths: tuple[str, ...]
    """What the plan did not allow."""


class ExecutionRecord(Noun):
    """One record of `execution-results.json`: one attempt."""

    execution_result_id: DerivedId
    """`EXR-<issue id>-<n>`"""
    issue_id: Id
    solution_id: DerivedId
    run_id: Id
    attempt: int = 1
    attempt_id: str
    """The nonce that the commit's `Attempt-Id` trailer carries."""
    status: ExecutionStatus
    failure_class: FailureClass | None = None
    failed_task_id: str | None = None
    branch: str | None = None
    base_commit: str | None = None
    commit_hash: str | None = None
    commits: tuple[Commit, ...] = ()
    files_modified: tuple[str, ...] = ()
    started_at: Time | None = None
    executed_at: Time
    duration_s: float = 0.0
    tasks_completed: int = 0
    tasks: tuple[TaskOutcome, ...] = ()
    verification: Verification = Verification()
    claim: Claim | None = None
    quarantine: str | None = None
    """Where the patch of unplanned changes is kept, relative to `.workflow/`."""
    held: Held | None = None
    """What waits for a person, where the change went beyond its plan and passed."""
    findings: tuple[Finding, ...] = ()
    """What its reviewer should look at in the change, besides its content."""
    ignored_commits: int = 0
    """Commits made inside the workspace, by the agent or its tests; none of them is used."""
    recovered: bool = False
    """True when the record was written from git after a crash."""
    usage: Usage = Usage()
    error: str | None = None
    too_narrow: tuple[str, ...] = ()
    """Paths that the plan would have had to name."""
    rollback: Rollback | None = None
    """How it was undone, where `status` is `rolled_back`; what it was stays in the other fields."""
    rehearsal: bool = False

    @property
    def key(self) -> str:
        """Return what names this record among all."""
        return self.execution_result_id


class Header(Noun):
    """The header line of a results document."""

    phase: Literal["planning", "execution"]
    created_at: Time
    schema_version: int = SCHEMA_VERSION
    journal_seq: int | None = None
    """The journal line up to which the document tells everything."""
    journal: str | None = None
    """Which journal that is: the first hex digits of its first line's hash."""


class PlanningResults(Header):
    """The whole of `planning-results.json`."""

    phase: Literal["planning"] = "planning"
    results: tuple[PlanningRecord, ...] = Field(())


class ExecutionResults(Header):
    """The whole of `execution-results.json`."""

    phase: Literal["execution"] = "execution"
    results: tuple[ExecutionRecord, ...] = Field(())
