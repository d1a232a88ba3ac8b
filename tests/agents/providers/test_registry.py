"""A provider is set up from settings and environment; nothing else is asked, and late."""

import re
import subprocess
import sys
from typing import get_args

import pytest

from pipeline.agents.messages import Provider
from pipeline.agents.providers.chat_completions import ChatCompletions
from pipeline.agents.providers.registry import PROVIDERS, has_key, make_provider
from pipeline.errors import AuthProblem, PipelineError
from pipeline.settings import DEFAULT_MODELS, AgentSettings
from pipeline.settings import Provider as ProviderName
from tests.agents.providers.anthropic_events import answer_events
from tests.agents.providers.openai_events import answered, says
from tests.agents.providers.vendor import limits, model_request, streams, vendor

CHUNK = {"choices": [{"index": 0, "delta": {"content": "Hello."}, "finish_reason": "stop"}]}
EVENTS = {
    "anthropic": answer_events(),
    "openai": answered([says("Hello.")]),
    "openai-chat": [{"type": "chunk", **CHUNK}],
}
OPENAI = "https://api.openai.com/v1"
LOCAL = "http://127.0.0.1:11434/v1"
KEYS = {"ANTHROPIC_API_KEY": "a-key", "OPENAI_API_KEY": "o-key"}


def test_every_provider_that_can_be_set_exists() -> None:
    assert set(PROVIDERS) == set(get_args(ProviderName))


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_the_key_comes_from_the_vendors_own_variable(name: ProviderName) -> None:
    with vendor(streams(EVENTS[name])) as server:
        settings = AgentSettings(provider=name, model="some-model", base_url=server.url)
        provider: Provider = make_provider(settings, KEYS)
        assert provider.complete(model_request(), limits()).text == "Hello."
        provider.close()
    assert server.headers[0]["authorization"] == f"Bearer {name[0]}-key"
    assert server.requests[0]["model"] == provider.model == "some-model"
    assert provider.name == name


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_missing_key_is_one_line_that_says_what_to_do(name: ProviderName) -> None:
    with pytest.raises(AuthProblem) as caught:
        make_provider(AgentSettings(provider=name, model="m"), {}, role="executor")
    assert str(caught.value) == (
        f"no key for the executor: set {name.removesuffix('-chat').upper()}_API_KEY,"
        " or choose another provider with --executor-provider"
    )


@pytest.mark.parametrize(
    ("base_url", "environ", "key"),
    [
        (LOCAL, {}, "none"),
        (LOCAL, KEYS, "o-key"),
        (LOCAL, KEYS | {"OPENAI_CHAT_API_KEY": "c-key"}, "c-key"),
        (OPENAI, KEYS, "o-key"),
    ],
)
def test_a_server_that_is_not_openais_may_want_no_key(
    base_url: str, environ: dict[str, str], key: str
) -> None:
    settings = AgentSettings(provider="openai-chat", model="m", base_url=base_url)
    provider = make_provider(settings, environ)
    assert isinstance(provider, ChatCompletions)
    assert provider._sdk.client.api_key == key
    assert has_key("openai-chat", environ) is (key != "none")
    provider.close()


def test_a_chat_server_has_no_default_model() -> None:
    settings = AgentSettings(provider="openai-chat", base_url=LOCAL)
    with pytest.raises(PipelineError) as caught:
        make_provider(settings, {}, role="executor")
    assert str(caught.value) == (
        "no model for the executor: openai-chat has no default, set executor.model to a name that"
        " your server knows, or give --executor-model"
    )


def test_the_environment_names_a_base_url_where_the_settings_do_not() -> None:
    with vendor(streams(EVENTS["anthropic"])) as server:
        provider = make_provider(AgentSettings(), {**KEYS, "ANTHROPIC_BASE_URL": server.url})
        provider.complete(model_request(), limits())
        provider.close()
    assert server.requests[0]["model"] == DEFAULT_MODELS["anthropic", "planner"]


def test_a_rehearsal_needs_no_key_and_sends_none() -> None:
    with vendor(streams(EVENTS["openai"])) as server:
        settings = AgentSettings(provider="openai", base_url=f"{server.url}/v1")
        provider = make_provider(settings, KEYS, role="executor", rehearsal=True)
        provider.complete(model_request(), limits())
        provider.close()
    assert server.headers[0]["authorization"] == "Bearer rehearsal"


@pytest.mark.parametrize("base_url", [None, "https://models.example/v1"])
def test_a_rehearsal_never_leaves_this_machine(base_url: str | None) -> None:
    with pytest.raises(PipelineError, match="a rehearsal talks to this machine only"):
        make_provider(AgentSettings(base_url=base_url), KEYS, rehearsal=True)


@pytest.mark.parametrize(
    "base_url",
    [
        *("api.anthropic.com", "ftp://models.example", "http://"),
        *("http://127.0.0.1:99999", "http://127.0.0.1:x", "http://[::1"),
    ],
)
def test_a_base_url_that_is_none_is_named(base_url: str) -> None:
    with pytest.raises(PipelineError, match=re.escape(f"{base_url!r} is no base URL for the plan")):
        make_provider(AgentSettings(base_url=base_url), KEYS)


def test_the_default_models_are_in_the_lists_of_the_sdks() -> None:
    from anthropic.types import Model
    from openai.types import ChatModel

    listed = {"anthropic": set(get_args(get_args(Model)[0])), "openai": set(get_args(ChatModel))}
    assert {name for name, _ in DEFAULT_MODELS} == set(PROVIDERS) - {"openai-chat"}
    for (name, _), model in DEFAULT_MODELS.items():
        assert model in listed[name]


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_key_is_in_no_text_of_a_provider(name: ProviderName) -> None:
    provider = make_provider(AgentSettings(provider=name, model="m"), KEYS)
    assert KEYS[f"{name.removesuffix('-chat').upper()}_API_KEY"] not in repr(provider) + repr(
        vars(provider)
    )
    provider.close()


def test_saying_how_a_provider_is_reached_imports_no_sdk() -> None:
    script = (
        "import sys; from pipeline.agents.providers.registry import find_access;"
        "from pipeline.settings import AgentSettings;"
        "access = find_access(AgentSettings(), {'ANTHROPIC_API_KEY': 'a'});"
        "assert access.key == 'a';"
        "sys.exit(sorted({'anthropic', 'openai', 'httpx2', 'httpcore2', 'genai_prices'}"
        " & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
