"""The vendors we know, and how one is set up from settings and environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.agents.messages import Provider
from pipeline.agents.providers.adapter import Manner
from pipeline.agents.providers.anthropic_messages import AnthropicMessages
from pipeline.agents.providers.calling import DEFAULT_RETRIES, Access
from pipeline.agents.providers.capabilities import check_settings, model_of
from pipeline.agents.providers.chat_completions import ChatCompletions, is_openai
from pipeline.agents.providers.openai_responses import OpenAIResponses
from pipeline.agents.providers.retry import RetryPolicy
from pipeline.agents.providers.transport import is_loopback, proxy_for, require_proxy
from pipeline.errors import AuthProblem, PipelineError
from pipeline.settings import AgentRole, AgentSettings
from pipeline.settings import Provider as ProviderName

REHEARSAL_KEY = "rehearsal"
NO_KEY = "none"
"""What a server gets that wants no key: the SDK wants one."""


@dataclass(frozen=True)
class Vendor:
    """What it takes to reach a vendor."""

    make: Callable[[str, Access, Manner], Provider]
    """The adapter for a model; its SDK is imported then."""
    key_variables: tuple[str, ...]
    """The first one that is set holds the key."""
    base_url_variable: str
    base_url: str
    needs_key: Callable[[str], bool]
    """Whether the server at a base URL wants a key."""


PROVIDERS: dict[ProviderName, Vendor] = {
    "anthropic": Vendor(
        make=AnthropicMessages,
        key_variables=("ANTHROPIC_API_KEY",),
        base_url_variable="ANTHROPIC_BASE_URL",
        base_url="https://api.anthropic.com",
        needs_key=lambda base_url: True,
    ),
    "openai": Vendor(
        make=OpenAIResponses,
        key_variables=("OPENAI_API_KEY",),
        base_url_variable="OPENAI_BASE_URL",
        base_url="https://api.openai.com/v1",
        needs_key=lambda base_url: True,
    ),
    "openai-chat": Vendor(
        make=ChatCompletions,
        key_variables=("OPENAI_CHAT_API_KEY", "OPENAI_API_KEY"),
        base_url_variable="OPENAI_BASE_URL",
        base_url="https://api.openai.com/v1",
        needs_key=is_openai,
    ),
}


def make_provider(
    settings: AgentSettings,
    environ: Mapping[str, str],
    *,
    role: AgentRole = "planner",
    rehearsal: bool = False,
    policy: RetryPolicy = DEFAULT_RETRIES,
    diagnose: bool = False,
) -> Provider:
    """Return the provider for a role; its SDK is imported now. Raises what `find_access` does."""
    return PROVIDERS[settings.provider].make(
        model_of(settings, role),
        find_access(settings, environ, role=role, rehearsal=rehearsal),
        Manner(
            effort=settings.effort,
            temperature=settings.temperature,
            policy=policy,
            fallback=settings.fallback_model or None,
            diagnose=diagnose,
        ),
    )


def find_access(
    settings: AgentSettings,
    environ: Mapping[str, str],
    *,
    role: AgentRole = "planner",
    rehearsal: bool = False,
) -> Access:
    """Return how a role's provider is reached; no SDK is imported, which takes a second.

    In a rehearsal the key is a dummy and the base URL has to be on this machine. Raises
    AuthProblem when the vendor's key is not in `environ`, PipelineError for a wrong base URL or
    proxy, a missing model and a setting that the model does not take.
    """
    check_settings(settings, role)
    vendor = PROVIDERS[settings.provider]
    base_url = settings.base_url or environ.get(vendor.base_url_variable) or vendor.base_url
    access = Access(
        key=REHEARSAL_KEY if rehearsal else _key(vendor, base_url, environ, role),
        base_url=base_url,
        environ=environ,
    )
    if not _names_a_server(access.base_url):
        raise PipelineError(
            f"{access.base_url!r} is no base URL for the {role}: write one that begins with https://"
        )
    if rehearsal and not is_loopback(access.base_url):
        raise PipelineError(
            f"a rehearsal talks to this machine only, not to {access.base_url!r}:"
            f" set the {role}'s base_url to the stand-in's address"
        )
    require_proxy(proxy_for(access.base_url, environ))
    return access


def _names_a_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, half an IPv6 address
        return False


def has_key(provider: ProviderName, environ: Mapping[str, str]) -> bool:
    """Tell whether `environ` holds a key for a provider; some servers need none."""
    return bool(_found(PROVIDERS[provider], environ))


def _found(vendor: Vendor, environ: Mapping[str, str]) -> str:
    keys = (environ.get(name, "").strip() for name in vendor.key_variables)
    return next(filter(None, keys), "")


def _key(vendor: Vendor, base_url: str, environ: Mapping[str, str], role: str) -> str:
    key = _found(vendor, environ)
    if key or not vendor.needs_key(base_url):
        return key or NO_KEY
    raise AuthProblem(
        f"no key for the {role}: set {vendor.key_variables[-1]},"
        f" or choose another provider with --{role}-provider"
    )
