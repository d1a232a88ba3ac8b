"""The state: what the journal's lines come to, folded in their order. Nothing else holds state.

planning_begun .. plan_recorded .. plan_changed*      planning, open_planning, feedback
attempt_begun .. landing_begun .. attempt_recorded    execution, open_attempt, open_landing
rollback_begun .. rolled_back* | rollback_dropped     execution, open_rollback
call_begun .. call_settled                            spent, spent_on, bill
checkpoint_reached .. confirmed                       checkpoint, unconfirmed
planning_begun .. plan_recorded, attempt_begun ..     pace
turn_settled, ledger_folded                           ledger, memory
ledger_folded, turn_compacted, cache_fell             tally
quota_paused .. quota_over                            quotas, tally
run_paused .. run_continued, run_stopped              tally
"""

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pipeline.domain.issue import Feedback
from pipeline.domain.plan import Plan, PlanState
from pipeline.domain.results import (
    ExecutionRecord,
    ExecutionStatus,
    PlanningRecord,
    Rollback,
    Usage,
)
from pipeline.store.bill import Bill
from pipeline.store.entries import (
    AgentSpawned,
    AttemptBegun,
    CacheFell,
    CheckpointReached,
    Confirmed,
    Entry,
    LandingBegun,
    LedgerFolded,
    PlanChanged,
    PlanningBegun,
    QuotaOver,
    QuotaPaused,
    RecordRemoved,
    RetryAsked,
    RollbackBegun,
    RolledBack,
    RunClosed,
    RunOpened,
    RunPaused,
    RunStopped,
    TurnCompacted,
    TurnSettled,
)
from pipeline.store.index import Index
from pipeline.store.line import Line
from pipeline.store.numbers import Numbers
from pipeline.store.outline import (
    ExecutionOutline,
    execution_outline,
    outline_of,
    planning_outline,
)
from pipeline.store.pace import Pace
from pipeline.store.past import Change, Past
from pipeline.store.records import Records
from pipeline.store.spending import Spending
from pipeline.store.splice import changed_solution, new_plan, says_feedback
from pipeline.store.tally import Tally

E = TypeVar("E", bound=Entry)

MOST_PROPOSALS = 20
RECENT_ATTEMPTS = 20


