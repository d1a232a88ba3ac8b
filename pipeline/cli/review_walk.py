"""The keys of a review: a page is drawn, a key is carried out, until `q`."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline.app.deciding import desk
from pipeline.app.project import open_project
from pipeline.app.reviewing import DONE, Page, Review, Verb, with_questions
from pipeline.cli.editor import open_editor
from pipeline.cli.review_page import BOLD, FRAME, RESET, View, bar, ends
from pipeline.cli.review_prompt import ask
from pipeline.cli.terminal import Terminal
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.plans.layout import Block
from pipeline.plans.page import issue_blocks
from pipeline.plans.sanitize import clean
from pipeline.plans.waiting import Waiting
from pipeline.safety.decisions import Desk

PLAN_KEYS = "a approve  c change  r reject  d defer  s skip  p back  i issue  ? keys  q quit"
QUESTION_KEYS = "w answer  s skip  p back  i issue  ? keys  q quit"
END_KEYS = "u undo  p back  q quit: records what is held"

HELP = """\
a        approve: signed as shown; it runs with the next `pipeline run`
c        request changes, in a line or in $EDITOR; it is planned again
r        reject, with a reason; it never runs
d        defer: parked, nothing asks for it; `pipeline approve` still takes it
w        answer its questions; it is planned again
u        undo the decision that is held
s or n   skip: on to the next page, nothing decided
p        back to the page before
i        the issue itself, and back
j, k     a line down, up (arrows too)
space    a page down; b a page up
g, G     to the top, to the end
q        quit, recording the decision that is held
Ctrl-C   leave without recording it
"""
ABOUT = (
    "A decision is held back for one step: it is recorded when you make the next one or quit, and "
    "only if plan and order are still what you were shown. A decision pressed before its page is "
    "complete does not count.",
)
HARMLESS = "snpjkbgGiu?q "
"""Keys that count although they were pressed before the page was there: they decide nothing."""


def walk(folder: Path, names: Sequence[str], terminal: Terminal) -> list[str]:
    """Review what waits (or the plans named) on a terminal; return what to say at the end."""
    project = open_project(folder)
    here = desk(project, EventBus([]), patient=True)
    review = Review(here, chosen(here, names) if names else None)
    if not review.items:
        return ["nothing waits for you: `pipeline issues` lists where everything stands"]
    walker = Walker(review, terminal)
    try:
        walker.run()
    except KeyboardInterrupt:
        if held := review.undo():
            review.said.append(f"not recorded: {held.verb} {held.page.record.key} (interrupted)")
    review.finish()
    return review.said or ["nothing was decided"]


def chosen(here: Desk, names: Sequence[str]) -> list[Waiting]:
    """Return the pages of the plans named."""
    records = [here.find(name) for name in dict.fromkeys(names)]
    return [Waiting("plan", record.key, record.issue_id) for record in records]


class Walker:
    """One person at one terminal."""

    def __init__(self, review: Review, terminal: Terminal) -> None:
        self._review = review
        self._terminal = terminal
        self._page: Page | None = None
        self._side: list[Block] | None = None
        """What is looked at instead of the plan: the issue, or the keys."""
        self._view = View([], terminal.size)
        self._message = ""
        self._going = True
        self._shown: list[str] = []

    def run(self) -> None:
        """Take keys until the person leaves."""
        self._turned()
        while self._going:
            self._draw()
            self._press(self._terminal.key())

    def _press(self, key: str) -> None:
        if key == "resize":
            top = self._view.top
            self._look()
            self._view.scroll(top)
            return
        self._message = ""
        if self._side is not None and key in ("escape", "q", "i", "?", "enter"):
            self._side = None
            self._look()
            return
        action = KEYS.get(key)
        if action is None:
            if not key.startswith("paste:"):
                self._message = "that key does nothing here; ? lists the keys"
            return
        try:
            action(self)
        except PipelineError as error:
            self._message = clean(str(error), one_line=True)

    def _turned(self) -> None:
        """Show the page of this place: first the plan, then what is told beside it."""
        self._side, self._page = None, None
        if not self._review.at_end:
            self._page = self._review.page()
        self._look()
        self._terminal.forget_input(keep=HARMLESS)
        self._draw()

    def _look(self) -> None:
        self._view = View(self._blocks(), self._terminal.size)

    def _blocks(self) -> Sequence[Block] | Iterator[Block]:
        if self._side is not None:
            return self._side
        page = self._page
        if page is None:
            return self._last_page()
        return self._review.blocks(page)

    def _last_page(self) -> list[Block]:
        review = self._review
        said = [Block(f"- {line}", "  ", "    ") for line in review.said]
        held = [Block(f"- held: {_held(review)}", "  ", "    ")] if review.held else []
        nothing = [Block("nothing was decided", "  ")] if not said and not held else []
        return [Block("That was the last one.", style="title"), Block(""), *said, *held, *nothing]

    def _draw(self) -> None:
        columns, lines = self._terminal.size
        if (columns, lines - FRAME) != (self._view.columns, self._view.height):
            self._look()
        review, page = self._review, self._page
        right = ""
        if page is None:
            left, keys = f"{len(review.items)} looked at", END_KEYS
        else:
            left = f"{review.place + 1} of {len(review.items)}  {page.record.key}"
            keys = PLAN_KEYS if page.record.plan else QUESTION_KEYS
            right = page.record.plan.risk.level if page.record.plan else "asks"
            if page.questions and page.record.plan:
                right = f"asks (w)  {right}"
        if self._side is not None:
            keys = "any of i ? q Esc: back to the plan    j k space b: scroll"
        held = f"held: {_held(review)} (u takes it back)" if review.held else ""
        text = self._view.text(coloured=self._terminal.coloured)
        status = ends(self._message or held, "" if self._message else self._view.place(), columns)
        status = f"{BOLD}{status}{RESET}" if self._message or held else status
        self._shown = [bar(left, right, columns), *text, status, ends(keys, "", columns)]
        self._terminal.paint(self._shown)

    def _decide(self, verb: Verb, words: str = "") -> None:
        if self._page is None:
            raise PipelineError("there is nothing left to decide; p goes back, q quits")
        before = len(self._review.said)
        try:
            self._review.decide(verb, self._page, words)
        except PipelineError:
            self._turned()  # as things are now
            raise
        failed = [one for one in self._review.said[before:] if one.startswith("not recorded")]
        self._turned()
        self._message = " ".join(failed)

    def _ask(self, question: str) -> str | None:
        self._draw()
        return ask(self._terminal, question, above=self._shown)

    def approve(self) -> None:
        """Hold an approval of this page."""
        self._decide(Verb.APPROVE)

    def request_changes(self) -> None:
        """Ask what should be different, in a line or in an editor."""
        self._require(Verb.CHANGES)
        words = self._ask("What should be different? (Enter alone: $EDITOR; Esc: not after all)")
        if words == "":
            words = edited(self._terminal)
        self._decide_with(Verb.CHANGES, words)

    def reject(self) -> None:
        """Ask for the reason."""
        self._require(Verb.REJECT)
        self._decide_with(Verb.REJECT, self._ask("Why not? It is kept. (Esc: not after all)"))

    def defer(self) -> None:
        """Hold a deferral of this page."""
        self._decide(Verb.DEFER)

    def answer(self) -> None:
        """Ask the planner's questions, one by one."""
        self._require(Verb.ANSWER)
        assert self._page is not None
        questions, answers = self._page.questions, []
        for number, question in enumerate(questions, start=1):
            head = f"Question {number} of {len(questions)}: {clean(question, one_line=True)}"
            said = self._ask(f"{head} (Enter alone: no answer; Esc: not after all)")
            if said is None:
                self._decide_with(Verb.ANSWER, None)
                return
            answers.append(said)
        self._decide_with(Verb.ANSWER, with_questions(questions, answers))

    def undo(self) -> None:
        """Take back what is held."""
        held = self._review.undo()
        if held is None:
            raise PipelineError("there is no decision to take back: recorded ones stay")
        self._turned()
        self._message = f"taken back: {held.verb} {held.page.record.key}; nothing was recorded"

    def skip(self) -> None:
        """Go on without a decision."""
        if self._page is not None:
            self._review.turn(1)
            self._turned()

    def back(self) -> None:
        """Go to the page before."""
        self._review.turn(-1)
        self._turned()

    def issue(self) -> None:
        """Look at the issue."""
        if self._page is None:
            raise PipelineError("no plan is shown here; p goes back, q quits")
        if self._page.issue is None:
            raise PipelineError("there is no such issue in the backlog")
        self._side = list(issue_blocks(self._page.issue))
        self._look()

    def help(self) -> None:
        """Look at the keys."""
        self._side = [
            Block("Keys", style="title"),
            Block(""),
            *(Block(line, "", "         ") for line in HELP.split("\n")),
            *(Block(line) for line in ABOUT),
        ]
        self._look()

    def scroll(self, pages: float = 0, lines: int = 0) -> None:
        """Move the text; a page keeps two lines of what was seen."""
        self._view.scroll(lines or int(pages * max(self._view.height - 2, 1)))

    def top(self) -> None:
        """Go to the first line."""
        self._view.top = 0

    def end(self) -> None:
        """Go to the last line."""
        self._view.to_end()

    def quit(self) -> None:
        """Leave; what is held is recorded."""
        self._going = False

    def _require(self, verb: Verb) -> None:
        """Raise before words are asked for that could not be used."""
        if self._page is None:
            raise PipelineError("there is nothing left to decide; p goes back, q quits")
        self._review.require(verb, self._page)

    def _decide_with(self, verb: Verb, words: str | None) -> None:
        if not words or not words.strip():
            self._message = f"nothing said, so nothing is {DONE[verb]}"
            return
        self._decide(verb, words)


