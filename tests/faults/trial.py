"""Three issues through one agent with one trouble on the way, and everything that has to hold."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

from pipeline.agents.tools.wire import SubmitResult
from pipeline.agents.turn import TurnOutcome
from pipeline.app.patience import Patience
from pipeline.errors import AuthProblem, Overloaded, ProviderError, QuotaPause
from pipeline.rehearsal.faults import Fault, Faults
from pipeline.rehearsal.script import CallSpec, ReplySpec, Script
from pipeline.rehearsal.scripting import finish_task, read, submit_result
from pipeline.rehearsal.server import StandIn
from pipeline.rehearsal.view import RequestView
from tests.agents.crew import Crew, crew
from tests.faults.clocks import Skipping, VirtualTime
from tests.faults.matrix import Cell, Verdict

LARGE = "x" * 10_000_000
SILENCE_S = 30
SENT_S = 0.1
"""Until then whatever is sent before a silence has arrived; a slower machine only waits longer."""
HALF = '{"path": "a.'
ISSUES = ("ISS-1", "ISS-2", "ISS-3")

LOOK = ReplySpec(
    thinking="Where is it?",
    text="I look.",
    tool_calls=(read("a.txt"), finish_task("T1", "{issue_id}")),
)
SUBMIT = ReplySpec(thinking="That was it.", text="Done.", tool_calls=(submit_result(),))


def script(cell: Cell) -> Script:
    """Return the script of the three turns, with the trouble that is in an answer itself."""
    victim = cell.place
    spoil = [SPOILED[cell.trouble]] if cell.trouble in SPOILED else []

    def reply(view: RequestView) -> ReplySpec:
        summed_up = any("your own summary" in text for text in view.earlier)
        said = LOOK if view.call == 0 and not summed_up else SUBMIT
        met = (view.request_id, view.call) == (f"{victim.issue}.1", victim.call)
        return spoil.pop()(said, cell) if met and spoil else said

    return Script.from_function(reply)


def _malformed(said: ReplySpec, cell: Cell) -> ReplySpec:
    broken = 1 if cell.moment == "between tools" else 0
    return _with_arguments(said, broken, HALF)


def _wrong_id(said: ReplySpec, cell: Cell) -> ReplySpec:
    return said.model_copy(update={"tool_calls": (submit_result(request_id="ISS-1.1"),)})


def _large(said: ReplySpec, cell: Cell) -> ReplySpec:
    if cell.moment in ("in thinking", "in text"):
        return said.model_copy(update={cell.moment.removeprefix("in "): LARGE})
    if cell.moment == "between tools":
        return _with_arguments(said, 1, f'{{"task_id": "T1", "summary": "{LARGE}"}}')
    if cell.moment == "in tool arguments":
        return _with_arguments(said, 0, f'{{"path": "{LARGE}"}}')
    if cell.moment == "after the final tool":
        return said.model_copy(update={"tool_calls": (submit_result(summary=LARGE),)})
    return said.model_copy(update={"text": LARGE})


def _with_arguments(said: ReplySpec, index: int, raw: str) -> ReplySpec:
    calls: list[CallSpec] = list(said.tool_calls)
    calls[index] = calls[index].model_copy(update={"raw_arguments": raw})
    return said.model_copy(update={"tool_calls": tuple(calls)})


SPOILED = {
    "malformed JSON in arguments": _malformed,
    "wrong request id": _wrong_id,
    "10 MB answer": _large,
}
"""Troubles that are in an answer itself."""


def expected(cell: Cell) -> tuple[int, int]:
    """Return how many requests of the victim's turn arrive, and how often its task is finished."""
    late = cell.place.call
    if cell.trouble == "malformed JSON in arguments":
        return {"in tool arguments": (2, 1), "between tools": (2, 0)}.get(cell.moment, (3, 1))
    by_verdict: dict[Verdict, tuple[int, int]] = {
        Verdict.RETRIED: (3 - (cell.moment == "before connect"), 1),
        Verdict.WAITED: (3, 1),
        Verdict.PAUSED: (1 + late, late),
        Verdict.ENDED: (1 + late, late),
        Verdict.FAILED: (1 + late, late),
        Verdict.SUMMED_UP: (4, 1),
        Verdict.IGNORED: (2, 1),
        Verdict.STOPPED: (3, 1) if cell.leaves_nothing else (2 + late, late),
        Verdict.MENDED: (3, 1),
    }
    return by_verdict[cell.verdict]


