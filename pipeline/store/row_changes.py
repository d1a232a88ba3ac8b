"""What single lines of the journal change in a summary, without the models and without a fold.

Each function takes the draft and the data of one line, and says whether it could take it in. What
touches other issues than its own (a failure that others depend on, a retry, a rollback) it leaves
to a new summary. A test holds the outcome equal to a new summary after every line of whole nights.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipeline.domain.again import INTERRUPTED, why_again
from pipeline.domain.group import Group
from pipeline.domain.paused import planning_paused
from pipeline.store.pace import Pace

Data = Mapping[str, Any]

REGISTERED, PLANNING, PLANNED = "registered", "planning", "planned"
EXECUTING, COMPLETED, FAILED = "executing", "completed", "failed"
BLOCKED, PARKED = "blocked", "parked"
"""States of an issue as the models have them; a test holds them equal."""

BLAMED = frozenset({"tests", "agent", "plan_too_narrow"})


@dataclass(frozen=True)
class Row:
    """One issue in the summary."""

    id: str
    title: str
    state: str
    group: str
    reason: str | None
    solution_id: str | None
    needed: bool = False
    """Another issue depends on it."""
    waits: bool = False
    """Its plan waits for a decision."""
    tried: bool = False
    """Its plan was attempted before."""


class Draft:
    """The part of a summary that lines change."""

    def __init__(
        self,
        rows: tuple[Row, ...],
        pace: Pace,
        quotas: Mapping[str, str | None],
        *,
        held: tuple[str, ...],
        max_pending: int,
    ) -> None:
        self._rows = {row.id: row for row in rows}
        self._issue_of = {row.solution_id: row.id for row in rows if row.solution_id}
        self._max_pending = max_pending
        self._held = held
        self.pace = pace
        self.quotas = dict(quotas)
        self.is_changed = False
        """Whether a row is another one now."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return the rows as they are now."""
        return tuple(self._rows.values())

    @property
    def holds(self) -> tuple[str, ...]:
        """Return what holds the run up besides a checkpoint."""
        if not self.is_changed:
            return self._held
        rows = self._rows.values()
        waiting = sum(row.waits for row in rows)
        unplanned = any(row.state == REGISTERED for row in rows)
        return (planning_paused(waiting),) if unplanned and waiting >= self._max_pending else ()

    def is_any(self, state: str) -> bool:
        """Tell whether an issue is in `state`."""
        return any(row.state == state for row in self._rows.values())

    def row(self, issue_id: str) -> Row | None:
        """Return an issue's row; None when it is not in the backlog."""
        return self._rows.get(issue_id)

    def of_plan(self, solution_id: str) -> Row | None:
        """Return the row whose current plan this is."""
        return self._rows.get(self._issue_of.get(solution_id, ""))

    def put(self, row: Row, **changes: Any) -> bool:
        """Replace a row; tell whether that says all there is to say."""
        if row.state == BLOCKED or row.group == Group.LANDED:
            return False
        new = replace(row, **changes)
        if new.needed and (new.group in (Group.FAILED, Group.TURNED_DOWN) or self.is_any(BLOCKED)):
            return False
        self._rows[row.id] = new
        self.is_changed = True
        if new.solution_id:
            self._issue_of[new.solution_id] = new.id
        return True


def apply(draft: Draft, kind: str, at: str, data: Data) -> bool:
    """Take one line in; tell whether that was possible."""
    change = CHANGES.get(kind)
    return change is not None and change(draft, datetime.fromisoformat(at), data)


def _planning_begun(draft: Draft, at: datetime, data: Data) -> bool:
    draft.pace.begin("planning", at)
    row = draft.row(data["issue_id"])
    if row is None or draft.is_any(PLANNING):
        return False
    return draft.put(row, state=PLANNING, group=Group.NOT_STARTED, reason=None, waits=False)


