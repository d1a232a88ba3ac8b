"""The trail: who decided what, when, on which digest; read from the journal as a stream.

What agents did is not in it: `pipeline logs` and the records have that.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from pipeline.domain.base import Noun, Time
from pipeline.domain.counting import counted
from pipeline.domain.plan import Approval, Plan, RiskLevel, Role
from pipeline.domain.results import PlanningRecord
from pipeline.paths import Places
from pipeline.safety.digest import plan_digest
from pipeline.store.entries import (
    AnyEntry,
    CheckpointReached,
    Confirmed,
    DocumentsAdopted,
    EditIgnored,
    ExecutionRefused,
    PlanChanged,
    RecordRemoved,
    RetryAsked,
    RollbackDropped,
    RolledBack,
)
from pipeline.store.journal import Journal
from pipeline.store.line import Line
from pipeline.store.outline import planning_outline

PIPELINE = "pipeline"
"""Who decides where no person did."""
SOMEBODY = "somebody"
"""Who edits a file, as far as anybody can tell."""

APPROVE, DEFER = "approve", "defer"

WORK = frozenset(
    {
        *("run_opened", "run_closed", "agent_spawned", "planning_begun", "plan_recorded"),
        *("attempt_begun", "landing_begun", "attempt_recorded", "call_begun", "call_settled"),
        *("tool_begun", "tool_done", "turn_settled", "ledger_folded", "rollback_begun"),
        *("quota_paused", "quota_over", "turn_compacted", "cache_fell"),
        *("run_paused", "run_continued", "run_stopped"),
    }
)
"""Kinds of journal lines that tell of work, not of a decision."""


class Decision(Noun):
    """One decision, or one refusal; the fields of `pipeline audit show --json`."""

    seq: int
    at: Time
    what: str
    by: str = PIPELINE
    solution_id: str | None = None
    issue_id: str | None = None
    digest: str | None = None
    """Of the plan's text and terms as they were then."""
    role: Role | None = None
    rule: str | None = None
    rule_max_risk: RiskLevel | None = None
    expires_at: Time | None = None
    signed: bool | None = None
    """Of an approval: whether its signature is this user's, for this plan, here."""
    words: str = ""


class Trail:
    """Reads one journal; `signed` tells whether an approval is."""

    def __init__(self, places: Places, signed: Callable[[str, Approval], bool]) -> None:
        self._places = places
        self._signed = signed
        self._plans: dict[str, tuple[str, Line]] = {}
        """Solution id -> its issue, and the line that holds its text."""

    def decisions(
        self, *, about: str | None = None, since: datetime | None = None
    ) -> Iterator[Decision]:
        """Yield decisions, oldest first; `about` names a plan or an issue.

        Raises `PipelineError` for a journal that cannot be read.
        """
        for line in Journal(self._places).lines():
            if line.kind == "plan_recorded":
                self._remember(line)
            elif line.kind not in WORK and (since is None or line.at >= since):
                found = self._decision(line)
                if about in (None, found.solution_id, found.issue_id):
                    yield self._with_digest(found, line)

    def knows(self, name: str) -> bool:
        """Tell whether a plan or an issue of that name was met."""
        issues = {issue for issue, _ in self._plans.values()}
        return name in self._plans or name in issues

    def names(self) -> list[str]:
        """Return the plans that were met."""
        return list(self._plans)

    def _remember(self, line: Line) -> None:
        found = planning_outline(line)
        if found.solution_id:
            self._plans[found.solution_id] = (found.issue_id, line.placed_in(self._places.journal))

    def _decision(self, line: Line) -> Decision:
        said = _said(line.entry)
        plan = self._plans.get(str(said.get("solution_id")))
        issue = {"issue_id": plan[0]} if plan else {}
        return Decision.model_validate({"seq": line.seq, "at": line.at, **issue, **said})

    def _with_digest(self, found: Decision, line: Line) -> Decision:
        """Return the decision with what it was about: costs reading the plan's text."""
        entry = line.entry
        if not isinstance(entry, PlanChanged):
            return found
        approval = entry.plan.approval
        if entry.event == APPROVE and approval is not None:
            signed = self._signed(entry.solution_id, approval)
            return found.model_copy(update={"signed": signed})
        return found.model_copy(update={"digest": self._digest(entry.solution_id, entry.plan)})

    def _digest(self, solution_id: str, plan: Plan) -> str | None:
        if solution_id not in self._plans:
            return None
        text = planning_outline(self._plans[solution_id][1]).text
        record = PlanningRecord.model_validate_json(text)
        return plan_digest(record.solution, plan) if record.solution else None


def _said(entry: AnyEntry) -> dict[str, object]:
    """Return the fields of a decision that its entry holds."""
    match entry:
        case PlanChanged():
            return _changed(entry)
        case RetryAsked():
            words = entry.feedback.content if entry.feedback else ""
            what = f"retry ({entry.again})"
            return {"what": what, "by": _who(entry.by), "issue_id": entry.issue_id, "words": words}
        case RolledBack():
            return _undone(entry)
        case RollbackDropped():
            return {"what": "drop a rollback", "words": entry.reason}
        case Confirmed():
            return {"what": "confirm", "by": _who(entry.by), "words": entry.comment}
        case CheckpointReached():
            return {
                "what": "checkpoint",
                "words": f"{counted(entry.solutions, 'plan was', 'plans were')} executed",
            }
        case ExecutionRefused():
            solution = entry.solution_id
            return {"what": "refuse to execute", "solution_id": solution, "words": entry.reason}
        case RecordRemoved():
            words = f"{entry.key} was removed from the {entry.document} results"
            said = {"what": "remove by hand", "by": SOMEBODY, "issue_id": entry.issue_id}
            return {**said, "words": words}
        case EditIgnored():
            words = f"the {entry.document} results; kept as {entry.kept_as}, does not count"
            return {"what": "edit by hand", "by": SOMEBODY, "words": words}
        case DocumentsAdopted():
            counts = f"{counted(entry.planning_records, 'plan')}, "
            counts += counted(entry.execution_records, "attempt")
            return {"what": "start from documents", "words": counts}
        case _:
            raise ValueError(f"{entry.kind} tells of no decision")


def _undone(entry: RolledBack) -> dict[str, object]:
    record, rollback = entry.record, entry.record.rollback
    said: dict[str, object] = {"what": "roll back", "solution_id": record.solution_id}
    if rollback is None:
        return {**said, "issue_id": record.issue_id}
    words = f"by commit {rollback.commit}" + (f": {rollback.reason}" if rollback.reason else "")
    return {**said, "issue_id": record.issue_id, "by": _who(rollback.by), "words": words}


def _changed(entry: PlanChanged) -> dict[str, object]:
    said: dict[str, object] = {"solution_id": entry.solution_id, "what": _word(entry)}
    approval = entry.plan.approval
    if entry.event == APPROVE and approval is not None:
        fields = ("role", "rule", "rule_max_risk", "expires_at", "digest")
        given = {name: getattr(approval, name) for name in fields}
        return {**said, **given, "by": approval.approver, "words": approval.comment}
    return {**said, "by": _who(entry.by), "words": entry.plan.state_reason or ""}


def _word(entry: PlanChanged) -> str:
    if entry.event == DEFER:
        return "defer" if entry.plan.deferred else "take up"
    return entry.event.replace("_", " ")


def _who(by: str) -> str:
    return PIPELINE if by in ("", "gate") else by
