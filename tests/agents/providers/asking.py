"""An adapter asked through its real SDK, whoever the server is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.agents.messages import (
    CallLimits,
    Head,
    ModelRequest,
    Provider,
    Reply,
    Results,
    Said,
    ToolResult,
    TurnItem,
)
from pipeline.agents.providers.registry import make_provider
from pipeline.agents.roles import BY_TEXT
from pipeline.agents.tools.specs import KINDS
from pipeline.settings import AgentSettings
from pipeline.settings import Provider as ProviderName
from tests.agents.providers.policy import tries

SUFFIX: dict[ProviderName, str] = {"anthropic": "", "openai": "/v1", "openai-chat": "/v1"}
"""What follows the server's address in each API's base URL."""
MODELS: dict[ProviderName, str] = {
    "anthropic": "claude-sonnet-5-5",
    "openai": "gpt-6.1-sol",
    "openai-chat": "a-local-model",
}
TOOLS = ("finish_task", "list_files", "read_file", "run_command", "search", "submit_result")


@contextmanager
def adapter(vendor: ProviderName, url: str, *, retries: int = 0) -> Iterator[Provider]:
    """Make the adapter of an API for the server at `url`."""
    settings = AgentSettings(provider=vendor, model=MODELS[vendor], base_url=url + SUFFIX[vendor])
    provider = make_provider(settings, {}, role="executor", rehearsal=True, policy=tries(retries))
    try:
        yield provider
    finally:
        provider.close()


def head_of(*edit_tools: str) -> Head:
    """Return an executor's head."""
    names = sorted((*TOOLS, *(edit_tools or BY_TEXT)))
    return Head(tuple(KINDS[name].spec for name in names), "You work.", "The project.")


def ask(provider: Provider, *turn: TurnItem, head: Head | None = None) -> Reply:
    """Make one call."""
    limits = CallLimits(time.monotonic, time.monotonic() + 30, 30, lambda: False)
    request = ModelRequest(head or head_of(), "", ("a digest",), turn, 20_000, "run-1-executor")
    return provider.complete(request, limits)


def went_on(reply: Reply) -> TurnItem:
    """Return what the pipeline says next: results for the calls, or a reminder."""
    if not reply.tool_calls:
        return Said("Go on.")
    return Results(tuple(ToolResult(call.id, "fine", is_error=False) for call in reply.tool_calls))
