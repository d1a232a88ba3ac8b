"""What the audit says: whether the journal is what was written, and whose approvals count.

    the chain         every line's hash, number and link
    its end           against the documents, and against the head in the user's state folder
    its approvals     each one's signature; those in force against the gate

Nothing is locked, so it can be asked while a run is alive: what the journal is compared with is
read before the journal, which only grows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.domain.base import iso
from pipeline.domain.counting import counted
from pipeline.domain.plan import Approval
from pipeline.domain.results import Header
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.plans.refusals import refusal
from pipeline.safety.gate import Gate
from pipeline.store.chain import Flaw, Walk, walk
from pipeline.store.document_text import head_of
from pipeline.store.entries import PlanChanged, PlanRecorded
from pipeline.store.head import Head, read_head
from pipeline.store.journal import IDENTITY_LENGTH
from pipeline.store.line import Line
from pipeline.store.state import State

SIGNED = b'"mac":"'
"""In every line that holds an approval."""

UNSIGNED = "it is not signed with this user's key, for this plan, in this repository"

UNASKED = "signed, but the chain is broken"


@dataclass(frozen=True)
class Signature:
    """One approval in the journal."""

    line: int
    at: datetime
    solution_id: str
    approval: Approval
    is_signed: bool
    """False: not with this user's key, for this plan, in this repository."""
    reason: str | None = None
    """Why a run would not go by it (any more); None: it would."""


@dataclass(frozen=True)
class Proof:
    """What one look at the journal came to."""

    lines: int
    flaws: tuple[Flaw, ...]
    signatures: tuple[Signature, ...]
    notes: tuple[str, ...]
    """What is no flaw and yet worth knowing."""

    @property
    def holds(self) -> bool:
        """Tell whether chain and signatures are what was written."""
        return not self.flaws and all(one.is_signed for one in self.signatures)


def prove(places: Places, gate: Gate, state: Callable[[], State]) -> Proof:
    """Check the journal; `state` reads what it comes to, and is asked only where the chain holds.

    Raises `PipelineError` when there is no journal.
    """
    if not places.journal.exists():
        raise PipelineError("there is no journal yet: `pipeline plan` begins one")
    headers, head = list(_headers(places)), read_head(places)
    signatures: list[Signature] = []
    known: set[tuple[str, str]] = set()

    def see(line: Line) -> None:
        if SIGNED in line.raw:
            found = _signature(line, gate)
            if found is not None and (found.solution_id, found.approval.mac) not in known:
                known.add((found.solution_id, found.approval.mac))
                signatures.append(found)

    seen = walk(places.journal, wanted=frozenset({head.seq} if head else ()), see=see)
    flaws = [*seen.flaws, *_against_documents(seen, headers), *_against_head(seen, head, places)]
    if flaws:
        signatures = [replace(one, reason=one.reason or UNASKED) for one in signatures]
    elif signatures:
        now = state()
        signatures = [_judged(one, gate, now) for one in signatures]
    return Proof(seen.lines, tuple(flaws), tuple(signatures), tuple(_notes(seen, head)))


def _signature(line: Line, gate: Gate) -> Signature | None:
    entry = line.entry
    match entry:
        case PlanChanged():
            solution_id, approval = entry.solution_id, entry.plan.approval
        case PlanRecorded():
            record = entry.record
            solution_id, approval = record.key, record.plan.approval if record.plan else None
        case _:
            return None
    if approval is None:
        return None
    is_signed = gate.signed(solution_id, approval)
    reason = None if is_signed else UNSIGNED
    return Signature(line.seq, line.at, solution_id, approval, is_signed, reason)


def _judged(one: Signature, gate: Gate, state: State) -> Signature:
    """Return a signed approval with what the gate says of it now."""
    if not one.is_signed:
        return one
    record = state.planning.get(one.solution_id)
    plan = record.plan if record else None
    if record is None or plan is None:
        return replace(one, reason="its plan was removed")
    if plan.approval is None or plan.approval.mac != one.approval.mac:
        why = f": {plan.state_reason}" if plan.state_reason else ""
        return replace(one, reason=f"the plan is {plan.state} since{why}")
    landed = state.landed(record.issue_id)
    if landed is not None and landed.solution_id == one.solution_id:
        return replace(one, reason="the plan has landed")
    return replace(one, reason=gate.broken(record, state) or refusal(state, record.key))


def _headers(places: Places) -> Iterator[tuple[str, Header]]:
    for path in (places.planning_results, places.execution_results):
        header = head_of(path) if path.exists() else None
        if header is not None:
            yield path.name, header


def _against_documents(seen: Walk, headers: list[tuple[str, Header]]) -> Iterator[Flaw]:
    """Yield what the results documents know of the journal and it does not hold."""
    for name, header in headers:
        if header.journal not in (None, seen.first[:IDENTITY_LENGTH]):
            yield Flaw(
                None, f"{name} was made from a journal that begins with {header.journal}, not this"
            )
        elif (header.journal_seq or 0) > seen.last:
            yield _cut(seen, header.journal_seq or 0, name)


def _against_head(seen: Walk, head: Head | None, places: Places) -> Iterator[Flaw]:
    """Yield what the user's state folder knows of the journal and it does not hold."""
    if head is None:
        return
    name = str(places.journal_head)
    if head.journal != seen.first[:IDENTITY_LENGTH]:
        yield Flaw(
            None,
            f"all of it was written anew: {name} knows one of "
            f"{counted(head.seq, 'line')} that begins with {head.journal} "
            "(remove that file if you replaced the journal yourself)",
        )
    elif head.seq > seen.last:
        yield _cut(seen, head.seq, name)
    elif seen.hashes.get(head.seq) != head.hash:
        yield Flaw(head.seq, f"it was written anew, here or before: {name} knows another line")


def _cut(seen: Walk, known: int, name: str) -> Flaw:
    return Flaw(
        seen.lines + 1,
        f"the end was cut off: numbers {seen.last + 1} to {known} are missing, which {name} knows",
    )


def _notes(seen: Walk, head: Head | None) -> Iterator[str]:
    if seen.is_torn:
        yield "the last line is not finished: it is being written, or a crash left it so"
    if head is None:
        yield "nothing is known here of how long it was: lines cut off its end may go unnoticed"
    elif head.earlier is not None:
        gone = head.earlier
        lines = counted(gone.seq, "line was", "lines were")
        yield (
            f"it was begun as another one was missing, of which {lines} known at "
            f"{iso(gone.at)}: what that one said is not proven"
        )
