"""Events folded into what is happening now: which turns are open, and what is done in them.

A listener on the bus of the process that works. What it holds goes into a file, and both the live
view of that process and `pipeline status` of another one read it there.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from pipeline import events as e
from pipeline.domain.base import iso
from pipeline.plans.sanitize import clean
from pipeline.store.now import Now, Pause, Turn
from pipeline.store.redaction import Redaction

PLANNER, EXECUTOR = "planner", "executor"
LONGEST = 200
"""Characters of a title or of what is done."""

WORDS: dict[str, str] = {
    "apply_patch": "patches",
    "edit_file": "edits",
    "finish_task": "finishes",
    "list_files": "lists",
    "needs_clarification": "asks you:",
    "read_file": "reads",
    "run_command": "runs",
    "search": "searches for",
    "submit_result": "hands in its work:",
    "submit_solution": "hands in the plan:",
    "write_file": "writes",
}
"""Tool -> what the agent does with it; a test holds it complete."""

STAGES: dict[str, str] = {
    "baseline": "tests of the untouched base",
    "task": "tests of the task",
    "acceptance": "acceptance of the change",
    "suite": "all tests on the change",
}
"""Stage of a command that the pipeline runs -> what that is."""


class Happening:
    """Holds what is happening; hands it to `tell` after each event that changes it."""

    def __init__(
        self,
        first: Now,
        tell: Callable[[Now], None],
        clock: Callable[[], datetime],
        redaction: Redaction | None = None,
    ) -> None:
        self.now = first
        self._tell = tell
        self._clock = clock
        self._redaction = redaction or Redaction()

    def __call__(self, event: e.Event) -> None:
        """Take one event in."""
        fold = FOLDS.get(type(event))
        if fold is None:
            return
        before = self.now
        fold(self, event)
        if self.now != before:
            self._tell(self.now)

    def _said(self, text: str) -> str:
        return clean(self._redaction(text[: 4 * LONGEST]), one_line=True)[:LONGEST]

    def _moment(self) -> str:
        return iso(self._clock())

    def _open(self, role: str, turn: Turn) -> None:
        self.now = replace(self.now, turns={**self.now.turns, role: turn}, doing="", pause=None)

    def _close(self, role: str) -> None:
        turns = {name: turn for name, turn in self.now.turns.items() if name != role}
        self.now = replace(self.now, turns=turns, doing="", pause=None)

    def _do(self, role: str, doing: str, **changes: object) -> None:
        """Note what is done in a role's turn, or outside of all turns when it has none."""
        turn, said, at = self.now.turns.get(role), self._said(doing), self._moment()
        if turn is None:
            self.now = replace(self.now, doing=said, since=at, pause=None)
            return
        new = replace(turn, doing=said, since=at, **changes)  # type: ignore[arg-type]
        self.now = replace(self.now, turns={**self.now.turns, role: new}, pause=None)

    def _planning(self, event: e.PlanningStarted) -> None:
        title = self._said(event.title)
        self._open(PLANNER, Turn(event.issue_id, title, self._moment(), event.attempt))

    def _attempt(self, event: e.AttemptStarted) -> None:
        turn = Turn(
            event.issue_id,
            self._said(event.title),
            self._moment(),
            event.attempt,
            event.solution_id,
            tuple(map(self._said, event.tasks)),
        )
        self._open(EXECUTOR, turn)

    def _asking(self, event: e.Asking) -> None:
        self._do(event.role, "thinks", call=event.call)

    def _tool(self, event: e.ToolStarted) -> None:
        if event.tool not in WORDS:
            return
        what = event.summary
        if event.tool == "finish_task":
            what = what.partition(" ")[0]
        self._do(event.role, f"{WORDS[event.tool]} {what}")

    def _called(self, event: e.ToolCalled) -> None:
        turn = self.now.turns.get(event.role)
        if event.tool != "finish_task" or event.is_error or turn is None:
            return
        finished = (*turn.finished, event.summary.partition(" ")[0])
        new = replace(turn, finished=finished)
        self.now = replace(self.now, turns={**self.now.turns, event.role: new})

    def _command(self, event: e.CommandStarted) -> None:
        stage = STAGES[event.stage]
        what = f"{stage} {event.task_id}" if event.task_id else stage
        self._do(EXECUTOR, f"{what}: {event.command}")

    def _planned(self, _event: e.Event) -> None:
        self._close(PLANNER)

    def _executed(self, _event: e.Event) -> None:
        self._close(EXECUTOR)

    def _quota(self, event: e.QuotaPaused) -> None:
        until = iso(event.until) if event.until else None
        self._pause(Pause("quota", event.provider, self._moment(), until))

    def _outage(self, event: e.OutagePaused) -> None:
        until = iso(self._clock() + timedelta(seconds=event.wait_s))
        reason = self._said(event.reason)
        self._pause(Pause("outage", event.provider, self._moment(), until, reason))

    def _pause(self, pause: Pause) -> None:
        self.now = replace(self.now, pause=pause)

    def _goes_on(self, _event: e.Event) -> None:
        self.now = replace(self.now, pause=None)


FOLDS: dict[type[e.Event], Callable[..., None]] = {
    e.PlanningStarted: Happening._planning,
    e.PlanRecorded: Happening._planned,
    e.PlanningFailed: Happening._planned,
    e.ClarificationNeeded: Happening._planned,
    e.AttemptStarted: Happening._attempt,
    e.Landed: Happening._executed,
    e.AttemptFailed: Happening._executed,
    e.Asking: Happening._asking,
    e.ToolStarted: Happening._tool,
    e.ToolCalled: Happening._called,
    e.CommandStarted: Happening._command,
    e.QuotaPaused: Happening._quota,
    e.QuotaOver: Happening._goes_on,
    e.OutagePaused: Happening._outage,
}
"""Event -> what it changes; every other one changes nothing that is under way."""
