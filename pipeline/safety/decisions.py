"""What a person decides about plans: approve, reject, request changes, retry.

Every decision is one journal line; a running orchestrator picks it up, else it is rendered at once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NoReturn

from pipeline.domain.counting import counted
from pipeline.domain.issue import Feedback, Issue
from pipeline.domain.nearest import no_such
from pipeline.domain.plan import Plan, PlanState
from pipeline.domain.results import ExecutionStatus, FailureClass, PlanningRecord, Usage
from pipeline.errors import PipelineError, UsageProblem
from pipeline.events import EventBus
from pipeline.git import Repository
from pipeline.paths import Places
from pipeline.plans.layout import Block
from pipeline.plans.lifecycle import DEFERRABLE, TRANSITIONS, PlanEvent, advance, defer
from pipeline.plans.markdown import keep_plan, render_plan
from pipeline.plans.page import Note, as_text, plan_blocks
from pipeline.plans.preview import as_shown, base_of
from pipeline.plans.rounds import rounds
from pipeline.plans.sanitize import clean
from pipeline.safety.briefing import Briefing, Price, briefing
from pipeline.safety.digest import ground_digest
from pipeline.safety.gate import Gate
from pipeline.safety.ground import Stale, digest_of
from pipeline.safety.policy import Approver, require_owner
from pipeline.settings import AutoRule, Settings
from pipeline.store.book import Book
from pipeline.store.entries import PlanChanged, RetryAsked
from pipeline.store.state import State

Again = Literal["plan", "execute"]

VERBS = {
    PlanEvent.APPROVE: "approve",
    PlanEvent.REJECT: "reject",
    PlanEvent.REQUEST_CHANGES: "request changes of",
    PlanEvent.SUPERSEDE: "supersede",
}
"""What a person decides, in words."""

INSTEAD = {
    PlanState.APPROVED: "`pipeline run` carries it out",
    PlanState.REJECTED: "`pipeline retry {issue}` has it planned again",
}
"""What to do about a plan in a state that allows no such decision."""

SIGNED_AWAY = frozenset({FailureClass.PLAN_TOO_NARROW, FailureClass.BUDGET})
"""Failures that another attempt would meet again: paths and budget are part of the signature."""

LISTS = {"run": "pipeline history", "attempt": "pipeline restore"}
"""What is named -> the command that lists what there is; for all else the backlog's."""
NEW_ISSUE = "`pipeline add` takes what is still wrong as a new issue"


FeedbackKind = Literal["changes", "clarification", "comment"]
"""What words about a plan are: wishes, answers to its questions, news of its issue."""


def _unknown_price(_usage: Usage) -> float | None:
    return None


@dataclass(frozen=True)
class Left:
    """A plan that was to be approved with others and cannot be, and why."""

    solution_id: str
    reason: str