ENDS = {Verdict.PAUSED: QuotaPause, Verdict.ENDED: (AuthProblem, Overloaded)}
"""What a turn is ended with."""


@dataclass
class Night:
    """The three issues, what came of each of their turns, and what ended one."""

    cell: Cell
    crew: Crew
    outcomes: dict[str, TurnOutcome] = field(default_factory=dict)
    ended: Exception | None = None

    def work(self) -> None:
        """Do what a run does, and what the next one does for the issue that met the trouble."""
        for issue in ISSUES:
            if (issue, self.cell.moment) == (self.cell.place.issue, "before connect"):
                self.crew.server.refuse_connections(1)
            outcome = self._turn(f"{issue}.1")
            if outcome is None or outcome.status != "answered":
                self._turn(f"{issue}.2")

    def _turn(self, request_id: str) -> TurnOutcome | None:
        try:
            outcome = self.crew.turn(request_id)
        except ENDS.get(self.cell.verdict, ()) as error:
            self.ended = error
            return None
        self.outcomes[request_id] = outcome
        return outcome


def run_cell(cell: Cell, folder: Path) -> None:
    """Let the trouble happen, then assert all that has to hold."""
    time, patience, clock = VirtualTime(), [], Skipping()
    faults = Faults([cell.fault] if cell.fault else [])
    timers: list[Timer] = []

    def weather(view: RequestView) -> Fault | None:
        fault = faults.take(view)
        if fault and cell.trouble == "timeout":
            timers.append(Timer(SENT_S, clock.skip, [SILENCE_S]))
            timers[-1].start()
        return fault

    def wait(error: ProviderError) -> None:
        patience[0](error, lambda: False)

    with (
        StandIn(script(cell), faults=weather, bounded=False) as server,
        crew(folder, server, cell.vendor, silence_s=SILENCE_S, clock=clock, on_quota=wait) as one,
    ):
        allowed_s = 3 * 3600 if cell.verdict is Verdict.WAITED else 0
        book, bus = one.book, one.bus
        patience.append(Patience(cell.vendor, allowed_s, book, bus, time.timing))
        night = Night(cell, one)
        night.work()
    for timer in timers:
        timer.join()
    check(night, time)


def check(night: Night, time: VirtualTime) -> None:
    """Assert that nothing is lost, misbooked, run or retried that must not be."""
    cell, one = night.cell, night.crew
    victim, requests = f"{cell.place.issue}.1", one.server.requests
    again = cell.verdict in (Verdict.PAUSED, Verdict.ENDED, Verdict.FAILED)

    # no issue lost, no answer booked to another issue
    assert (night.ended is not None) == (cell.verdict in ENDS), night.ended
    answered = {key: one for key, one in night.outcomes.items() if one.status == "answered"}
    wanted = {f"{issue}.1" for issue in ISSUES} - ({victim} if again else set())
    assert set(answered) == wanted | ({f"{cell.place.issue}.2"} if again else set())
    for key, outcome in answered.items():
        assert isinstance(outcome.answer, SubmitResult)
        assert outcome.answer.request_id == key
        assert outcome.answer.summary == f"Did what the plan of {key.partition('.')[0]} says."
    if cell.verdict is Verdict.FAILED:
        assert night.outcomes[victim].status == "failed"
    settled = [line for line in one.agent.ledger if line.endswith("answered")]
    assert settled == [f"{issue}: answered" for issue in ISSUES]

    # no retry where the table forbids one, no tool of a stopped answer run, none run twice
    arrived = Counter(request.request_id for request in requests)
    finished = Counter(summary for _, summary in one.desk.finished)
    calls, tools = expected(cell)
    assert arrived[victim] == calls, arrived
    assert finished[cell.place.issue] == tools + again, finished
    others = [issue for issue in ISSUES if issue != cell.place.issue]
    assert [(arrived[f"{o}.1"], finished[o]) for o in others] == [(2, 1), (2, 1)]
    assert len(one.waits) == (cell.verdict in (Verdict.WAITED, Verdict.PAUSED)) + (
        isinstance(night.ended, Overloaded)
    )
    assert (time.slept_s > 7000) == (cell.verdict is Verdict.WAITED)

    # the vendor took everything that was sent, and the books are whole
    assert {request.status for request in requests if request.fault != "status"} == {200}
    assert len({request.head_sha256 for request in requests if request.head_sha256}) == 1
    assert len(one.journal("call_begun")) == len(one.journal("call_settled"))
    assert one.journal("tool_begun") == [] or len(one.journal("tool_begun")) == len(
        one.journal("tool_done")
    )
