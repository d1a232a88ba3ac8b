"""No wait under an SDK outlasts the limits of the call, whatever the server does."""

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from pipeline.agents.messages import Provider
from pipeline.agents.providers.adapter import Manner
from pipeline.agents.providers.anthropic_messages import AnthropicMessages
from pipeline.agents.providers.calling import Access
from pipeline.agents.providers.openai_responses import OpenAIResponses
from pipeline.agents.providers.transport import is_loopback, make_client, proxy_for
from pipeline.agents.providers.watch import Watch
from pipeline.errors import NetworkProblem, PipelineError, Stopped, TurnTimedOut
from tests.agents.providers.anthropic_events import answer_events
from tests.agents.providers.openai_events import answered
from tests.agents.providers.policy import one_try
from tests.agents.providers.vendor import (
    Answer,
    breaks,
    drips,
    hangs,
    limits,
    model_request,
    stalls,
    streams,
    vendor,
)

BEGUN = answer_events()[:3]


@contextmanager
def adapter(kind: str, url: str, environ: dict[str, str] | None = None) -> Iterator[Provider]:
    make = {"anthropic": AnthropicMessages, "openai": OpenAIResponses}[kind]
    provider: Provider = make(
        "some-model", Access("k", url, environ or {}), Manner(policy=one_try())
    )
    try:
        yield provider
    finally:
        provider.close()


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("anthropic", hangs),
        ("anthropic", drips),
        ("anthropic", stalls(BEGUN)),
        ("openai", hangs),
        ("openai", drips),
    ],
)
def test_a_call_ends_at_its_deadline(kind: str, answer: Answer) -> None:
    with vendor(answer) as server, adapter(kind, server.url) as provider:
        begun = monotonic()
        with pytest.raises(TurnTimedOut, match="time is over"):
            provider.complete(model_request(), limits(0.4))
        assert 0.4 <= monotonic() - begun < 1.4


@pytest.mark.parametrize("answer", [hangs, stalls(BEGUN)])
def test_a_call_ends_when_the_vendor_is_silent_for_too_long(answer: Answer) -> None:
    with vendor(answer) as server, adapter("anthropic", server.url) as provider:
        begun = monotonic()
        with pytest.raises(NetworkProblem, match="has sent nothing for"):
            provider.complete(model_request(), limits(20, silence_s=0.4))
        assert monotonic() - begun < 1.4


def test_pings_are_no_silence() -> None:
    with (
        vendor(drips) as server,
        adapter("anthropic", server.url) as provider,
        pytest.raises(TurnTimedOut, match="time is over"),
    ):
        provider.complete(model_request(), limits(0.6, silence_s=0.3))


@pytest.mark.parametrize(("kind", "answer"), [("anthropic", drips), ("openai", hangs)])
def test_a_stop_flag_ends_a_call_within_half_a_second(kind: str, answer: Answer) -> None:
    stop = threading.Event()
    at: list[float] = []

    def raise_the_flag(asked: threading.Event) -> None:
        asked.wait(10)
        at.append(monotonic())
        stop.set()

    with vendor(answer) as server, adapter(kind, server.url) as provider:
        thread = threading.Thread(target=raise_the_flag, args=(server.asked,))
        thread.start()
        with pytest.raises(Stopped):
            provider.complete(model_request(), limits(20, stop=stop.is_set))
        assert monotonic() - at[0] < 0.5
        thread.join()


def test_a_provider_answers_after_a_call_that_ran_out_of_time() -> None:
    answers = (hangs, streams(answer_events()))
    with vendor(*answers) as server, adapter("anthropic", server.url) as provider:
        with pytest.raises(TurnTimedOut):
            provider.complete(model_request(), limits(0.3))
        assert provider.complete(model_request(), limits()).text == "Hello."


@pytest.mark.parametrize("kind", ["anthropic", "openai"])
def test_a_connection_lost_in_the_middle_is_a_network_problem(kind: str) -> None:
    begun = {"anthropic": BEGUN, "openai": answered([])[:1]}[kind]
    with (
        vendor(breaks(begun)) as server,
        adapter(kind, server.url) as provider,
        pytest.raises(NetworkProblem),
    ):
        provider.complete(model_request(), limits())


@pytest.mark.parametrize("kind", ["anthropic", "openai"])
def test_nobody_listening_is_a_network_problem_that_names_the_reason(kind: str) -> None:
    with vendor() as server:
        url = server.url
    with adapter(kind, url) as provider, pytest.raises(NetworkProblem, match="refused"):
        provider.complete(model_request(), limits())


PROXY = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "localhost,.corp.example,10.0.0.0/8"}


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://api.anthropic.com", {}, None),
        ("https://api.anthropic.com", PROXY, "http://proxy:3128"),
        ("https://api.anthropic.com", {"https_proxy": "proxy:1", **PROXY}, "http://proxy:1"),
        ("https://api.anthropic.com", {"ALL_PROXY": "http://all:1"}, "http://all:1"),
        ("https://api.anthropic.com", {**PROXY, "NO_PROXY": "*"}, None),
        ("https://api.anthropic.com", {**PROXY, "no_proxy": "anthropic.com:443"}, None),
        (
            "https://api.anthropic.com",
            {**PROXY, "no_proxy": "anthropic.com:8443"},
            PROXY["HTTPS_PROXY"],
        ),
        ("https://models.corp.example/v1", PROXY, None),
        ("https://notcorp.example/v1", PROXY, "http://proxy:3128"),
        ("https://10.1.2.3/v1", PROXY, None),
        ("http://127.0.0.1:8000", {"HTTP_PROXY": "http://proxy:3128"}, None),
        ("http://model.example", PROXY, None),
    ],
)
def test_the_proxy_comes_from_the_environment(
    url: str, environ: dict[str, str], proxy: str | None
) -> None:
    assert proxy_for(url, environ) == proxy


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:80", True),
        ("http://[::1]:80", True),
        ("http://localhost/v1", True),
        ("http://127.0.0.1.evil.example", False),
        ("https://api.openai.com", False),
    ],
)
def test_loopback_is_told_from_the_world(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_a_call_goes_through_the_proxy_and_keeps_its_deadline() -> None:
    environ: dict[str, str] = {}
    with vendor(streams(answer_events()), hangs) as proxy:
        environ["HTTP_PROXY"] = proxy.url
        with adapter("anthropic", "http://model.example", environ) as provider:
            assert provider.complete(model_request(), limits()).text == "Hello."
            assert proxy.headers[0]["host"] == "model.example"
            with pytest.raises(TurnTimedOut):
                provider.complete(model_request(), limits(0.4))


def test_tls_is_spoken_and_its_handshake_keeps_the_deadline(scratch: Path) -> None:
    certificate, key = scratch / "cert.pem", scratch / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)
    os.environ["SSL_CERT_FILE"] = str(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with vendor(streams(answer_events()), drips) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = server.url.replace("http:", "https:")
        with adapter("anthropic", url) as provider:
            assert provider.complete(model_request(), limits()).text == "Hello."
            with pytest.raises(TurnTimedOut):
                provider.complete(model_request(), limits(0.4))
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,  # accepts, but shakes no hands
        adapter("anthropic", f"https://127.0.0.1:{silent.getsockname()[1]}") as provider,
        pytest.raises(TurnTimedOut),
    ):
        provider.complete(model_request(), limits(0.4))


def test_a_proxy_that_cannot_be_used_is_named() -> None:
    with pytest.raises(PipelineError, match="cannot use a 'ftp://' proxy"):
        make_client("http://model.example", Watch(), {"HTTP_PROXY": "ftp://proxy"})