@dataclass(frozen=True)
class Desk:
    """Where one person decides, with everything that a decision is checked against."""

    repo: Repository
    places: Places
    settings: Settings
    bus: EventBus
    book: Book
    gate: Gate
    issues: Callable[[], Sequence[Issue]]
    approver: Approver
    now: Callable[[], datetime]
    price: Price = _unknown_price
    """What the Execution agent's tokens cost."""
    patient: bool = False
    """True: who holds the desk renders the documents (`book.catch_up`, `book.flush`)."""

    def find(self, name: str) -> PlanningRecord:
        """Return the plan with this solution id, or the current one of this issue id."""
        state = self.book.state
        record = state.planning.get(name) or state.current(name)
        if record is None or record.solution_id is None:
            raise no_plan(name, self.issues(), state, self._names())
        return record

    def issue(self, name: str) -> Issue:
        """Return the issue with this id."""
        issues = {issue.id: issue for issue in self.issues()}
        if name not in issues:
            raise unknown("issue", name, list(issues))
        return issues[name]

    def render(self, record: PlanningRecord, form: str) -> str:
        """Return one plan as `text` (a reviewer's page), `md` (an ExecPlan) or `json`."""
        shown = self.shown(record)
        if form == "json":
            return shown.model_dump_json(indent=2) + "\n"
        issues = {issue.id: issue for issue in self.issues()}
        issue = issues.get(record.issue_id)
        if form == "md":
            return render_plan(shown, issue, self.book.state.past(record.key))
        return as_text(self.page(record, issue, notes=self.brief(record).notes))

    def shown(self, record: PlanningRecord) -> PlanningRecord:
        """Return a record as people may see it now: see `policy.lock_previews`."""
        return as_shown(record, self.settings)

    def page(
        self, record: PlanningRecord, issue: Issue | None, *, notes: Sequence[Note] = ()
    ) -> Iterator[Block]:
        """Yield a reviewer's page of one plan, with what its steps would change in the files."""
        read = base_of(self.repo, record)
        return plan_blocks(self.shown(record), issue, notes=notes, read=read)

    def brief(self, record: PlanningRecord) -> Briefing:
        """Return what a reviewer is told of a plan besides its text, as things are now."""
        off = self.settings.validation.off
        return briefing(self.gate, record, self.book.state, list(self.issues()), self.price, off)

    def require_shown(self, record: PlanningRecord, shown: Briefing, *, order: bool = True) -> None:
        """Raise when a plan is no longer what a person was shown, before a decision is recorded.

        For use inside `book.alone()`, around the decision. `order`: what runs before it counts too.
        """
        newest = self.book.state.current(record.issue_id)
        now = self.brief(newest) if newest is not None else Briefing()
        if now.digest != shown.digest:
            raise PipelineError(f"{record.key} is not what was shown any more: look at it again")
        if order and now.after != shown.after:
            raise PipelineError(
                f"what runs before {record.key} is not what was shown any more: look at it again"
            )

    def approve_by_rule(self, record: PlanningRecord, rule: AutoRule) -> PlanningRecord:
        """Sign a pending plan because a rule says so; who the desk belongs to signs.

        Raises like `approve`: a rule approves nothing that its user may not.
        """
        with self.book.alone():
            comment = f"approved by the rule {rule.name!r}, up to {rule.max_risk} risk"
            signed, plan = self._signed(self._open(record), comment, rule)
            return self._keep(signed, PlanEvent.APPROVE, plan)

    def require_approvable(self, record: PlanningRecord, shown: Briefing) -> None:
        """Raise when an approval of what was shown would be refused; nothing is recorded."""
        record = self._returned(record)
        assert record.plan is not None
        _allow(PlanEvent.APPROVE, record, record.plan)
        moved = [note.text for note in shown.notes if note.warns]
        if moved:
            raise PipelineError(moved[0])
        self.gate.sign(record, after=shown.after, approver=self.approver)

    def approve(self, record: PlanningRecord, *, comment: str = "") -> PlanningRecord:
        """Sign a pending plan. Raises when its ground has moved, or it is not pending."""
        return self.approve_all([record], comment=comment)[0]

    def stamp(self, record: PlanningRecord) -> str:
        """Return a digest (hex) of what an approval of a plan would sign as things are now."""
        after = self.gate.earlier_plans(record, self.book.state, list(self.issues()))
        text = digest_of(self.book.state, record.key)
        return ground_digest(text, record.base_commit or "", after)

    def approve_all(
        self, records: Sequence[PlanningRecord], *, comment: str = "", stamp: str = ""
    ) -> list[PlanningRecord]:
        """Sign several plans, or none of them when one cannot be approved.

        A plan whose approval holds already stays as it is, so that a command that was cut off can
        be typed again. `stamp`: how `stamp` of each of them has to begin.
        """
        with self.book.alone():
            open_ones = [record for record in records if not self._is_approved(record)]
            for record in open_ones:
                if stamp and not self.stamp(record).startswith(stamp):
                    raise PipelineError(
                        f"{record.key} is not what was shown any more: pipeline show {record.key}"
                    )
            signed = [self._signed(record, comment) for record in open_ones]
            self._keep_all(signed, PlanEvent.APPROVE)
            return [self.book.state.planning[record.key] for record in records]

    def approve_what_can_be(
        self, records: Sequence[PlanningRecord], *, comment: str = ""
    ) -> tuple[list[PlanningRecord], list[Left]]:
        """Sign those of several plans that can be approved; return them, and why others were left.

        For plans that nobody named: one that has gone stale, or that needs a higher role, keeps
        none of the others from being approved.
        """
        signed: list[tuple[PlanningRecord, Plan]] = []
        left: list[Left] = []
        with self.book.alone():
            for record in records:
                try:
                    signed.append(self._signed(self._open(record), comment))
                except PipelineError as error:
                    left.append(Left(record.key, str(error)))
            self._keep_all(signed, PlanEvent.APPROVE)
            return [self.book.state.planning[record.key] for record, _ in signed], left

    def _is_approved(self, record: PlanningRecord) -> bool:
        """Tell whether the plan's approval holds: not expired, and signed for this repository."""
        newest = self._open(record)
        if newest.plan is None or newest.plan.state is not PlanState.APPROVED:
            return False
        return not newest.plan.deferred and self.gate.broken(newest, self.book.state) is None

    def _returned(self, record: PlanningRecord) -> PlanningRecord:
        """Return an approved plan whose signature does not count as pending again."""
        newest = self._open(record)
        if newest.plan is None or newest.plan.state is not PlanState.APPROVED:
            return newest
        reason = self.gate.broken(newest, self.book.state)
        if reason is None:
            return newest
        plan = advance(newest.plan, PlanEvent.EXPIRE, now=self.now(), reason=reason)
        return newest.model_copy(update={"plan": plan})

    def _open(self, record: PlanningRecord) -> PlanningRecord:
        """Return the newest form of a plan that may be approved: its issue is not closed."""
        newest, name = self.current(record, "approve"), record.issue_id
        if any(issue.closed for issue in self.issues() if issue.id == name):
            raise PipelineError(
                f"cannot approve {record.key}: {name} is closed, nothing of it is carried out; "
                f"`pipeline issues reopen {name}`"
            )
        return newest

    def reject(self, record: PlanningRecord, *, reason: str) -> PlanningRecord:
        """Turn a plan down; raises when it has landed or no reason is given."""
        reason = _words(reason, "--reason")
        feedback = self._feedback("rejection", reason)
        return self._take_back(record, PlanEvent.REJECT, reason, feedback)

    def request_changes(
        self, record: PlanningRecord, *, what: str, kind: FeedbackKind = "changes"
    ) -> PlanningRecord:
        """Send a plan back to planning with words; its approval, if any, is void.

        Only `changes` count as rounds, of which there are `gate.change_rounds` for each issue; the
        other kinds answer a question or say that the issue has changed.
        """
        what = _words(what, "WHAT")
        with self.book.alone():
            self._decidable(record, PlanEvent.REQUEST_CHANGES)
            if kind == "changes":
                self.require_round(record)
            feedback = self._feedback(kind, what)
            return self._take_back(record, PlanEvent.REQUEST_CHANGES, what, feedback)

    def require_round(self, record: PlanningRecord) -> None:
        """Raise when changes of this issue's plans were requested as often as they may be."""
        asked, most = rounds(self.book.state, record.issue_id), self.settings.gate.change_rounds
        if asked >= most:
            raise PipelineError(
                f"changes of {record.issue_id}'s plans were requested {asked} of "
                f"{counted(most, 'time')}: `pipeline edit {record.key}` writes it yourself, "
                f'`pipeline reject {record.key} --reason "..."` turns it down'
            )

    def supersede(self, record: PlanningRecord, *, by: PlanningRecord) -> PlanningRecord:
        """Retire an earlier plan of an issue in favour of its current one, `by`.

        One that is superseded already stays as it is; no approval of it counts any more.
        """
        require_owner(self.places.user.state)
        with self.book.alone():
            state = self.book.state
            now = state.planning[record.key]
            verb = f"cannot supersede {record.key} by {by.key}"
            if by.issue_id != record.issue_id:
                raise PipelineError(f"{verb}: that is a plan of {by.issue_id}")
            if record.key == by.key or state.current_key(record.issue_id) != by.key:
                raise PipelineError(
                    f"{verb}: only the issue's current plan, {state.current_key(record.issue_id)}, "
                    "takes the place of an earlier one"
                )
            if any(one.status is ExecutionStatus.COMPLETED for one in state.attempts(record.key)):
                raise PipelineError(f"{verb}: it has landed; {NEW_ISSUE}")
            if now.plan is None or now.plan.state is PlanState.SUPERSEDED:
                return now
            changed = advance(
                now.plan, PlanEvent.SUPERSEDE, now=self.now(), reason=f"replaced by {by.key}"
            )
            self.gate.withdraw(now)
            return self._keep(now, PlanEvent.SUPERSEDE, changed)

    def defer(self, record: PlanningRecord, *, deferred: bool = True) -> PlanningRecord:
        """Set a pending or approved plan aside, or take it up again; its decision stays."""
        verb = "defer" if deferred else "take up"
        with self.book.alone():
            record = self.current(record, verb)
            assert record.plan is not None
            if record.plan.state not in DEFERRABLE or record.plan.deferred is deferred:
                now = "deferred" if record.plan.deferred else f"{record.plan.state}, not deferred"
                raise PipelineError(f"cannot {verb} {record.key}: it is {now}")
            changed = defer(record.plan, now=self.now(), deferred=deferred)
            return self._keep(record, "defer", changed)

    def current(self, record: PlanningRecord, verb: str) -> PlanningRecord:
        """Return the newest form of a plan that may still be decided on, by who decides here."""
        require_owner(self.places.user.state)
        state = self.book.state
        newest = state.current(record.issue_id)
        if newest is None or newest.key != record.key:
            instead = f": {newest.key} is the current plan" if newest else ""
            raise PipelineError(f"cannot {verb} {record.key}: it is superseded{instead}")
        if state.landed(record.issue_id) is not None:
            raise PipelineError(f"cannot {verb} {record.key}: it has landed; {NEW_ISSUE}")
        if state.open_attempt is not None and state.open_attempt.solution_id == record.key:
            raise PipelineError(f"cannot {verb} {record.key}: it is being executed")
        return newest

    def retry(self, issue_id: str, *, feedback: str = "") -> Again:
        """Take an issue up again; return which phase does. Raises when nothing is to be retried."""
        require_owner(self.places.user.state)
        self.issue(issue_id)
        state = self.book.state
        record = state.current(issue_id)
        if state.landed(issue_id) is not None:
            raise PipelineError(f"cannot retry {issue_id}: it has landed; {NEW_ISSUE}")
        if record is None:
            raise PipelineError(
                f"cannot retry {issue_id}: it was not planned yet; `pipeline plan {issue_id}` does"
            )
        again = self._phase_of_retry(record, feedback)
        if again == "plan":
            self.gate.withdraw(record)
        kind = "clarification" if record.questions else "comment"
        self.book.record(
            RetryAsked(
                issue_id=issue_id,
                again=again,
                feedback=self._feedback(kind, feedback) if feedback else None,
                by=self.approver.name,
            )
        )
        self._render()
        return again

    def _signed(
        self, record: PlanningRecord, comment: str, rule: AutoRule | None = None
    ) -> tuple[PlanningRecord, Plan]:
        """Return the plan as it is now and as it is with an approval; nothing is recorded yet."""
        record = self._returned(record)
        assert record.plan is not None
        _allow(PlanEvent.APPROVE, record, record.plan)
        plan = record.plan
        if stale := self.gate.baseless(record.base_commit):
            self._send_back(record, plan, stale)
        after = self.gate.earlier_plans(record, self.book.state, list(self.issues()))
        approval = self.gate.sign(
            record, after=after, approver=self.approver, comment=comment, rule=rule
        )
        changed = advance(plan, PlanEvent.APPROVE, now=self.now(), approval=approval)
        approved = record.model_copy(update={"plan": changed})
        if reason := self.gate.broken(approved, self.book.state):
            raise PipelineError(f"cannot approve {record.key}: {reason}")
        self._refuse_drift(record, approved)
        return record, changed

    def _refuse_drift(self, record: PlanningRecord, approved: PlanningRecord) -> None:
        """Send a plan back to planning when its ground has moved before anybody approved it."""
        tip = self.gate.tip(self.book.state)
        if tip is None or record.plan is None:
            return
        verdict = self.gate.check(approved, self.book.state, tip)
        if isinstance(verdict, Stale):
            self._send_back(record, record.plan, verdict)

    def _send_back(self, record: PlanningRecord, plan: Plan, stale: Stale) -> NoReturn:
        """Record that a plan is stale, and say so."""
        changed = advance(plan, PlanEvent.DRIFT, now=self.now(), reason=stale.reason)
        self._keep(record, PlanEvent.DRIFT, changed, self._feedback("drift", stale.reason))
        raise PipelineError(
            f"{record.key} is stale ({stale.reason}): it is planned again by `pipeline plan`"
        )

    def _phase_of_retry(self, record: PlanningRecord, feedback: str) -> Again:
        plan, attempts = record.plan, self.book.state.attempts(record.key)
        if plan is None or plan.state is not PlanState.APPROVED:
            if plan is not None and plan.state is PlanState.PENDING:
                raise PipelineError(
                    f"cannot retry {record.issue_id}: {record.key} waits for a decision: "
                    f"pipeline approve {record.key}"
                )
            return "plan"
        if not attempts:
            raise PipelineError(
                f"cannot retry {record.issue_id}: {record.key} is approved and was not tried yet: "
                "pipeline run"
            )
        last = attempts[-1]
        undone = last.status is ExecutionStatus.ROLLED_BACK
        decided_by_the_plan = undone or last.failure_class in SIGNED_AWAY
        return "plan" if feedback or decided_by_the_plan else "execute"

    def _take_back(
        self, record: PlanningRecord, event: PlanEvent, reason: str, feedback: Feedback
    ) -> PlanningRecord:
        with self.book.alone():
            record, plan = self._decidable(record, event)
            changed = advance(plan, event, now=self.now(), reason=reason)
            self.gate.withdraw(record)
            return self._keep(record, event, changed, feedback)

    def _decidable(self, record: PlanningRecord, event: PlanEvent) -> tuple[PlanningRecord, Plan]:
        """Return the plan as it is now, or raise when it allows no such decision."""
        record = self.current(record, VERBS[event])
        assert record.plan is not None
        _allow(event, record, record.plan)
        return record, record.plan

    def _keep(
        self,
        record: PlanningRecord,
        event: PlanEvent | Literal["defer"],
        plan: Plan,
        feedback: Feedback | None = None,
    ) -> PlanningRecord:
        return self._keep_all([(record, plan)], event, feedback)[0]

    def _keep_all(
        self,
        changed: Sequence[tuple[PlanningRecord, Plan]],
        event: PlanEvent | Literal["defer"],
        feedback: Feedback | None = None,
    ) -> list[PlanningRecord]:
        """Record what plans have become, a line each, with one wait for the disk."""
        self.book.record_all(
            [
                PlanChanged(
                    solution_id=record.key,
                    event=event,
                    plan=plan,
                    feedback=feedback,
                    by=self.approver.name,
                )
                for record, plan in changed
            ],
            render=False,
        )
        self._render()
        state = self.book.state
        kept = [state.planning[record.key] for record, _ in changed]
        issues = {issue.id: issue for issue in self.issues()}
        for record in kept:
            issue, past = issues.get(record.issue_id), state.past(record.key)
            keep_plan(self.places.plans, self.shown(record), issue, past)
        return kept

    def _render(self) -> None:
        if not self.patient:
            self.book.flush()

    def _feedback(self, kind: str, content: str) -> Feedback:
        return Feedback.model_validate(
            {"type": kind, "stage": "gate", "content": content, "created_at": self.now()}
        )

    def _names(self) -> list[str]:
        """Return what a plan can be called: its own id, or its issue's."""
        records = [one for one in self.book.state.planning.values() if one.solution_id]
        return list(dict.fromkeys(name for one in records for name in (one.key, one.issue_id)))


