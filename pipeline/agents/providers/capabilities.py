"""What each provider and model takes: the one table that adapters, roles and settings go by.

The first row of a provider that fits the model's name counts. docs/providers.md shows the table.
"""

import re
from dataclasses import dataclass
from typing import Literal

from pipeline.agents.messages import Lifetimes
from pipeline.agents.roles import BY_PATCH, BY_TEXT
from pipeline.errors import PipelineError
from pipeline.settings import DEFAULT_MODELS, AgentRole, AgentSettings, Effort, Provider

Cache = Literal["marks", "breakpoints", "automatic"]
"""Who says what is cached: marks with a lifetime, breakpoints, or nobody but the server."""

LIFETIMES: dict[Cache, Lifetimes] = {
    "marks": Lifetimes(prefix_s=3600, turn_s=300),
    "breakpoints": Lifetimes(prefix_s=1800, turn_s=1800),
    "automatic": Lifetimes(prefix_s=300, turn_s=300),
}
"""What the layouts ask for, and the shortest that vendors name where nothing can be asked for."""

Thinking = Literal["adaptive", "fixed", "encrypted", "none", "as received"]
"""How a model's thinking is carried within a turn.

    adaptive      asked for; its signed blocks go back unchanged
    fixed         not asked for (models from before adaptive thinking)
    encrypted     reasoning items go back unchanged
    none          the model does not reason
    as received   reasoning fields that came with a tool call go back under the name they had
"""


@dataclass(frozen=True)
class Capabilities:
    """What a model takes at its provider."""

    strict_tools: bool
    """Whether the vendor holds tool arguments to their schema; else they are repaired here."""
    edit_tools: tuple[str, ...]
    """How the executor changes files."""
    efforts: tuple[Effort, ...]
    """Values that the `effort` setting may have; empty: it takes none."""
    temperature: float | None
    """Highest `temperature` from 0; None: it takes none."""
    cache: Cache
    thinking: Thinking
    compacts: bool = False
    """Whether the vendor writes summaries of a conversation when it is asked to."""


@dataclass(frozen=True)
class Row:
    """The models whose name begins like `models` (a regular expression), and what they take."""

    models: str
    shown: str
    """The same in words, for docs/providers.md."""
    takes: Capabilities

    @property
    def fits_all(self) -> bool:
        """Tell whether the row is for every model."""
        return self.models == ""


_CLAUDE_EFFORTS: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")
_GPT_EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

CAPABILITIES: dict[Provider, tuple[Row, ...]] = {
    "anthropic": (
        Row(
            r"claude-(?:haiku|sonnet)-4-5",
            "Claude Haiku 4.5, Sonnet 4.5",
            Capabilities(True, BY_TEXT, (), 1.0, "marks", "fixed"),
        ),
        Row(
            r"claude-opus-4-5",
            "Claude Opus 4.5",
            Capabilities(True, BY_TEXT, ("low", "medium", "high"), 1.0, "marks", "fixed"),
        ),
        Row(
            r"claude-(?:(?:opus|sonnet|haiku)-5-5|(?:fable|mythos)-5(?:-1)?"
            r"|opus-(?:4-[6-9]|5)|sonnet-(?:4-6|5))(?!-?\d(?!\d))",
            "Claude 5.5; Fable and Mythos 5 and 5.1; Opus 4.6 to 5; Sonnet 4.6 and 5",
            Capabilities(True, BY_TEXT, _CLAUDE_EFFORTS, None, "marks", "adaptive", compacts=True),
        ),
        Row(
            "",
            "all others",
            Capabilities(True, BY_TEXT, _CLAUDE_EFFORTS, None, "marks", "adaptive"),
        ),
    ),
    "openai": (
        Row(
            r"gpt-(?:5\.[6-9]|5\.\d\d|[6-9]|\d\d)(?![\d])",
            "GPT-5.6 and newer",
            Capabilities(
                True, BY_PATCH, _GPT_EFFORTS, None, "breakpoints", "encrypted", compacts=True
            ),
        ),
        Row(
            r"gpt-5\.[1-5](?!\d)",
            "GPT-5.1 to GPT-5.5",
            Capabilities(
                True, BY_PATCH, _GPT_EFFORTS, None, "automatic", "encrypted", compacts=True
            ),
        ),
        Row(
            r"gpt-3\.5|gpt-4|chatgpt-4o",
            "GPT-4 and older",
            Capabilities(True, BY_TEXT, (), 2.0, "automatic", "none", compacts=True),
        ),
        Row(
            "",
            "all others",
            Capabilities(
                True, BY_TEXT, _GPT_EFFORTS, None, "automatic", "encrypted", compacts=True
            ),
        ),
    ),
    "openai-chat": (
        Row("", "all", Capabilities(False, BY_TEXT, _GPT_EFFORTS, 2.0, "automatic", "as received")),
    ),
}
"""What is known of each provider's models; the last row of each is for all others."""


def capabilities(provider: Provider, model: str) -> Capabilities:
    """Return what `model` takes at `provider`."""
    return next(row.takes for row in CAPABILITIES[provider] if re.match(row.models, model))


def model_of(settings: AgentSettings, role: AgentRole) -> str:
    """Return the model of a role; raises PipelineError where the provider has no default."""
    model = settings.model or DEFAULT_MODELS.get((settings.provider, role), "")
    if not model:
        raise PipelineError(
            f"no model for the {role}: {settings.provider} has no default, set {role}.model"
            f" to a name that your server knows, or give --{role}-model"
        )
    return model


def check_settings(settings: AgentSettings, role: AgentRole) -> Capabilities:
    """Return what the role's model takes; raises PipelineError for a setting that it does not.

    The fallback model has to take the same, and to change files with the same tools: a
    conversation's head stays as it is, whoever answers.
    """
    model, other = model_of(settings, role), settings.fallback_model
    takes = _check_model(settings, role, model)
    if other:
        key = f"{role}.fallback_model is {other!r}"
        if other == model:
            raise PipelineError(f"{key}: that is {role}.model itself; name another or remove it")
        if _check_model(settings, role, other).edit_tools != takes.edit_tools:
            raise PipelineError(
                f"{key}: it changes files with other tools than {model!r}: name one of its kind"
            )
    return takes


def _check_model(settings: AgentSettings, role: AgentRole, model: str) -> Capabilities:
    takes = capabilities(settings.provider, model)
    who = f"{model!r} at {settings.provider}"
    if settings.effort is not None and settings.effort not in takes.efforts:
        allowed = f"one of {', '.join(takes.efforts)}" if takes.efforts else "no effort: remove it"
        raise PipelineError(f"{role}.effort is {settings.effort!r}: {who} takes {allowed}")
    if settings.temperature is not None and settings.temperature > (takes.temperature or -1):
        allowed = (
            "no temperature: remove it"
            if takes.temperature is None
            else f"0 to {takes.temperature:g}"
        )
        raise PipelineError(
            f"{role}.temperature is {settings.temperature:g}: {who} takes {allowed}"
        )
    return takes


def edit_tools_of(settings: AgentSettings, role: AgentRole) -> tuple[str, ...]:
    """Return the tools with which the role's model changes files."""
    return capabilities(settings.provider, model_of(settings, role)).edit_tools
