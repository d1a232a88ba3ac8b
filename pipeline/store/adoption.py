"""A missing journal is started from the documents: on another machine, or when it was lost.

Plans come in as `pending`, without their approvals; rejected and superseded ones stay what they
are. Attempts whose commit exists stay completed. All of it becomes one new journal, whole or not
at all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from pydantic import JsonValue

from pipeline import events
from pipeline.domain.results import ExecutionRecord, ExecutionStatus, PlanningRecord
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.paths import Places
from pipeline.store.adopted_issues import enter_missing
from pipeline.store.adopted_records import adopted_attempt, adopted_plan, replannable
from pipeline.store.document_text import DocumentName, read
from pipeline.store.documents import keep_copy
from pipeline.store.entries import (
    AttemptRecorded,
    DocumentsAdopted,
    EditIgnored,
    Entry,
    PlanRecorded,
    RetryAsked,
)
from pipeline.store.journal import Journal

_NOT_IN_THE_BACKLOG = (
    "{} came in from the documents and had no line in the backlog: entered with the words of the "
    "plan; the issue's own text is not known here"
)

CommitExists = Callable[[str], bool]
"""Tells whether a commit id is in the repository; handed in, the store knows no git."""


@dataclass
class _Harvest:
    """What was read out of the documents, and what a person should know of it."""

    plans: list[PlanningRecord] = field(default_factory=list)
    attempts: list[ExecutionRecord] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    """Issues whose plan cannot be read as ours."""
    kept: list[EditIgnored] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    sha256: list[str] = field(default_factory=list)


def adopt(
    places: Places,
    journal: Journal,
    bus: EventBus,
    *,
    clock: Callable[[], datetime],
    commit_exists: CommitExists,
) -> bool:
    """Make the journal from the documents if there is none; tell whether it was made.

    Raises `PipelineError` when a newer version wrote a document.
    """
    paths = (places.planning_results, places.execution_results)
    if not journal.is_empty or not any(path.exists() for path in paths):
        return False
    with journal.locked():
        if not journal.is_empty:
            return False
        harvest = _Harvest()
        _read_plans(places.planning_results, harvest, clock())
        _read_attempts(places.execution_results, harvest, clock(), commit_exists)
        entered = enter_missing(places, harvest.plans, harvest.attempts)
        journal.begin_with(_entries(harvest))
    if entered:
        bus.emit(events.Notice(_NOT_IN_THE_BACKLOG.format(", ".join(entered))))
    for notice in harvest.notices:
        bus.emit(events.Notice(notice))
    return True


def _entries(harvest: _Harvest) -> list[Entry]:
    landed = {
        attempt.issue_id
        for attempt in harvest.attempts
        if attempt.status is ExecutionStatus.COMPLETED
    }
    return [
        DocumentsAdopted(
            planning_records=len(harvest.plans),
            execution_records=len(harvest.attempts),
            sha256=tuple(harvest.sha256),
        ),
        *harvest.kept,
        *(PlanRecorded(record=plan) for plan in harvest.plans),
        *(AttemptRecorded(record=attempt) for attempt in harvest.attempts),
        *(
            RetryAsked(issue_id=issue_id, again="plan", by="adoption")
            for issue_id in harvest.again
            if issue_id not in landed
        ),
    ]


def _read_plans(path: Path, harvest: _Harvest, now: datetime) -> None:
    lost: list[str] = []
    counts: dict[str, int] = {}
    records = _records("planning", path, harvest, now)
    for value in records:
        issue_id = str(value.get("issue_id")) if isinstance(value, dict) else "?"
        counts[issue_id] = counts.get(issue_id, 0) + 1
        plan = adopted_plan(value, attempt=counts[issue_id], now=now)
        if plan is None:
            lost.append(issue_id)
            plan = replannable(value, attempt=counts[issue_id], now=now)
            if plan is None:
                continue
        harvest.plans.append(plan)
    current = {plan.issue_id: plan for plan in harvest.plans}
    harvest.again += [i for i in dict.fromkeys(lost) if i in current and current[i].plan is None]
    _keep_what_was_lost("planning", path, lost, harvest, now)


def _read_attempts(
    path: Path, harvest: _Harvest, now: datetime, commit_exists: CommitExists
) -> None:
    lost: list[str] = []
    counts: dict[str, int] = {}
    for value in _records("execution", path, harvest, now):
        issue_id = str(value.get("issue_id")) if isinstance(value, dict) else "?"
        counts[issue_id] = counts.get(issue_id, 0) + 1
        attempt = adopted_attempt(
            value, number=counts[issue_id], now=now, commit_exists=commit_exists
        )
        if attempt is None:
            lost.append(issue_id)
        else:
            harvest.attempts.append(attempt)
    _keep_what_was_lost("execution", path, lost, harvest, now)


def _records(name: DocumentName, path: Path, harvest: _Harvest, now: datetime) -> list[JsonValue]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    harvest.sha256.append(sha256(raw).hexdigest())
    found = read(raw, file=str(path))
    if found is None:
        copy = keep_copy(path, raw, now)
        harvest.kept.append(EditIgnored(document=name, kept_as=copy.name))
        harvest.notices.append(f"{path.name} is no valid results document; kept as {copy.name}")
        return []
    return found.records


def _keep_what_was_lost(
    name: DocumentName, path: Path, lost: list[str], harvest: _Harvest, now: datetime
) -> None:
    if not lost:
        return
    try:
        copy = keep_copy(path, path.read_bytes(), now)
    except FileNotFoundError as error:
        raise PipelineError(f"'{path}' was removed meanwhile: run again") from error
    harvest.kept.append(EditIgnored(document=name, kept_as=copy.name, keys=tuple(lost)))
    what = "planned again" if name == "planning" else "left out"
    harvest.notices.append(
        f"{path.name}: records of {', '.join(lost)} are not in a form that can be used and are "
        f"{what}; kept as {copy.name}"
    )
