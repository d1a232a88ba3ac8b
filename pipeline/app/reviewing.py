"""A review: one person walks through what waits, and each decision is held back for one step.

A decision is recorded when the next one is made, or at the end; until then `undo` takes it back and
nothing was ever recorded. What is recorded is what was shown: it is looked at again at that moment.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.issue import Issue
from pipeline.domain.plan import PlanState
from pipeline.domain.results import PlanningRecord
from pipeline.errors import PipelineError
from pipeline.plans.layout import Block
from pipeline.plans.waiting import Waiting, waiting
from pipeline.safety.briefing import Briefing
from pipeline.safety.decisions import Desk


class Verb(StrEnum):
    """What can be decided on a page."""

    APPROVE = "approve"
    CHANGES = "request changes"
    REJECT = "reject"
    DEFER = "defer"
    ANSWER = "answer"


DONE: dict[Verb, str] = {
    Verb.APPROVE: "approved",
    Verb.CHANGES: "sent back",
    Verb.REJECT: "rejected",
    Verb.DEFER: "deferred",
    Verb.ANSWER: "answered",
}


@dataclass(frozen=True)
class Page:
    """What is shown of one record; `shown` is what a decision on it would be about."""

    item: Waiting
    record: PlanningRecord
    issue: Issue | None
    shown: Briefing

    @property
    def questions(self) -> tuple[str, ...]:
        """What the planner wants to know."""
        solution = self.record.solution
        return self.record.questions or (solution.clarifying_questions if solution else ())


@dataclass(frozen=True)
class Held:
    """A decision that is not recorded yet."""

    verb: Verb
    page: Page
    words: str
    place: int


class Review:
    """The walk: where the person is, what is held, what was recorded."""

    def __init__(self, desk: Desk, items: list[Waiting] | None = None) -> None:
        """Walk through `items`, by default through all that waits."""
        self._desk = desk
        self.items = items if items is not None else waiting(desk.issues(), desk.book.state)
        self.place = 0
        self.held: Held | None = None
        self.said: list[str] = []
        """One line for each decision that was recorded, or could not be."""

    @property
    def at_end(self) -> bool:
        """Tell whether every page has been turned."""
        return self.place >= len(self.items)

    def page(self) -> Page:
        """Return the page of this place, as things are now."""
        item = self.items[self.place]
        with self._desk.book.alone():
            state = self._desk.book.state
            key = state.current_key(item.issue_id) or item.key
            record = state.planning[key]
        issues = {issue.id: issue for issue in self._desk.issues()}
        return Page(item, record, issues.get(item.issue_id), self._desk.brief(record))

    def blocks(self, page: Page) -> Iterator[Block]:
        """Yield what is to be read on a page."""
        return self._desk.page(page.record, page.issue, notes=page.shown.notes)

    def turn(self, by: int) -> None:
        """Go some pages on or back."""
        self.place = min(max(self.place + by, 0), len(self.items))

    def decide(self, verb: Verb, page: Page, words: str = "") -> None:
        """Record the decision that was held, hold this one, and go on to the next page.

        Raises `PipelineError`, and holds nothing new, when this one could not be recorded as
        things are now: also when the decision before it has changed what runs before this plan.
        """
        self.require(verb, page)
        self.settle()
        self._require_shown(verb, page)
        self.held = Held(verb, page, words, self.place)
        self.turn(1)

    def undo(self) -> Held | None:
        """Take back the decision that is held, and go back to its page."""
        held, self.held = self.held, None
        if held is not None:
            self.place = held.place
        return held

    def settle(self) -> None:
        """Record the decision that is held; what cannot be recorded any more is said."""
        held, self.held = self.held, None
        if held is None:
            return
        try:
            with self._desk.book.alone():
                self._require_shown(held.verb, held.page)
                RECORD[held.verb](self._desk, held.page.record, held.words)
            self._desk.book.catch_up()
            self.said.append(f"{DONE[held.verb]} {held.page.record.key}")
        except PipelineError as error:
            self.said.append(f"not recorded: {held.verb} {held.page.record.key}: {error}")

    def _require_shown(self, verb: Verb, page: Page) -> None:
        order = verb is Verb.APPROVE
        self._desk.require_shown(page.record, page.shown, order=order)

    def finish(self) -> None:
        """Record what is held and bring the documents up to date."""
        self.settle()
        self._desk.book.flush()

    def require(self, verb: Verb, page: Page) -> None:
        """Raise when a decision makes no sense as things are: it would fail a page later."""
        plan, key = page.record.plan, page.record.key
        if verb is Verb.ANSWER and not page.questions:
            raise PipelineError(f"{key} asks nothing")
        if verb is Verb.ANSWER:
            return
        if plan is None:
            raise PipelineError(f"there is no plan to {verb}: its questions wait for answers (w)")
        if plan.state not in DECIDABLE[verb]:
            raise PipelineError(f"cannot {verb} {key}: it is {plan.state}")
        if verb is Verb.DEFER and plan.deferred:
            raise PipelineError(f"{key} is deferred already")
        if verb is Verb.CHANGES:
            self._desk.require_round(page.record)
        if verb is Verb.APPROVE:
            try:
                self._desk.require_approvable(page.record, page.shown)
            except PipelineError as error:
                raise PipelineError(f"not approved, c sends it back: {error}") from error


DECIDABLE: dict[Verb, frozenset[PlanState]] = {
    Verb.APPROVE: frozenset({PlanState.PENDING}),
    Verb.CHANGES: frozenset({PlanState.PENDING, PlanState.APPROVED}),
    Verb.REJECT: frozenset({PlanState.PENDING, PlanState.APPROVED, PlanState.DRAFTING}),
    Verb.DEFER: frozenset({PlanState.PENDING, PlanState.APPROVED}),
    Verb.ANSWER: frozenset(PlanState),
}


def _answer(desk: Desk, record: PlanningRecord, words: str) -> object:
    """Hand answers to the planner: a question is retried, a plan that asks is sent back."""
    if record.plan is None:
        return desk.retry(record.issue_id, feedback=words)
    return desk.request_changes(record, what=words, kind="clarification")


RECORD: dict[Verb, Callable[[Desk, PlanningRecord, str], object]] = {
    Verb.APPROVE: lambda desk, record, words: desk.approve(record, comment=words),
    Verb.CHANGES: lambda desk, record, words: desk.request_changes(record, what=words),
    Verb.REJECT: lambda desk, record, words: desk.reject(record, reason=words),
    Verb.DEFER: lambda desk, record, _words: desk.defer(record),
    Verb.ANSWER: _answer,
}


def with_questions(questions: tuple[str, ...], answers: list[str]) -> str:
    """Return questions and answers as one text for the planner; unanswered ones are left out."""
    pairs = zip(questions, answers, strict=True)
    return "\n\n".join(f"Question: {asked}\nAnswer: {said}" for asked, said in pairs if said)
