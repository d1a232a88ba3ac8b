"""What somebody did to a document by hand, judged against what the journal knows.

A document is compared with the state **at its own `journal_seq`**, whatever its layout:

    missing current planning record    the issue is planned again, unless landed or attempt open
    missing failed attempt             the attempt is made again, unless the issue has landed
    missing record of a landed commit  comes back
    anything else                      does not count; a copy is kept
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson
from pydantic import JsonValue

from pipeline.domain.results import ExecutionRecord, ExecutionStatus, PlanningRecord
from pipeline.store.document_text import DocumentName
from pipeline.store.entries import RecordRemoved
from pipeline.store.state import State

HAS_LANDED = "it has landed: removing its record does not undo the commit, `pipeline rollback` does"


@dataclass
class Verdict:
    """What counts and what does not."""

    removed: list[RecordRemoved] = field(default_factory=list)
    restored: dict[str, str] = field(default_factory=dict)
    """Record key -> why its removal does not count."""
    ignored: list[str] = field(default_factory=list)
    """Keys of records that were changed or added, or whose removal means nothing."""

    @property
    def keeps_copy(self) -> bool:
        """Tell whether something was done that does not count."""
        return bool(self.restored or self.ignored)


def key_of(name: DocumentName, record: JsonValue) -> str:
    """Return the key of a record in a document, or a text that is no key."""
    if not isinstance(record, dict):
        return "?"
    if name == "execution":
        return str(record.get("execution_result_id"))
    solution_id = record.get("solution_id")
    return str(solution_id or f"{record.get('issue_id')}#{record.get('attempt')}")


def judge(name: DocumentName, found: Iterable[JsonValue], *, then: State, now: State) -> Verdict:
    """Judge the records of a document: `then` is the state it was made from, `now` the present."""
    expected = then.planning if name == "planning" else then.execution
    verdict = Verdict()
    seen: set[str] = set()
    for record in found:
        key = key_of(name, record)
        if key in seen or key not in expected or orjson.loads(expected.text(key)) != record:
            verdict.ignored.append(key)
        seen.add(key)
    for key in expected:
        if key not in seen:
            _judge_missing(name, key, now, verdict)
    return verdict


def _judge_missing(name: DocumentName, key: str, now: State, verdict: Verdict) -> None:
    if name == "planning" and key in now.planning:
        _judge_plan(now.planning[key], now, verdict)
    if name == "execution" and key in now.execution:
        _judge_attempt(now.execution[key], now, verdict)


def _judge_plan(record: PlanningRecord, now: State, verdict: Verdict) -> None:
    landed = now.landed(record.issue_id)
    attempt = now.open_attempt
    if now.current(record.issue_id) != record:
        verdict.ignored.append(record.key)
    elif landed and landed.solution_id == record.solution_id:
        verdict.restored[record.key] = HAS_LANDED
    elif attempt and attempt.solution_id == record.solution_id:
        verdict.restored[record.key] = "its attempt is open: wait until it has ended"
    else:
        verdict.removed.append(_removal("planning", record.key, record.issue_id))


def _judge_attempt(record: ExecutionRecord, now: State, verdict: Verdict) -> None:
    if record.status is ExecutionStatus.COMPLETED:
        verdict.restored[record.key] = HAS_LANDED
    elif record.status is ExecutionStatus.FAILED and not now.landed(record.issue_id):
        verdict.removed.append(_removal("execution", record.key, record.issue_id))
    else:
        verdict.ignored.append(record.key)


def _removal(document: DocumentName, key: str, issue_id: str) -> RecordRemoved:
    return RecordRemoved(document=document, key=key, issue_id=issue_id)