class State:
    """What is true after line `seq`. Read the attributes; only `apply` changes them."""

    def __init__(self, journal: Path | None = None) -> None:
        """Begin with nothing; `journal` keeps large texts and the changes of plans."""
        self.seq = 0
        self.newest_at: datetime | None = None
        """The latest time that a line of the journal carries."""
        self.planning: Records[PlanningRecord] = Records(PlanningRecord, journal)
        self.execution: Records[ExecutionRecord] = Records(ExecutionRecord)
        self.recorded_at_seq: dict[str, int] = {}
        self.runs: list[RunOpened] = []
        self.run: RunOpened | None = None
        """The open run."""
        self.feedback: dict[str, list[Feedback]] = {}
        """Issue id -> what was learned about it, oldest first."""
        self.replan: set[str] = set()
        """Issues that somebody wants to be planned again."""
        self.rerun: set[str] = set()
        """Solutions that somebody wants to be attempted again."""
        self.titles: dict[str, str] = {}
        """Issue id -> its title when it was planned last, as far as the journal says."""
        self.open_planning: PlanningBegun | None = None
        self.open_attempt: AttemptBegun | None = None
        self.open_rollback: RollbackBegun | None = None
        """The rollback that was begun and is neither recorded nor dropped yet."""
        self.ledger: dict[str, list[str]] = {}
        """Role -> digests of its finished turns, oldest first."""
        self.memory: dict[str, str] = {}
        self.proposals: dict[str, dict[str, str]] = {}
        """Role -> convention that it would keep -> the issue that it comes from; the newest."""
        self.newest_attempts: deque[str] = deque(maxlen=RECENT_ATTEMPTS)
        """Keys of the attempts that were recorded last."""
        self.spawned: dict[str, AgentSpawned] = {}
        """Role -> its newest agent in the open run."""
        self.respawned: list[AgentSpawned] = []
        """The agents of the open run that took the place of others."""
        self.quotas: dict[str, QuotaPaused] = {}
        """Vendor -> its quota that is used up."""
        self.checkpoint: CheckpointReached | None = None
        """Where execution stopped for a confirmation that has not come yet."""
        self.confirmed: Confirmed | None = None
        """The last confirmation, as long as nothing was executed on it."""
        self.unconfirmed: set[str] = set()
        """Solutions that were attempted since the last confirmation."""
        self._named = Index(self.planning, self._paths_of)
        self._open = Index(self.planning, self._globs_of)
        self._landed_on = Index(self.execution, self._landed_paths_of)
        self.tally = Tally()
        """How the open run fared."""
        self.pace = Pace()
        """How long the newest turns took."""
        self._spending = Spending()
        self._landing: Line | None = None
        self._journal = journal
        self._changes: defaultdict[str, list[Line]] = defaultdict(list)
        self._issue_of: dict[str, str] = {}
        self._plans_of: defaultdict[str, list[str]] = defaultdict(list)
        self._attempts_at: defaultdict[str, list[str]] = defaultdict(list)
        self._landed: dict[str, str] = {}
        self._numbers = Numbers()

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "State":
        """Return the fold of `lines`."""
        state = cls()
        for line in lines:
            state.apply(line)
        return state

    def apply(self, line: Line) -> None:
        """Take one line in."""
        fold = FOLDS.get(line.kind)
        if fold:
            fold(self, line)
        self.seq = line.seq

    def reach(self, seq: int, newest_at: datetime | None) -> None:
        """Note that the journal goes up to `seq`; lines that change nothing are not applied."""
        self.seq = max(self.seq, seq)
        self.newest_at = newest_at

    @property
    def spent(self) -> Usage:
        """What the open run has used, all roles together."""
        return self._spending.run

    @property
    def spent_usd(self) -> float:
        """What the open run's calls of known price have cost (USD)."""
        return self._spending.run_usd

    @property
    def bill(self) -> Bill:
        """What calls have cost and may still cost, in the open run and on each day."""
        return self._spending.bill

    @property
    def worked_s(self) -> float:
        """How long the open run was worked on, all processes together (seconds)."""
        return self._spending.run_seconds

    @property
    def spent_on(self) -> dict[str, Usage]:
        """Issue id -> what was ever used for it, all roles together."""
        return self._spending.issues

    def spent_by(self, issue_id: str) -> dict[str, Usage]:
        """Return role -> what it ever used for an issue."""
        return self._spending.by_role(issue_id)

    @property
    def open_landing(self) -> LandingBegun | None:
        """The landing that was begun and whose attempt is not recorded yet."""
        entry = self._landing.entry if self._landing else None
        return entry if isinstance(entry, LandingBegun) else None

    def current_key(self, issue_id: str) -> str | None:
        """Return the key of the issue's current record, without parsing it."""
        keys = self._plans_of.get(issue_id)
        return keys[-1] if keys else None

    def current(self, issue_id: str) -> PlanningRecord | None:
        """Return the issue's current record: its last."""
        keys = self._plans_of.get(issue_id)
        return self.planning[keys[-1]] if keys else None

    def plan_keys(self, issue_id: str) -> tuple[str, ...]:
        """Return the keys of all planning records of an issue, oldest first."""
        return tuple(self._plans_of.get(issue_id, ()))

    def plans(self, issue_id: str) -> list[PlanningRecord]:
        """Return all planning records of an issue, oldest first."""
        return [self.planning[key] for key in self._plans_of.get(issue_id, ())]

    def attempts(self, solution_id: str) -> list[ExecutionRecord]:
        """Return the records of all attempts at a solution, oldest first."""
        return [self.execution[key] for key in self._attempts_at.get(solution_id, ())]

    def plans_naming(self, paths: Iterable[str]) -> set[str]:
        """Return the keys of all plans, current or not, that name one of `paths`."""
        return self._named.keys(paths)

    def plans_open_to(self, covers: Callable[[tuple[str, ...]], bool]) -> set[str]:
        """Return the keys of all plans whose `may_touch` globs `covers` says yes to."""
        return self._open.keys([globs for globs in self._open.labels if covers(globs)])

    def landings_on(self, paths: Iterable[str]) -> list[ExecutionRecord]:
        """Return the attempts that landed and changed one of `paths`, in no order."""
        return [self.execution[key] for key in self._landed_on.keys(paths)]

    def landing_of(self, solution_id: str) -> ExecutionRecord | None:
        """Return the attempt at a solution that landed and was not rolled back."""
        if solution_id not in self._attempts_at:
            return None
        done = ExecutionStatus.COMPLETED
        return next((one for one in self.attempts(solution_id) if one.status is done), None)

    def past(self, key: str) -> Past:
        """Return what happened to a plan so far; its changes are read from the journal now."""
        return Past(
            changes=tuple(_change(line) for line in self._changes.get(key, ())),
            attempts=tuple(self.attempts(key)),
            feedback=tuple(self.feedback.get(self._issue_of.get(key, ""), ())),
        )

    def landed(self, issue_id: str) -> ExecutionRecord | None:
        """Return the record of the attempt that landed and was not rolled back."""
        key = self._landed.get(issue_id)
        return self.execution[key] if key else None

    def next_planning_attempt(self, issue_id: str) -> int:
        """Return the number of the issue's next planning attempt, from 1."""
        return self._numbers.next_planning_attempt(issue_id)

    def next_solution_id(self, issue_id: str) -> str:
        """Return `SOL-<issue>-<n>` with the next free number; removed ones count as used."""
        return self._numbers.next_solution_id(issue_id)

    def next_execution_id(self, issue_id: str) -> str:
        """Return `EXR-<issue>-<n>` with the next free number; removed ones count as used."""
        return self._numbers.next_execution_id(issue_id)

    def _paths_of(self, key: str) -> Collection[str]:
        solution = self.planning.outline(key).solution
        return solution.paths if solution else ()

    def _globs_of(self, key: str) -> Collection[tuple[str, ...]]:
        plan = self.planning.outline(key).plan
        return (plan.may_touch,) if plan else ()

    def _landed_paths_of(self, key: str) -> Collection[str]:
        record = self.execution[key]
        return record.files_modified if record.status is ExecutionStatus.COMPLETED else ()

    def _run_opened(self, line: Line) -> None:
        entry = _parsed(line, RunOpened)
        self.run = entry
        self.runs.append(entry)
        self.spawned.clear()
        self.respawned.clear()
        self._spending.open_run()
        self.tally = Tally(opened_at=line.at)

    def _run_closed(self, line: Line) -> None:
        entry = _parsed(line, RunClosed)
        if self.run and self.run.run_id == entry.run_id:
            self.run = None

    def _agent_spawned(self, line: Line) -> None:
        entry = _parsed(line, AgentSpawned)
        self.spawned[entry.role] = entry
        if entry.reason is not None:
            self.respawned.append(entry)

    def _planning_begun(self, line: Line) -> None:
        entry = _parsed(line, PlanningBegun)
        self.open_planning = entry
        if entry.title:
            self.titles[entry.issue_id] = entry.title
        self.tally.go_on(line.at)
        self.pace.begin("planning", line.at)

    def _plan_recorded(self, line: Line) -> None:
        found = planning_outline(line)
        self.planning.put(found.key, found.text, seq=line.seq, offset=found.offset)
        self.recorded_at_seq[found.key] = line.seq
        self._issue_of[found.key] = found.issue_id
        keys = self._plans_of[found.issue_id]
        if found.key not in keys:
            keys.append(found.key)
        self._numbers.use_plan(found.issue_id, found.key, found.number)
        self.replan.discard(found.issue_id)
        if self.open_planning and self.open_planning.issue_id == found.issue_id:
            self.open_planning = None
            failure = None if found.solution_id else self.planning[found.key].failure_class
            self.pace.end("planning", line.at, failure)
        if found.supersedes and found.supersedes != found.key:
            self._supersede(found.supersedes, by=found.key, line=line)

    def _supersede(self, key: str, *, by: str, line: Line) -> None:
        if key in self.planning:
            plan = self.planning.plan(key)
            if plan is not None and plan.state is not PlanState.SUPERSEDED:
                changed = _superseded(plan, by=by, at=line.at)
                self.planning.put_plan(key, changed.model_dump_json().encode(), seq=line.seq)

    def _plan_changed(self, line: Line) -> None:
        key = changed_solution(line)
        if key not in self.planning:
            return
        self.planning.put_plan(key, new_plan(line), seq=line.seq)
        self._changes[key].append(line.placed_in(self._journal) if self._journal else line)
        if says_feedback(line):
            feedback = _parsed(line, PlanChanged).feedback
            if feedback:
                self.feedback.setdefault(self._issue_of[key], []).append(feedback)

    def _retry_asked(self, line: Line) -> None:
        entry = _parsed(line, RetryAsked)
        if entry.feedback:
            self.feedback.setdefault(entry.issue_id, []).append(entry.feedback)
        if entry.again == "plan":
            self.replan.add(entry.issue_id)
            return
        current = self.current(entry.issue_id)
        if current and current.solution_id:
            self.rerun.add(current.solution_id)

    def _removed(self, line: Line) -> None:
        entry = _parsed(line, RecordRemoved)
        if entry.document == "planning" and entry.key in self.planning:
            self.planning.remove(entry.key, seq=line.seq)
            self._plans_of[entry.issue_id].remove(entry.key)
            self.replan.add(entry.issue_id)
        if entry.document == "execution" and entry.key in self.execution:
            solution_id = self.execution[entry.key].solution_id
            self.execution.remove(entry.key, seq=line.seq)
            self._attempts_at[solution_id].remove(entry.key)
            if entry.issue_id not in self._landed:
                self.rerun.add(solution_id)

    def _attempt_begun(self, line: Line) -> None:
        entry = _parsed(line, AttemptBegun)
        self.open_attempt = entry
        self.tally.go_on(line.at)
        self.pace.begin("execution", line.at)
        self._landing = None
        self.rerun.discard(entry.solution_id)
        self.unconfirmed.add(entry.solution_id)
        self.confirmed = None

    def _landing_begun(self, line: Line) -> None:
        self._landing = line

    def _attempt_recorded(self, line: Line) -> None:
        self._put_attempt(line, execution_outline(line))

    def _rollback_begun(self, line: Line) -> None:
        self.open_rollback = _parsed(line, RollbackBegun)

    def _rolled_back(self, line: Line) -> None:
        entry, begun = _parsed(line, RolledBack), self.open_rollback
        record = entry.record
        self._put_attempt(line, outline_of(record))
        for digests in self.ledger.values() if entry.digest else ():
            digests.append(entry.digest)
        if record.rollback is not None and record.rollback.reason:
            self.feedback.setdefault(record.issue_id, []).append(_why_undone(record.rollback))
        if begun is not None and begun.records[-1].key == record.key:
            self.open_rollback = None

    def _rollback_dropped(self, _line: Line) -> None:
        self.open_rollback = None

    def _put_attempt(self, line: Line, found: ExecutionOutline) -> None:
        self.execution.put(found.key, found.text, seq=line.seq)
        self.recorded_at_seq[found.key] = line.seq
        keys = self._attempts_at[found.solution_id]
        if found.key not in keys:
            keys.append(found.key)
        self._numbers.use_attempt(found.issue_id, found.key)
        self.newest_attempts.append(found.key)
        if found.status is ExecutionStatus.COMPLETED:
            self._landed[found.issue_id] = found.key
        elif self._landed.get(found.issue_id) == found.key:
            del self._landed[found.issue_id]
        if self.open_attempt and self.open_attempt.attempt_id == found.attempt_id:
            failed = found.status is not ExecutionStatus.COMPLETED
            failure = self.execution[found.key].failure_class if failed else None
            self.pace.end("execution", line.at, failure)
            self.open_attempt = None
            self._landing = None

    def _call(self, line: Line) -> None:
        self._spending.add(line)

    def _turn_settled(self, line: Line) -> None:
        entry = _parsed(line, TurnSettled)
        self.ledger.setdefault(entry.role, []).append(entry.digest)
        proposals = self.proposals.setdefault(entry.role, {})
        proposals |= {one.text: entry.issue_id for one in entry.proposed}
        for text in list(proposals)[: max(0, len(proposals) - MOST_PROPOSALS)]:
            del proposals[text]

    def _ledger_folded(self, line: Line) -> None:
        entry = _parsed(line, LedgerFolded)
        digests = self.ledger.get(entry.role, [])
        self.memory[entry.role] = entry.memory
        self.ledger[entry.role] = digests[len(digests) - entry.kept :]
        self.tally.fold(entry)

    def _turn_compacted(self, line: Line) -> None:
        self.tally.summary(_parsed(line, TurnCompacted))

    def _cache_fell(self, line: Line) -> None:
        self.tally.fall(_parsed(line, CacheFell))

    def _quota_paused(self, line: Line) -> None:
        entry = _parsed(line, QuotaPaused)
        self.quotas[entry.provider] = entry
        self.pace.drop()
        self.tally.pause(entry, line.at)

    def _quota_over(self, line: Line) -> None:
        entry = _parsed(line, QuotaOver)
        self.quotas.pop(entry.provider, None)
        self.tally.pause_over(entry, line.at)

    def _run_stands_still(self, line: Line) -> None:
        entry = line.entry
        assert isinstance(entry, RunPaused | RunStopped)
        self.tally.stand_still(entry, line.at)

    def _run_continued(self, line: Line) -> None:
        self.tally.go_on(line.at)

    def _checkpoint_reached(self, line: Line) -> None:
        self.checkpoint = _parsed(line, CheckpointReached)

    def _confirmed(self, line: Line) -> None:
        self.confirmed = _parsed(line, Confirmed)
        self.checkpoint = None
        self.unconfirmed.clear()