KEYS: dict[str, Callable[[Walker], None]] = {
    "a": Walker.approve,
    "c": Walker.request_changes,
    "r": Walker.reject,
    "d": Walker.defer,
    "w": Walker.answer,
    "u": Walker.undo,
    "s": Walker.skip,
    "n": Walker.skip,
    "right": Walker.skip,
    "p": Walker.back,
    "left": Walker.back,
    "i": Walker.issue,
    "?": Walker.help,
    "j": lambda walker: walker.scroll(lines=1),
    "down": lambda walker: walker.scroll(lines=1),
    "enter": lambda walker: walker.scroll(lines=1),
    "k": lambda walker: walker.scroll(lines=-1),
    "up": lambda walker: walker.scroll(lines=-1),
    "space": lambda walker: walker.scroll(pages=1),
    "pagedown": lambda walker: walker.scroll(pages=1),
    "b": lambda walker: walker.scroll(pages=-1),
    "pageup": lambda walker: walker.scroll(pages=-1),
    "g": Walker.top,
    "home": Walker.top,
    "G": Walker.end,
    "end": Walker.end,
    "q": Walker.quit,
    "eof": Walker.quit,
}


def edited(terminal: Terminal) -> str:
    """Return what a person wrote in their editor; lines that begin with `#` do not count."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changes.txt"
        path.write_text("\n# What should be different? Lines that begin with # do not count.\n")
        terminal.suspend()
        try:
            open_editor(path)
        finally:
            terminal.resume()
        lines = path.read_text(errors="replace").splitlines()
    return "\n".join(line for line in lines if not line.startswith("#")).strip()


def _held(review: Review) -> str:
    held = review.held
    return f"{held.verb} {held.page.record.key}" if held else ""
