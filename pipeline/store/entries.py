"""The kinds of journal entries: every state change is one of these, and the state is their fold.

A journal line is `{"seq", "at", "kind", "data", "prev", "hash"}`; `data` is a model below.
"""

from typing import Literal

from pipeline.domain.base import DerivedId, Id, Noun
from pipeline.domain.issue import Feedback
from pipeline.domain.plan import Plan
from pipeline.domain.results import ExecutionRecord, PlanningRecord, Usage
from pipeline.domain.solution import Lesson


class Entry(Noun):
    """Something that changed; `kind` names it in the journal."""


class RunOpened(Entry):
    """A run began: one branch from one base."""

    kind: Literal["run_opened"] = "run_opened"
    run_id: Id
    branch: str
    base_commit: str
    sandbox: str
    rehearsal: bool = False


class RunClosed(Entry):
    """Nothing is left to do in a run, or a new one was asked for."""

    kind: Literal["run_closed"] = "run_closed"
    run_id: Id
    reason: str


class AgentSpawned(Entry):
    """An agent came to life, from memory and ledger where there was one before."""

    kind: Literal["agent_spawned"] = "agent_spawned"
    role: str
    provider: str
    model: str
    head_sha256: str
    reason: str | None = None
    """Why it takes the place of an earlier one of the run; None: it is the first."""


class PlanningBegun(Entry):
    """An issue is about to be sent to the Planning agent."""

    kind: Literal["planning_begun"] = "planning_begun"
    issue_id: Id
    attempt: int
    request_id: str
    base_commit: str
    title: str = ""
    """The issue's title as it was then."""


class PlanRecorded(Entry):
    """A planning turn ended; the record is its outcome. `supersedes` is replaced by it."""

    kind: Literal["plan_recorded"] = "plan_recorded"
    record: PlanningRecord
    supersedes: DerivedId | None = None


class PlanChanged(Entry):
    """A plan's envelope changed: a decision, drift, expiry. `plan` is the envelope after it."""

    kind: Literal["plan_changed"] = "plan_changed"
    solution_id: DerivedId
    event: str
    plan: Plan
    feedback: Feedback | None = None
    """New information for the next plan of the issue (request-changes, drift, narrow plan)."""
    by: str = ""


class RetryAsked(Entry):
    """A person asked for an issue to be tried again, perhaps with new information."""

    kind: Literal["retry_asked"] = "retry_asked"
    issue_id: Id
    again: Literal["plan", "execute"]
    """Which phase takes it up again: a new plan, or a new attempt at the approved one."""
    feedback: Feedback | None = None
    by: str = ""


class RecordRemoved(Entry):
    """A record was removed from a document by hand, and that counts."""

    kind: Literal["removed_by_hand"] = "removed_by_hand"
    document: Literal["planning", "execution"]
    key: str
    issue_id: Id


class EditIgnored(Entry):
    """A document was changed by hand in a way that does not count; a copy was kept."""

    kind: Literal["edited_by_hand"] = "edited_by_hand"
    document: Literal["planning", "execution"]
    kept_as: str
    keys: tuple[str, ...] = ()


class AttemptBegun(Entry):
    """The intent to carry a solution out; written before any of its effects."""

    kind: Literal["attempt_begun"] = "attempt_begun"
    execution_result_id: DerivedId
    issue_id: Id
    solution_id: DerivedId
    run_id: Id
    attempt: int
    attempt_id: str
    base_commit: str


class LandingBegun(Entry):
    """The intent to move the run branch to `commit`; `expected` is the tip it replaces."""

    kind: Literal["landing_begun"] = "landing_begun"
    solution_id: DerivedId
    attempt_id: str
    commit: str
    expected: str
    record: ExecutionRecord
    """What will be recorded once the branch has moved; all evidence is in it."""


class AttemptRecorded(Entry):
    """An attempt ended; the record is its outcome."""

    kind: Literal["attempt_recorded"] = "attempt_recorded"
    record: ExecutionRecord


class RollbackBegun(Entry):
    """The intent to undo what landed: the branch is to move from `expected` to `commit`."""

    kind: Literal["rollback_begun"] = "rollback_begun"
    branch: str
    commit: str
    """The last of the commits that undo `records`, one each, in their order."""
    expected: str
    records: tuple[ExecutionRecord, ...]
    """What will be recorded once the branch has moved; all evidence is in it."""

    @property
    def attempt_id(self) -> str:
        """Return the nonce of `commit`."""
        rollback = self.records[-1].rollback
        assert rollback is not None
        return rollback.attempt_id


class RolledBack(Entry):
    """A landed attempt was undone; the record is the attempt's, which says how."""

    kind: Literal["rolled_back"] = "rolled_back"
    record: ExecutionRecord
    digest: str = ""
    """Joins every ledger: what an agent remembers as landed is not there any more."""


class RollbackDropped(Entry):
    """A rollback that was begun came to nothing: the branch was not moved."""

    kind: Literal["rollback_dropped"] = "rollback_dropped"
    commit: str
    reason: str