def _plan_recorded(draft: Draft, at: datetime, data: Data) -> bool:
    record = data["record"]
    row = draft.row(record["issue_id"])
    if row is None or row.state != PLANNING:
        return False
    draft.pace.end("planning", at, record["failure_class"])
    plan = record["plan"]
    if record["status"] == "completed" and plan is not None:
        return _put_plan(draft, replace(row, tried=False), record["solution_id"], plan)
    if record["status"] == "needs_clarification":
        asked = " / ".join(record["questions"])
        return _put(draft, row, PARKED, Group.NEEDS_YOU, asked, solution_id=record["solution_id"])
    return _failed(draft, row, record, record["solution_id"])


def _plan_changed(draft: Draft, _at: datetime, data: Data) -> bool:
    row = draft.of_plan(data["solution_id"])
    if row is None:
        return True  # a plan that another one has replaced
    if row.state in (REGISTERED, PLANNING, EXECUTING):
        return False
    return _put_plan(draft, row, data["solution_id"], data["plan"])


def _put_plan(draft: Draft, row: Row, solution_id: str, plan: Data) -> bool:
    found = _STANDING.get(plan["state"])
    if found is None or row.tried:
        return False
    state, group, reason = found
    told = plan["state_reason"] if reason is None else reason or None
    waits = plan["state"] == "pending"
    if plan["deferred"] and plan["state"] in ("pending", "approved"):
        state, group, told, waits = PARKED, Group.PARKED, "deferred", False
    return _put(draft, row, state, group, told, solution_id=solution_id, waits=waits)


_STANDING: dict[str, tuple[str, Group, str | None]] = {
    "pending": (PLANNED, Group.NEEDS_YOU, None),
    "approved": (PLANNED, Group.NOT_STARTED, ""),
    "rejected": (PARKED, Group.TURNED_DOWN, None),
}
"""State of a plan -> state and group of its issue; the reason where it is not the plan's own."""


def _attempt_begun(draft: Draft, at: datetime, data: Data) -> bool:
    draft.pace.begin("execution", at)
    row = draft.row(data["issue_id"])
    if row is None or draft.is_any(EXECUTING):
        return False
    return _put(draft, row, EXECUTING, Group.NOT_STARTED, None, tried=True)


def _attempt_recorded(draft: Draft, at: datetime, data: Data) -> bool:
    record = data["record"]
    row = draft.row(record["issue_id"])
    if row is None or row.state != EXECUTING:
        return False
    draft.pace.end("execution", at, record["failure_class"])
    if record["status"] == "completed":
        return _put(draft, row, COMPLETED, Group.LANDED, None)
    return _failed(draft, row, record, row.solution_id)


def _failed(draft: Draft, row: Row, record: Data, solution_id: str | None) -> bool:
    failure, error = record["failure_class"], record["error"]
    if failure in BLAMED or failure is None:
        return _put(draft, row, FAILED, Group.FAILED, error, solution_id=solution_id)
    if failure == "infrastructure":
        return False  # how often in a row decides
    reason = why_again(failure, error)
    if failure == INTERRUPTED:
        left = REGISTERED if row.state == PLANNING else PLANNED
        return _put(draft, row, left, Group.NOT_STARTED, reason, solution_id=solution_id)
    return _put(draft, row, PARKED, Group.PARKED, reason, solution_id=solution_id)


def _put(
    draft: Draft, row: Row, state: str, group: Group, reason: str | None, **more: object
) -> bool:
    changes = {"state": state, "group": group, "reason": reason, "waits": False, **more}
    return draft.put(row, **changes)


def _quota_paused(draft: Draft, _at: datetime, data: Data) -> bool:
    draft.quotas[data["provider"]] = data["until"]
    draft.pace.drop()
    return True


def _quota_over(draft: Draft, _at: datetime, data: Data) -> bool:
    draft.quotas.pop(data["provider"], None)
    return True


CHANGES: dict[str, Callable[[Draft, datetime, Data], bool]] = {
    "planning_begun": _planning_begun,
    "plan_recorded": _plan_recorded,
    "plan_changed": _plan_changed,
    "attempt_begun": _attempt_begun,
    "attempt_recorded": _attempt_recorded,
    "quota_paused": _quota_paused,
    "quota_over": _quota_over,
}
"""Kinds of lines that can be taken in; every other one that counts needs a new summary."""