def _allow(event: PlanEvent, record: PlanningRecord, plan: Plan) -> None:
    """Raise, naming the plan and what to do instead, when its state does not allow a decision."""
    if (plan.state, event) not in TRANSITIONS:
        instead = INSTEAD.get(plan.state, "`pipeline plan {issue}` makes another plan")
        raise PipelineError(
            f"cannot {VERBS[event]} {record.key}: it is {plan.state}; "
            + instead.format(issue=record.issue_id)
        )


def _words(text: str, name: str) -> str:
    """Return the words a person gave; raises when there are none."""
    if not text.strip():
        raise UsageProblem(f"{name} is empty: say it in words; they are kept and shown")
    return clean(text.strip())


def no_plan(
    name: str, issues: Sequence[Issue], state: State, known: Sequence[str]
) -> PipelineError:
    """Return the error for what names no plan: an issue of the backlog has none yet, or nothing."""
    if name not in {issue.id for issue in issues}:
        return unknown("plan", name, known)
    again = f'retry {name} --feedback "..."' if state.current(name) else f"plan {name}"
    return PipelineError(f"{name} has no plan yet: pipeline {again}")


def unknown(kind: str, name: str, known: Sequence[str]) -> PipelineError:
    """Return the error for a name that is none of the `known` ones, with the closest of them."""
    lists = LISTS.get(kind, "pipeline issues")
    return no_such(kind, name, known, f"`{lists}` lists what there is")
