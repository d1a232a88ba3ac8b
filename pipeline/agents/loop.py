"""The loop of a turn: ask the model, run the tools it asked for, until an answer is accepted.

reply.next_step    run_tools   run each call in order, the turn's final tools last
                   resume      send the same conversation again
                   stop        no answer: one reminder, then the turn has failed
                   truncated   cut off: said once; tool calls of a stopped reply never run
                   refused     the turn has failed
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from pydantic import JsonValue

from pipeline.agents.calls import Caller
from pipeline.agents.compaction import Compactor, Outcome
from pipeline.agents.fence import shown_as_data
from pipeline.agents.limits import TurnLimits
from pipeline.agents.messages import (
    NextStep,
    Reply,
    Results,
    Said,
    StopSignal,
    ToolCall,
    ToolResult,
)
from pipeline.agents.prompts import Reminders
from pipeline.agents.stuck import repeated, step_of
from pipeline.agents.toolbox import Answered, CountsAs, Leash, Returned
from pipeline.agents.turn import Ending, Turn
from pipeline.errors import ContextOverflow, TurnTimedOut
from pipeline.store import entries
from pipeline.store.book import Book
from pipeline.store.transcripts import Transcript

LAST_CALLS = 5
"""From here on the agent is told how many calls are left."""


class Loop:
    """Drives the turns of one agent."""

    def __init__(
        self,
        role: str,
        caller: Caller,
        compactor: Compactor,
        *,
        book: Book,
        clock: Callable[[], float],
        limits: TurnLimits,
        transcript: Transcript,
        reminders: Reminders,
        stop: StopSignal,
    ) -> None:
        self._role = role
        self._caller = caller
        self._compactor = compactor
        self._book = book
        self._clock = clock
        self._limits = limits
        self._transcript = transcript
        self._reminders = reminders
        self._stop = stop

    def run(self, turn: Turn) -> Ending:
        """Drive `turn` to its ending; what no model can mend passes through as an exception."""
        self._note(turn, "request", text=turn.request.text)
        try:
            while True:
                ending = self._step(turn)
                if ending is not None:
                    return ending
        except TurnTimedOut as error:
            return Ending("timed_out", reason=str(error))
        except ContextOverflow as error:
            return Ending("failed", reason=f"the turn outgrew the model's window: {error}")

    def note_end(self, turn: Turn, status: str, reason: str) -> None:
        """Write down how a turn ended; it may never have begun."""
        self._note(turn, "ended", status=status, reason=storable(reason))

    def _step(self, turn: Turn) -> Ending | None:
        turn.check(self._clock, self._stop)
        if turn.calls >= self._limits.calls:
            return Ending("failed", reason=f"no answer after {turn.calls} model calls")
        reply = self._ask(turn)
        turn.items.append(reply)
        self._note(
            turn,
            "reply",
            text=storable(reply.text),
            next_step=reply.next_step.value,
            calls=[[call.id, call.name, storable(call.arguments)] for call in reply.tool_calls],
            response_id=reply.response_id,
            **_late(turn),
        )
        return _NEXT[reply.next_step](self, turn, reply)

    def _ask(self, turn: Turn) -> Reply:
        """Ask the model; a turn that has grown too long is shortened before, or when it must be."""
        self._note_shortened(turn, self._compactor.before_call(turn))
        try:
            return self._caller.ask(turn)
        except ContextOverflow as error:
            outcome = self._compactor.after_overflow(turn, error)
            self._note_shortened(turn, outcome)
            if outcome is None or outcome.how == "failed":
                raise
            return self._caller.ask(turn)
        finally:
            for fell in turn.falls:
                self._note(turn, "cache_fell", **asdict(fell))
            turn.falls.clear()

    def _note_shortened(self, turn: Turn, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._note(turn, "compacted", **asdict(outcome))

    def _run_tools(self, turn: Turn, reply: Reply) -> Ending | None:
        if not reply.tool_calls:
            return self._no_answer(turn, reply)
        is_final = turn.request.toolbox.is_final
        results: dict[str, ToolResult] = {}
        for call in sorted(reply.tool_calls, key=lambda call: is_final(call.name)):
            turn.check(self._clock, self._stop)
            came_to = self._run_tool(turn, call)
            if isinstance(came_to, Answered):
                turn.items.append(Results(_closed(reply, results, call)))
                return Ending("answered", came_to.value)
            if isinstance(came_to, Returned):
                ending = self._count(turn, came_to.counts_as, came_to.result.text)
                if ending is not None:
                    return ending
                came_to = came_to.result
            data = shown_as_data(came_to.text, nonce=turn.nonce)
            results[call.id] = replace(came_to, text=data)
        ordered = [results[call.id] for call in reply.tool_calls]
        turn.steps.append(step_of(reply, ordered))
        nudge = self._nudge(turn)
        if isinstance(nudge, Ending):
            return nudge
        turn.items.append(Results(self._with_more(turn, ordered, nudge)))
        return None

    def _run_tool(self, turn: Turn, call: ToolCall) -> ToolResult | Returned | Answered:
        toolbox = turn.request.toolbox
        request_id = turn.request.request_id
        leash = Leash(lambda: max(0.0, turn.deadline - self._clock()), self._stop)
        effects = toolbox.has_effects(call.name)
        if effects:
            self._book.record(
                entries.ToolBegun(
                    role=self._role, request_id=request_id, call_id=call.id, tool=call.name
                )
            )
        came_to = toolbox.call(call, leash)
        is_error, text = _seen(came_to)
        if effects:
            self._book.record(
                entries.ToolDone(
                    role=self._role, request_id=request_id, call_id=call.id, is_error=is_error
                )
            )
        self._note(
            turn,
            "tool",
            call_id=call.id,
            tool=call.name,
            is_error=is_error,
            text=text,
            **_late(turn),
        )
        return came_to

    def _no_answer(self, turn: Turn, reply: Reply) -> Ending | None:
        if turn.reminded:
            return Ending("failed", reason="the agent stopped twice without an answer")
        turn.reminded = True
        return self._remind(turn, reply, self._reminders.no_answer(*_names(turn)))

    def _cut_off(self, turn: Turn, reply: Reply) -> Ending | None:
        if turn.truncated:
            return Ending("failed", reason="the agent's reply was cut off twice at its limit")
        turn.truncated = True
        return self._remind(turn, reply, self._reminders.cut_off(*_names(turn)))

    def _refused(self, turn: Turn, reply: Reply) -> Ending | None:
        said = " ".join(reply.text.split())[:200] or "no reason given"
        return Ending("failed", reason=f"the model refused the request: {said}")

    def _resume(self, turn: Turn, reply: Reply) -> Ending | None:
        turn.steps.append(step_of(reply))
        nudge = self._nudge(turn)
        if isinstance(nudge, str):
            turn.items.append(Said(nudge))
            return None
        return nudge

    def _nudge(self, turn: Turn) -> str | Ending | None:
        """Return what to say to an agent that goes in circles; said once, then the turn ends."""
        what = repeated(turn.steps)
        if what is None:
            return None
        if turn.nudged:
            return Ending("stuck", reason=f"the agent went in circles, and was told: {what}")
        turn.nudged = True
        turn.steps.clear()
        text = self._reminders.stuck(*_names(turn), what)
        self._note(turn, "reminder", text=text)
        return text

    def _remind(self, turn: Turn, reply: Reply, text: str) -> Ending | None:
        """Say `text` inside the turn; vendors want every tool call of the reply answered."""
        self._note(turn, "reminder", text=text)
        not_run = tuple(
            ToolResult(call.id, f"not run. {text}", is_error=True) for call in reply.tool_calls
        )
        turn.items.append(Results(not_run) if not_run else Said(text))
        return self._count(turn, "answer", text)

    def _count(self, turn: Turn, counts_as: CountsAs, why: str) -> Ending | None:
        """Count what goes back to the agent; past the limit the turn has failed."""
        most = {"answer": self._limits.answer_errors, "repair": self._limits.repair_rounds}
        turn.refusals[counts_as] += 1
        if turn.refusals[counts_as] <= most[counts_as]:
            return None
        last = " ".join(why.split())[:300]
        return Ending("failed", reason=_TOO_OFTEN[counts_as].format(most[counts_as], last))

    def _with_more(
        self, turn: Turn, results: list[ToolResult], nudge: str | None
    ) -> tuple[ToolResult, ...]:
        """Return the results; the last one ends with what the pipeline has to say, if anything."""
        more = [] if nudge is None else [nudge]
        left = self._limits.calls - turn.calls
        if left <= LAST_CALLS:
            more.append(self._reminders.calls_left(*_names(turn), left))
        last = results[-1]
        text = "\n\n".join([last.text, *more])
        return (*results[:-1], ToolResult(last.call_id, text, last.is_error))

    def _note(self, turn: Turn, kind: str, **fields: JsonValue) -> None:
        self._transcript.note(
            kind, role=self._role, turn=turn.id, request_id=turn.request.request_id, **fields
        )


_NEXT: dict[NextStep, Callable[[Loop, Turn, Reply], Ending | None]] = {
    NextStep.RUN_TOOLS: Loop._run_tools,
    NextStep.RESUME: Loop._resume,
    NextStep.STOP: Loop._no_answer,
    NextStep.TRUNCATED: Loop._cut_off,
    NextStep.REFUSED: Loop._refused,
}

_TOO_OFTEN: dict[CountsAs, str] = {
    "answer": "the answer was still wrong after {} corrections; the last: {}",
    "repair": "the verification still failed after {} repairs; the last: {}",
}


def _closed(
    reply: Reply, results: Mapping[str, ToolResult], final: ToolCall
) -> tuple[ToolResult, ...]:
    """Return a result for every call of the reply that `final` answered the turn with."""
    accepted = ToolResult(final.id, "accepted")
    return tuple(
        results.get(call.id, ToolResult(call.id, "not run: the turn had its answer"))
        if call.id != final.id
        else accepted
        for call in reply.tool_calls
    )


def storable(text: str) -> str:
    """Return `text` without the lone surrogates that a model's JSON may hold."""
    return text.encode("utf-8", "replace").decode()


def _late(turn: Turn) -> dict[str, JsonValue]:
    """Return the mark of what came after its turn was interrupted: noted, and nothing else."""
    return {"late": True} if turn.interrupted.is_set() else {}


def _names(turn: Turn) -> tuple[str, tuple[str, ...]]:
    return turn.request.request_id, turn.request.toolbox.final_tools


def _seen(came_to: ToolResult | Returned | Answered) -> tuple[bool, str]:
    """Return whether a call came to an error, and its text."""
    if isinstance(came_to, Answered):
        return False, "accepted"
    if isinstance(came_to, Returned):
        return True, came_to.result.text
    return came_to.is_error, came_to.text
