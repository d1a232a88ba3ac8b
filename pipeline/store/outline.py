"""The few fields of a record that the fold needs, found without parsing the record.

The texts are written by our own models, whose fields stand in a fixed order; a text in another
form is parsed.
"""

import re
from dataclasses import dataclass

from pipeline.domain.results import ExecutionRecord, ExecutionStatus
from pipeline.store.entries import AttemptRecorded, PlanRecorded
from pipeline.store.line import Line

_PLANNING = re.compile(
    rb'\{"record":(\{"issue_id":"([A-Za-z0-9._-]+)","solution_id":"([A-Za-z0-9._-]+)","status":)'
)
_EXECUTION = re.compile(
    rb'\{"record":(\{"execution_result_id":"([A-Za-z0-9._-]+)","issue_id":"([A-Za-z0-9._-]+)",'
    rb'"solution_id":"([A-Za-z0-9._-]+)","run_id":"[A-Za-z0-9._-]+","attempt":\d+,'
    rb'"attempt_id":"([^"\\]*)","status":"(completed|failed|rolled_back)")'
)
_SUPERSEDES = b',"supersedes":'


@dataclass(frozen=True)
class PlanningOutline:
    """What a `plan_recorded` line is about; `text` is the record as JSON."""

    key: str
    issue_id: str
    solution_id: str | None
    supersedes: str | None
    number: int
    """The attempt, where the record has no solution id; else 0."""
    text: bytes
    offset: int | None = None
    """Where the journal holds exactly `text`."""


@dataclass(frozen=True)
class ExecutionOutline:
    """What an `attempt_recorded` line is about; `text` is the record as JSON."""

    key: str
    issue_id: str
    solution_id: str
    attempt_id: str
    status: ExecutionStatus
    text: bytes


def planning_outline(line: Line) -> PlanningOutline:
    """Return the outline of a `plan_recorded` line."""
    data = line.data
    end = data.rfind(_SUPERSEDES)
    found = _PLANNING.match(data)
    if not found or end < 0:
        return _parsed_planning(line)
    solution_id = found[3].decode()
    supersedes = data[end + len(_SUPERSEDES) : -1].strip(b'"')
    return PlanningOutline(
        key=solution_id,
        issue_id=found[2].decode(),
        solution_id=solution_id,
        supersedes=None if supersedes == b"null" else supersedes.decode(),
        number=0,
        text=data[found.start(1) : end],
        offset=line.data_offset + found.start(1),
    )


def execution_outline(line: Line) -> ExecutionOutline:
    """Return the outline of an `attempt_recorded` line."""
    data = line.data
    found = _EXECUTION.match(data)
    if not found:
        return _parsed_execution(line)
    return ExecutionOutline(
        key=found[2].decode(),
        issue_id=found[3].decode(),
        solution_id=found[4].decode(),
        attempt_id=found[5].decode(),
        status=ExecutionStatus(found[6].decode()),
        text=data[found.start(1) : -1],
    )


def _parsed_planning(line: Line) -> PlanningOutline:
    entry = line.entry
    assert isinstance(entry, PlanRecorded)
    record = entry.record
    return PlanningOutline(
        key=record.key,
        issue_id=record.issue_id,
        solution_id=record.solution_id,
        supersedes=entry.supersedes,
        number=record.attempt,
        text=record.model_dump_json().encode(),
    )


def _parsed_execution(line: Line) -> ExecutionOutline:
    entry = line.entry
    assert isinstance(entry, AttemptRecorded)
    return outline_of(entry.record)


def outline_of(record: ExecutionRecord) -> ExecutionOutline:
    """Return the outline of a record that is parsed already."""
    return ExecutionOutline(
        key=record.key,
        issue_id=record.issue_id,
        solution_id=record.solution_id,
        attempt_id=record.attempt_id,
        status=record.status,
        text=record.model_dump_json().encode(),
    )
