"""An executor with a scripted provider, a real book, a real purse and a real workspace."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import events
from pipeline.agents.agent import Agent, TurnRequest
from pipeline.agents.limits import TurnLimits
from pipeline.agents.messages import (
    Head,
    StopSignal,
)
from pipeline.agents.prompts import Prompts
from pipeline.agents.roles import EXECUTOR, make_head
from pipeline.agents.toolbox import Toolbox
from pipeline.domain.results import Usage
from pipeline.errors import (
    ProviderError,
    QuotaReached,
)
from pipeline.safety.budget import Purse
from pipeline.settings import BudgetSettings, History
from pipeline.store.book import Book
from pipeline.store.transcripts import Transcript
from tests.agents.boxes import Desk, result_arguments
from tests.agents.scripted import Move, Scripted
from tests.store.builders import open_book

SUBMIT = ("submit_result", result_arguments())
READ = ("read_file", {"path": "a.txt", "start_line": None, "end_line": None})
WRITE = ("write_file", {"path": "b.txt", "content": "b"})


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def waits_for_quotas_alone(error: ProviderError, stop: StopSignal) -> None:
    """Let a quota pass at once, and nothing else."""
    if not isinstance(error, QuotaReached):
        raise error


@dataclass
class Scene:
    """An executor with a scripted provider, a real book, a real purse, a real workspace."""

    folder: Path
    limits: TurnLimits = field(default_factory=TurnLimits)
    caps: BudgetSettings = field(default_factory=BudgetSettings)
    ledger: tuple[str, ...] = ()
    memory: str = ""
    history: History = "ledger"
    clock: Clock = field(default_factory=Clock)
    stopped: bool = False
    on_quota: Callable[[ProviderError, StopSignal], None] = waits_for_quotas_alone

    def __post_init__(self) -> None:
        self.desk = Desk(self.folder / "desk").write({"a.txt": "hello\n"})
        self.provider = Scripted()
        self.heard: list[events.Event] = []
        (self.folder / "repo").mkdir()
        self.book: Book = open_book(self.folder / "repo")
        self.purse = Purse(self.caps, Usage(), self.clock(), self.clock)
        self.transcript = self.folder / "transcript.jsonl"
        self.agent = Agent(
            EXECUTOR,
            self.provider,
            self.head,
            book=self.book,
            purse=self.purse,
            bus=events.EventBus([self.heard.append]),
            clock=self.clock,
            limits=self.limits,
            transcript=Transcript(self.transcript),
            on_quota=lambda error, stop: self.on_quota(error, stop),
            stop=lambda: self.stopped,
            cache_key="key",
            memory=self.memory,
            ledger=self.ledger,
            history=self.history,
        )

    @property
    def head(self) -> Head:
        return make_head(EXECUTOR, Prompts(), "the project", has_shell=True)

    def send(self, toolbox: Toolbox | None = None, minutes: float = 60) -> str:
        text = "request_id: ISS-1.1\n\nDo it."
        box = toolbox or self.desk.executor()
        return self.agent.send_input(TurnRequest("ISS-1.1", "ISS-1", text, box, minutes))

    def play(self, *moves: Move) -> str:
        self.provider.moves += moves
        return self.send()

    def journal(self) -> list[str]:
        return [line.kind for line in self.book.journal.lines()]

    def last_turn(self) -> tuple[object, ...]:
        return self.provider.requests[-1].turn