class CallBegun(Entry):
    """The intent to make a model call, with what is reserved for it."""

    kind: Literal["call_begun"] = "call_begun"
    role: str
    request_id: str
    reserved_tokens: int
    reserved_usd: float | None


class CallSettled(Entry):
    """A model call ended; what it used."""

    kind: Literal["call_settled"] = "call_settled"
    role: str
    request_id: str
    usage: Usage
    error: str | None = None
    told: bool = True
    """False: the call broke off and the vendor has not said what it used; its reserve stays."""
    run_seconds: float = 0.0
    """How long the run has been worked on by then, all processes together."""


class ToolBegun(Entry):
    """The intent to run a tool with effects."""

    kind: Literal["tool_begun"] = "tool_begun"
    role: str
    request_id: str
    call_id: str
    tool: str


class ToolDone(Entry):
    """A tool with effects ended."""

    kind: Literal["tool_done"] = "tool_done"
    role: str
    request_id: str
    call_id: str
    is_error: bool


class TurnSettled(Entry):
    """A turn's result is durable: its messages are dropped, its digest joins the ledger."""

    kind: Literal["turn_settled"] = "turn_settled"
    role: str
    request_id: str
    issue_id: Id
    digest: str
    proposed: tuple[Lesson, ...] = ()
    """Conventions that the agent would keep; a person decides."""


class LedgerFolded(Entry):
    """The ledger grew over its ceiling and was folded into memory."""

    kind: Literal["ledger_folded"] = "ledger_folded"
    role: str
    memory: str
    kept: int
    """How many of the newest digests stay in the ledger."""
    tokens_before: int = 0
    """Of memory and ledger, estimated."""
    tokens_after: int = 0
    usd: float | None = None
    """What it costs once to have the new prefix cached; None: the price is not known."""


class TurnCompacted(Entry):
    """A turn had grown too long; a summary stands for it from here on, unless that failed."""

    kind: Literal["turn_compacted"] = "turn_compacted"
    role: str
    request_id: str
    how: Literal["vendor", "prompt", "failed"]
    tokens_before: int
    """Of the next request."""
    tokens_after: int
    reason: str


class CacheFell(Entry):
    """A vendor's cache answered for less than the call before had left there (tokens)."""

    kind: Literal["cache_fell"] = "cache_fell"
    role: str
    request_id: str
    expected: int
    read: int
    cause: str


class QuotaPaused(Entry):
    """A vendor's quota is used up until `until` (ISO-8601 UTC, or None when not said)."""

    kind: Literal["quota_paused"] = "quota_paused"
    provider: str
    until: str | None


class QuotaOver(Entry):
    """The work goes on after a quota pause."""

    kind: Literal["quota_over"] = "quota_over"
    provider: str


class RunPaused(Entry):
    """The run waits because a person asked it to."""

    kind: Literal["run_paused"] = "run_paused"
    by: str


class RunContinued(Entry):
    """A person let a paused run go on."""

    kind: Literal["run_continued"] = "run_continued"


class RunStopped(Entry):
    """The process that worked on the run ends because it was asked to; the run stays open."""

    kind: Literal["run_stopped"] = "run_stopped"
    how: Literal["stop", "stop now", "signal"]
    by: str = ""
    """Who asked; empty: nobody knows who sent a signal."""


class CheckpointReached(Entry):
    """So many solutions were executed that a person has to confirm before the next one is."""

    kind: Literal["checkpoint_reached"] = "checkpoint_reached"
    solutions: int
    """How many were executed since the last confirmation."""


class Confirmed(Entry):
    """A person confirmed at a checkpoint that execution goes on."""

    kind: Literal["confirmed"] = "confirmed"
    solutions: int
    """How many were executed since the confirmation before this one."""
    by: str
    comment: str = ""


class ExecutionRefused(Entry):
    """Somebody asked for a plan to be carried out that may not be; nothing was begun."""

    kind: Literal["execution_refused"] = "execution_refused"
    solution_id: DerivedId
    reason: str


class DocumentsAdopted(Entry):
    """A missing journal was started from the documents that were there."""

    kind: Literal["documents_adopted"] = "documents_adopted"
    planning_records: int
    execution_records: int
    sha256: tuple[str, ...] = ()
    """Of the documents as they were: they are replaced without counting as edited."""


AnyEntry = (
    RunOpened
    | RunClosed
    | AgentSpawned
    | PlanningBegun
    | PlanRecorded
    | PlanChanged
    | RetryAsked
    | RecordRemoved
    | EditIgnored
    | AttemptBegun
    | LandingBegun
    | AttemptRecorded
    | RollbackBegun
    | RolledBack
    | RollbackDropped
    | CallBegun
    | CallSettled
    | ToolBegun
    | ToolDone
    | TurnSettled
    | LedgerFolded
    | TurnCompacted
    | CacheFell
    | QuotaPaused
    | QuotaOver
    | RunPaused
    | RunContinued
    | RunStopped
    | CheckpointReached
    | Confirmed
    | ExecutionRefused
    | DocumentsAdopted
)
