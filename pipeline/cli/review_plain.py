"""A review for a screen reader or a simple terminal: text, then a numbered choice and Enter.

No colours, no moving cursor, nothing is ever written over.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.app.deciding import desk
from pipeline.app.project import open_project
from pipeline.app.reviewing import DONE, Page, Review, Verb, with_questions
from pipeline.app.telling import event_bus
from pipeline.cli.output import print_text
from pipeline.cli.review_walk import chosen
from pipeline.errors import PipelineError
from pipeline.plans.layout import layout
from pipeline.plans.page import WIDTH, as_text, issue_blocks
from pipeline.plans.sanitize import clean

CHOICES = (
    "approve",
    "changes",
    "reject",
    "defer",
    "answer",
    "issue",
    "skip",
    "back",
    "undo",
    "quit",
)


def walk(folder: Path, names: Sequence[str]) -> None:
    """Review what waits, or the plans named, line by line."""
    here = desk(open_project(folder), event_bus(as_json=False), patient=True)
    review = Review(here, chosen(here, names) if names else None)
    told = 0
    try:
        while not _over(review):
            _one(review)
            for line in review.said[told:]:
                print_text(line)
            told = len(review.said)
    except (EOFError, KeyboardInterrupt):
        if held := review.undo():
            print_text(f"\nnot recorded: {held.verb} {held.page.record.key}")
        review.turn(len(review.items))
    review.finish()
    print_text("nothing waits for you" if not review.items else "the review has ended")


def _over(review: Review) -> bool:
    """Ask at the end whether to leave; what is held is recorded then."""
    if not review.at_end:
        return False
    if review.held is None:
        return True
    print_text(f"That was the last one. Held: {_held(review)}.")
    if _line("Type quit to record it, or undo: ").strip().lower() in ("undo", "u"):
        review.undo()
        return False
    review.settle()
    print_text(review.said[-1])
    return True


def _one(review: Review) -> None:
    page = review.page()
    place = review.place
    print_text(f"\nPage {place + 1} of {len(review.items)}.")
    print_text(as_text(review.blocks(page)))
    while review.place == place and not review.at_end:
        if review.held:
            print_text(f"Held, not recorded yet: {_held(review)}. undo takes it back.")
        print_text(", ".join(f"{n} {word}" for n, word in enumerate(CHOICES, start=1)))
        word = _choice(_line("Your choice: "))
        if word is None:
            print_text("Type one of these words, or its number, then Enter.")
            continue
        before = review.held
        try:
            ACTIONS[word](review, page)
        except PipelineError as error:
            print_text(str(error))
            if review.page() != page:
                return  # it is shown again, as it is now
        if review.held is not before:
            return


def _choice(typed: str) -> str | None:
    typed = typed.strip().lower()
    if typed.isdigit() and 1 <= int(typed) <= len(CHOICES):
        return CHOICES[int(typed) - 1]
    return typed if typed in CHOICES else None


def _line(prompt: str) -> str:
    """Read one line; `EOFError` when the terminal is gone, or after Ctrl-D."""
    return input(prompt)


def _with_words(verb: Verb, question: str) -> Callable[[Review, Page], None]:
    def decide(review: Review, page: Page) -> None:
        review.require(verb, page)
        words = _line(question).strip()
        if not words:
            raise PipelineError(f"nothing said, so nothing is {DONE[verb]}")
        review.decide(verb, page, words)

    return decide


def _answer(review: Review, page: Page) -> None:
    review.require(Verb.ANSWER, page)
    answers = []
    for number, question in enumerate(page.questions, start=1):
        print_text(f"Question {number} of {len(page.questions)}: {clean(question, one_line=True)}")
        answers.append(_line("Your answer, or Enter for none: ").strip())
    words = with_questions(page.questions, answers)
    if not words:
        raise PipelineError("nothing said, so nothing is answered")
    review.decide(Verb.ANSWER, page, words)


def _issue(_review: Review, page: Page) -> None:
    if page.issue is None:
        raise PipelineError("there is no such issue in the backlog")
    print_text("\n".join(row.text for row in layout(issue_blocks(page.issue), WIDTH)))


def _undo(review: Review, _page: Page) -> None:
    held = review.undo()
    if held is None:
        raise PipelineError("there is no decision to take back: recorded ones stay")
    print_text(f"Taken back: {held.verb} {held.page.record.key}. Nothing was recorded.")


def _quit(review: Review, _page: Page) -> None:
    review.settle()
    review.turn(len(review.items))


ACTIONS: dict[str, Callable[[Review, Page], None]] = {
    "approve": lambda review, page: review.decide(Verb.APPROVE, page),
    "changes": _with_words(Verb.CHANGES, "What should be different? "),
    "reject": _with_words(Verb.REJECT, "Why not? "),
    "defer": lambda review, page: review.decide(Verb.DEFER, page),
    "answer": _answer,
    "issue": _issue,
    "skip": lambda review, _page: review.turn(1),
    "back": lambda review, _page: review.turn(-1),
    "undo": _undo,
    "quit": _quit,
}
"""Choice -> what it does; a completeness test compares it with `CHOICES`."""


def _held(review: Review) -> str:
    return f"{review.held.verb} {review.held.page.record.key}" if review.held else ""
