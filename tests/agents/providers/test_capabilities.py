"""The table of what models take: complete, obeyed by the adapters, and refused by in one line."""

import re
from pathlib import Path
from typing import get_args

import pytest

from pipeline.agents.providers.anthropic_layout import request_body as anthropic_body
from pipeline.agents.providers.capabilities import (
    CAPABILITIES,
    capabilities,
    check_settings,
)
from pipeline.agents.providers.chat_layout import request_body as chat_body
from pipeline.agents.providers.openai_layout import request_body as openai_body
from pipeline.agents.roles import BY_PATCH, BY_TEXT
from pipeline.errors import PipelineError
from pipeline.settings import DEFAULT_MODELS, AgentSettings, Provider
from tests.agents.providers.vendor import model_request

MODELS = [*((p, m) for (p, _), m in DEFAULT_MODELS.items()), ("openai-chat", "qwen3-coder")]


def test_every_provider_has_rows_and_the_last_one_is_for_every_model() -> None:
    assert set(CAPABILITIES) == set(get_args(Provider))
    for rows in CAPABILITIES.values():
        assert [row.fits_all for row in rows] == [False] * (len(rows) - 1) + [True]
        assert all(re.compile(row.models) for row in rows)


@pytest.mark.parametrize(
    ("provider", "model", "edit_tools", "cache"),
    [
        ("anthropic", "claude-opus-5-5", BY_TEXT, "marks"),
        ("openai", "gpt-6.1-sol", BY_PATCH, "breakpoints"),
        ("openai", "gpt-5.10", BY_PATCH, "breakpoints"),
        ("openai", "gpt-5.6-luna", BY_PATCH, "breakpoints"),
        ("openai", "gpt-5.5-2026-04-23", BY_PATCH, "automatic"),
        ("openai", "gpt-5.1", BY_PATCH, "automatic"),
        ("openai", "gpt-5", BY_TEXT, "automatic"),
        ("openai", "gpt-4.1", BY_TEXT, "automatic"),
        ("openai", "my-deployment", BY_TEXT, "automatic"),
        ("openai-chat", "gpt-6.1-sol", BY_TEXT, "automatic"),
    ],
)
def test_a_models_row(provider: Provider, model: str, edit_tools: object, cache: str) -> None:
    takes = capabilities(provider, model)
    assert (takes.edit_tools, takes.cache) == (edit_tools, cache)


@pytest.mark.parametrize(
    ("provider", "model", "compacts"),
    [
        ("anthropic", "claude-opus-5-5", True),
        ("anthropic", "claude-sonnet-5-5-20260801", True),
        ("anthropic", "claude-haiku-5-5", True),
        ("anthropic", "claude-fable-5", True),
        ("anthropic", "claude-mythos-5-1", True),
        ("anthropic", "claude-opus-4-6", True),
        ("anthropic", "claude-opus-5", True),
        ("anthropic", "claude-opus-5-20260201", True),
        ("anthropic", "claude-sonnet-4-6", True),
        ("anthropic", "claude-haiku-4-5", False),
        ("anthropic", "claude-opus-4-5", False),
        ("anthropic", "claude-haiku-5", False),
        ("anthropic", "claude-opus-6", False),
        ("openai", "gpt-6.1-sol", True),
        ("openai-chat", "qwen3-coder", False),
    ],
)
def test_where_the_vendor_writes_summaries(provider: Provider, model: str, compacts: bool) -> None:
    assert capabilities(provider, model).compacts is compacts


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            AgentSettings(effort="minimal"),
            "planner.effort is 'minimal': 'claude-opus-5-5' at anthropic takes one of low, medium,"
            " high, xhigh, max",
        ),
        (
            AgentSettings(temperature=0),
            "planner.temperature is 0: 'claude-opus-5-5' at anthropic takes no temperature:"
            " remove it",
        ),
        (
            AgentSettings(model="claude-haiku-4-5", temperature=1.5),
            "planner.temperature is 1.5: 'claude-haiku-4-5' at anthropic takes 0 to 1",
        ),
        (
            AgentSettings(provider="openai", temperature=0.2),
            "planner.temperature is 0.2: 'gpt-6.1-sol' at openai takes no temperature: remove it",
        ),
        (
            AgentSettings(provider="openai", model="gpt-4.1", effort="low"),
            "planner.effort is 'low': 'gpt-4.1' at openai takes no effort: remove it",
        ),
    ],
)
def test_a_setting_that_a_model_does_not_take_is_one_line(
    settings: AgentSettings, line: str
) -> None:
    with pytest.raises(PipelineError) as caught:
        check_settings(settings, "planner")
    assert str(caught.value) == line


@pytest.mark.parametrize(("provider", "model"), MODELS)
def test_every_setting_that_the_table_allows_is_taken(provider: Provider, model: str) -> None:
    takes = capabilities(provider, model)
    for effort in takes.efforts:
        check_settings(AgentSettings(provider=provider, model=model, effort=effort), "executor")
    if takes.temperature is not None:
        settings = AgentSettings(provider=provider, model=model, temperature=takes.temperature)
        check_settings(settings, "executor")


def table_rows() -> list[str]:
    """Return the rows of the table in docs/providers.md."""
    rows = []
    for provider, known in CAPABILITIES.items():
        for row in known:
            takes = row.takes
            cells = [
                f"`{provider}`",
                row.shown,
                "yes" if takes.strict_tools else "no",
                ", ".join(f"`{name}`" for name in takes.edit_tools),
                ", ".join(takes.efforts) or "no",
                "no" if takes.temperature is None else f"0 to {takes.temperature:g}",
                takes.cache,
                takes.thinking,
                "the vendor's" if takes.compacts else "ours",
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return rows


def test_the_documented_table_is_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs/providers.md").read_text().splitlines()
    documented = [line for line in page if line.startswith("| `") and line.count("|") == 10]
    assert documented == table_rows()


def test_settings_stand_in_the_requests_where_each_api_has_them() -> None:
    request = model_request()
    assert anthropic_body(request, "claude-opus-4-5", "low", 0.5)["temperature"] == 0.5
    assert openai_body(request, "gpt-4.1", None, 0.5)["temperature"] == 0.5
    body = chat_body(request, "m", "low", 0.5, at_openai=False)
    assert (body["reasoning_effort"], body["temperature"]) == ("low", 0.5)
    assert (body["max_tokens"], "prompt_cache_key" in body) == (9000, False)
    body = chat_body(request, "m", None, None, at_openai=True)
    assert (body["max_completion_tokens"], "max_tokens" in body) == (9000, False)
    assert not any("strict" in tool["function"] for tool in body["tools"])
