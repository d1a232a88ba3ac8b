"""The vendors we know, and how one is set up from settings and environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pipeline.agents.messages import Provider
from pipeline.agents.providers.anthropic_messages import AnthropicMessages
from pipeline.agents.providers.calling import DEFAULT_RETRIES, Access
from pipeline.agents.providers.openai_responses import OpenAIResponses
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.agents.providers.transport import is_loopback
from pipeline.errors import AuthProblem, PipelineError
from pipeline.settings import DEFAULT_MODELS, AgentRole, AgentSettings

REHEARSAL_KEY = "rehearsal"


@dataclass(frozen=True)
class Vendor:
    """What it takes to reach a vendor."""

    make: Callable[[str, Access, str | None, RetryPolicy], Provider]
    """Model, access, effort, retries."""
    key_variable: str
    base_url_variable: str
    base_url: str


PROVIDERS: dict[str, Vendor] = {
    "anthropic": Vendor(
        make=lambda model, access, effort, policy: AnthropicMessages(
            model, access, effort=effort, policy=policy
        ),
        key_variable="ANTHROPIC_API_KEY",
        base_url_variable="ANTHROPIC_BASE_URL",
        base_url="https://api.anthropic.com",
    ),
    "openai": Vendor(
        make=lambda model, access, effort, policy: OpenAIResponses(
            model, access, effort=effort, policy=policy
        ),
        key_variable="OPENAI_API_KEY",
        base_url_variable="OPENAI_BASE_URL",
        base_url="https://api.openai.com/v1",
    ),
}


def known_keys(environ: Mapping[str, str]) -> list[str]:
    """Return the vendors' keys that are set, so that they can be kept out of what is written."""
    names = {vendor.key_variable for vendor in PROVIDERS.values()}
    return [environ[name] for name in sorted(names) if environ.get(name)]


def make_provider(
    settings: AgentSettings,
    environ: Mapping[str, str],
    *,
    role: AgentRole = "planner",
    rehearsal: bool = False,
    retries: int = DEFAULT_RETRIES.retries,
) -> Provider:
    """Return the provider for a role; its SDK is imported now.

    In a rehearsal the key is a dummy and the base URL has to be on this machine. Raises
    AuthProblem when the vendor's key is not in `environ`, PipelineError for a wrong base URL.
    """
    vendor = PROVIDERS[settings.provider]
    access = Access(
        key=REHEARSAL_KEY if rehearsal else _key(vendor, environ, role),
        base_url=settings.base_url or environ.get(vendor.base_url_variable) or vendor.base_url,
        environ=environ,
    )
    parts = urlsplit(access.base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PipelineError(
            f"{access.base_url!r} is no base URL for the {role}: write one that begins with https://"
        )
    if rehearsal and not is_loopback(access.base_url):
        raise PipelineError(
            f"a rehearsal talks to this machine only, not to {access.base_url!r}:"
            f" set the {role}'s base_url to the stand-in's address"
        )
    model = settings.model or DEFAULT_MODELS[settings.provider, role]
    policy = replace(DEFAULT_RETRIES, retries=retries)
    return vendor.make(model, access, settings.effort, policy)


def _key(vendor: Vendor, environ: Mapping[str, str], role: str) -> str:
    key = environ.get(vendor.key_variable, "").strip()
    if not key:
        raise AuthProblem(
            f"no key for the {role}: set {vendor.key_variable},"
            f" or choose another provider with --{role}-provider"
        )
    return key