FOLDS: dict[str, Callable[[State, Line], None]] = {
    "run_opened": State._run_opened,
    "run_closed": State._run_closed,
    "agent_spawned": State._agent_spawned,
    "planning_begun": State._planning_begun,
    "plan_recorded": State._plan_recorded,
    "plan_changed": State._plan_changed,
    "retry_asked": State._retry_asked,
    "removed_by_hand": State._removed,
    "attempt_begun": State._attempt_begun,
    "landing_begun": State._landing_begun,
    "attempt_recorded": State._attempt_recorded,
    "rollback_begun": State._rollback_begun,
    "rolled_back": State._rolled_back,
    "rollback_dropped": State._rollback_dropped,
    "call_begun": State._call,
    "call_settled": State._call,
    "turn_settled": State._turn_settled,
    "ledger_folded": State._ledger_folded,
    "turn_compacted": State._turn_compacted,
    "cache_fell": State._cache_fell,
    "quota_paused": State._quota_paused,
    "quota_over": State._quota_over,
    "run_paused": State._run_stands_still,
    "run_continued": State._run_continued,
    "run_stopped": State._run_stands_still,
    "checkpoint_reached": State._checkpoint_reached,
    "confirmed": State._confirmed,
}
"""Kind -> how it changes the state. A kind that is missing here is for the audit alone."""

AUDIT_ONLY = frozenset(
    {
        "documents_adopted",
        "edited_by_hand",
        "execution_refused",
        "tool_begun",
        "tool_done",
    }
)


def _parsed(line: Line, model: type[E]) -> E:
    entry = line.entry
    assert isinstance(entry, model)
    return entry


def _change(line: Line) -> Change:
    entry = _parsed(line, PlanChanged)
    return Change(at=line.at, event=entry.event, by=entry.by, plan=entry.plan)


def _why_undone(rollback: Rollback) -> Feedback:
    return Feedback(
        type="failure",
        stage="execute",
        content=f"it landed and was rolled back: {rollback.reason}",
        created_at=rollback.at,
    )


def _superseded(plan: Plan, *, by: str, at: datetime) -> Plan:
    update = {
        "state": PlanState.SUPERSEDED,
        "state_reason": f"replaced by {by}",
        "updated_at": at,
    }
    return plan.model_copy(update=update)
