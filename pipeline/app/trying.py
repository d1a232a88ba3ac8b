"""Whether the vendors answer: one call with the smallest answer there is, paid for like any other.

It is journaled and counts against the day's caps and the open run's, so it needs a `.workflow/`.
"""

import os
import time
from collections.abc import Iterator

from pipeline.agents.messages import CallLimits, Head, ModelRequest, Provider, Said
from pipeline.agents.payment import Payment
from pipeline.agents.providers.calling import utc_now
from pipeline.agents.providers.registry import make_provider
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.app.books import open_book
from pipeline.app.check import Check
from pipeline.app.project import Project
from pipeline.app.purse import open_purse
from pipeline.domain.results import Usage
from pipeline.errors import PipelineError
from pipeline.events import EventBus
from pipeline.settings import AgentRole, AgentSettings
from pipeline.settings import Provider as ProviderName
from pipeline.store.book import Book

SAY = "Say OK."
INPUT_TOKENS = 200
"""More than any vendor counts for these words."""
SMALLEST: dict[ProviderName, int] = {"anthropic": 1, "openai": 16, "openai-chat": 16}
"""Output tokens; OpenAI refuses less than 16 (its API reference, `max_output_tokens`)."""
SECONDS = 30.0
NO_RETRIES = RetryPolicy(retries=0, sleep=time.sleep, now=utc_now)


def try_vendors(project: Project) -> Iterator[Check]:
    """Call each model that an agent is configured with once; a refusal is a check that fails."""
    if not project.places.issues_file.parent.is_dir():
        yield Check("online", False, "not tried: what it costs could not be kept", "pipeline init")
        return
    book = open_book(project, EventBus())
    roles: dict[AgentRole, AgentSettings] = {
        "planner": project.settings.planner,
        "executor": project.settings.executor,
    }
    seen: dict[tuple[str, str, str | None], AgentRole] = {}
    for role, agent in roles.items():
        if seen.setdefault((agent.provider, agent.model, agent.base_url), role) == role:
            yield _try(project, book, role, agent)


def _try(project: Project, book: Book, role: AgentRole, agent: AgentSettings) -> Check:
    name = f"{role} online"
    began = time.monotonic()
    try:
        provider = make_provider(
            agent,
            os.environ,
            role=role,
            rehearsal=project.settings.rehearsal,
            policy=NO_RETRIES,
        )
        try:
            usage = _call(project, book, provider, role, SMALLEST[agent.provider])
        finally:
            provider.close()
    except PipelineError as error:
        return Check(name, False, f"{agent.model} at {agent.provider}: no answer", str(error))
    cost = "price unknown" if usage.usd is None else f"{usage.usd:.6f} USD"
    tokens = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    return Check(
        name,
        True,
        f"{agent.model} at {agent.provider} answered in {time.monotonic() - began:.1f} s: "
        f"{tokens} + {usage.output_tokens} tokens, {cost}",
    )


def _call(project: Project, book: Book, provider: Provider, role: AgentRole, output: int) -> Usage:
    """Make the call and return what it used; it is reserved and settled as an agent's is."""
    payment = Payment(
        book=book,
        purse=open_purse(project.settings.budget, book.state, time.monotonic, lambda: None),
        role=role,
        request_id="doctor.1",
        model=provider.model,
        price=provider.price,
        likely=INPUT_TOKENS,
        most=INPUT_TOKENS,
    )
    payment.begin(output)
    request = ModelRequest(
        head=Head(tools=(), system="", context=""),
        memory="",
        ledger=(),
        turn=(Said(SAY),),
        max_output_tokens=output,
        cache_key="doctor",
    )
    deadline = time.monotonic() + SECONDS
    limits = CallLimits(time.monotonic, deadline, SECONDS, lambda: False, payment)
    try:
        reply = provider.complete(request, limits)
    except PipelineError as error:
        payment.broken(error)
        raise
    payment.done(reply.usage)
    return reply.usage
