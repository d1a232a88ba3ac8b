"""One agent over a real SDK and the stand-in, with a book, a purse and a desk, for many turns."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from pipeline.agents.agent import Agent, TurnOutcome, TurnRequest
from pipeline.agents.limits import TurnLimits
from pipeline.agents.messages import StopSignal
from pipeline.agents.prompts import Prompts
from pipeline.agents.providers.registry import make_provider
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.agents.roles import BY_PATCH, BY_TEXT, EXECUTOR, make_head
from pipeline.domain.results import Usage
from pipeline.errors import ProviderError
from pipeline.events import EventBus
from pipeline.rehearsal.server import StandIn
from pipeline.safety.budget import Purse
from pipeline.settings import AgentSettings, BudgetSettings
from pipeline.settings import Provider as ProviderName
from pipeline.store.book import Book
from pipeline.store.transcripts import Transcript
from tests.agents.boxes import Desk
from tests.agents.providers.asking import MODELS, SUFFIX
from tests.store.builders import open_book


@dataclass
class Crew:
    """An executor, what it works with, and what came of its turns."""

    folder: Path
    server: StandIn
    agent: Agent
    desk: Desk
    book: Book
    bus: EventBus
    waits: list[ProviderError] = field(default_factory=list)

    def turn(self, request_id: str, minutes: float = 10) -> TurnOutcome:
        """Make one turn; one that was answered is settled."""
        issue_id = request_id.rpartition(".")[0]
        text = f"request_id: {request_id}\n\nDo it."
        box = self.desk.executor(request_id)
        turn_id = self.agent.send_input(TurnRequest(request_id, issue_id, text, box, minutes))
        outcome = self.agent.wait(turn_id)
        self.agent.settle(turn_id, f"{issue_id}: {outcome.status}")
        return outcome

    def journal(self, kind: str) -> list[dict[str, Any]]:
        """Return the journal's entries of one kind."""
        lines = (self.folder / "repo/.workflow/journal.jsonl").read_bytes().splitlines()
        entries = [orjson.loads(line) for line in lines]
        return [entry["data"] for entry in entries if entry["kind"] == kind]


@contextmanager
def crew(
    folder: Path,
    server: StandIn,
    vendor: ProviderName,
    *,
    fallback: str = "",
    retries: int = 2,
    silence_s: float = 30,
    clock: Callable[[], float] = time.monotonic,
    on_quota: Callable[[ProviderError], None] | None = None,
    caps: BudgetSettings | None = None,
    edit_tools: tuple[str, ...] | None = None,
    sleep: Callable[[float], None] = lambda _: None,
) -> Iterator[Crew]:
    """Spawn an executor at `vendor`; its retries do not wait."""
    desk = Desk(folder / "desk").write({"a.txt": "one\n"})
    (folder / "repo").mkdir()
    settings = AgentSettings(
        provider=vendor,
        model=MODELS[vendor],
        fallback_model=fallback,
        base_url=server.url + SUFFIX[vendor],
    )
    waits: list[ProviderError] = []

    def wait(error: ProviderError, stop: StopSignal) -> None:
        waits.append(error)
        if on_quota is not None:
            on_quota(error)

    book, bus = open_book(folder / "repo"), EventBus([desk.events.append])
    policy = RetryPolicy(retries=retries, sleep=sleep, now=lambda: datetime.now(UTC))
    tools = edit_tools or (BY_PATCH if vendor == "openai" else BY_TEXT)
    agent = Agent(
        EXECUTOR,
        make_provider(settings, {}, role="executor", rehearsal=True, policy=policy),
        make_head(EXECUTOR, Prompts(), "The project.\n", has_shell=True, edit_tools=tools),
        book=book,
        purse=Purse(caps or BudgetSettings(), Usage(), time.monotonic()),
        bus=bus,
        clock=clock,
        limits=TurnLimits(silence_s=silence_s),
        transcript=Transcript(folder / "transcript.jsonl"),
        on_quota=wait,
        stop=lambda: False,
        cache_key="run-1-executor",
    )
    try:
        yield Crew(folder, server, agent, desk, book, bus, waits)
    finally:
        agent.close()
