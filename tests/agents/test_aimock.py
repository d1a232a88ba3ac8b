"""A sample of the replies against a mock server by others: the npm package `@copilotkit/aimock`.

`make aimock` installs it (Node 20.15 or newer, npm) and runs this file for sure; elsewhere the
tests are skipped when the package is not there, and say so.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.agents.messages import NextStep, Said
from pipeline.errors import NetworkProblem, Overloaded, PipelineError, QuotaReached
from pipeline.settings import Provider
from tests.agents.providers.asking import SUFFIX, adapter, ask, went_on

FOLDER = Path(os.environ.get("AIMOCK", Path(__file__).parents[2] / ".aimock"))
PROGRAM = FOLDER / "node_modules/@copilotkit/aimock/dist/cli.js"
REQUIRED = "AIMOCK" in os.environ
"""Whoever names the folder wants the tests run, not skipped."""

GIVEN = {"path": "a.py", "start_line": None, "end_line": None}
BROKEN = '{"path": "src/'
SLOW = {"message": "Slow down", "type": "rate_limit_error"}
DOWN = {"message": "Down", "type": "server_error"}
LONG = "a long text that is cut in the middle of it all"


def calls(arguments: str) -> dict[str, object]:
    return {"toolCalls": [{"name": "read_file", "arguments": arguments}]}


FIXTURES: list[dict[str, object]] = [
    {"match": {"userMessage": "say it"}, "response": {"content": "I look."}},
    {
        "match": {"userMessage": "call it", "hasToolResult": False},
        "response": calls(json.dumps(GIVEN)),
    },
    {"match": {"userMessage": "call it"}, "response": {"content": "Done."}},
    {"match": {"userMessage": "spoil it"}, "response": calls(BROKEN)},
    {
        "match": {"userMessage": "write it"},
        "response": {"content": json.dumps({"name": "read_file", "arguments": {"path": "a.py"}})},
    },
    {"match": {"userMessage": "cut it"}, "response": {"content": "I", "finishReason": "length"}},
    {"match": {"userMessage": "wonder"}, "response": {"content": "I", "finishReason": "odd"}},
    {"match": {"userMessage": "limit it"}, "response": {"error": SLOW, "status": 429}},
    {"match": {"userMessage": "fail it"}, "response": {"error": DOWN, "status": 500}},
    {
        "match": {"userMessage": "break it"},
        "response": {"content": LONG},
        "truncateAfterChunks": 2,
    },
]


def missing() -> str | None:
    """Return why the mock server cannot run here."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not PROGRAM.is_file():
        return f"{PROGRAM} is not there: make aimock"
    return None


@contextmanager
def running(fixtures: Path) -> Iterator[str]:
    """Run the mock server on a free port; give its URL."""
    words = ["node", str(PROGRAM), "-p", "0", "-f", str(fixtures), "--strict"]
    with subprocess.Popen(
        [*words, "--log-level", "info"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said: list[str] = []
            for line in process.stdout:
                said.append(line)
                if found := re.search(r"listening on (\S+)", line):
                    yield found.group(1)
                    break
            else:
                raise AssertionError("".join(said))
        finally:
            process.kill()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if why := missing():
        if REQUIRED:
            pytest.fail(why)
        pytest.skip(f"NOT TRIED against aimock: {why}")
    fixtures = tmp_path_factory.mktemp("aimock") / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    with running(fixtures) as address:
        yield address


@pytest.mark.parametrize("vendor", SUFFIX)
def test_a_text_stops(url: str, vendor: Provider) -> None:
    with adapter(vendor, url) as provider:
        reply = ask(provider, Said("say it"))
    assert (reply.next_step, reply.text) == (NextStep.STOP, "I look.")


@pytest.mark.parametrize("vendor", SUFFIX)
def test_a_tool_is_called_and_its_result_understood(url: str, vendor: Provider) -> None:
    with adapter(vendor, url) as provider:
        asked = Said("call it")
        reply = ask(provider, asked)
        again = ask(provider, asked, reply, went_on(reply))
    (call,) = reply.tool_calls
    assert (reply.next_step, call.name) == (NextStep.RUN_TOOLS, "read_file")
    assert json.loads(call.arguments) == GIVEN
    assert (again.next_step, again.text) == (NextStep.STOP, "Done.")


@pytest.mark.parametrize("vendor", ["openai", "openai-chat"])
def test_malformed_arguments_arrive_and_the_turn_goes_on(url: str, vendor: Provider) -> None:
    with adapter(vendor, url) as provider:
        reply = ask(provider, Said("spoil it"))
        again = ask(provider, Said("spoil it"), reply, went_on(reply))
    assert [call.arguments for call in reply.tool_calls] == [BROKEN]
    assert again.tool_calls


def test_a_call_written_as_text_is_made(url: str) -> None:
    with adapter("openai-chat", url) as provider:
        (call,) = ask(provider, Said("write it")).tool_calls
    assert (call.name, json.loads(call.arguments)) == ("read_file", GIVEN)


@pytest.mark.parametrize("vendor", ["anthropic", "openai-chat"])
def test_a_cut_off_answer_and_an_unknown_end(url: str, vendor: Provider) -> None:
    with adapter(vendor, url) as provider:
        assert ask(provider, Said("cut it")).next_step is NextStep.TRUNCATED
        assert ask(provider, Said("wonder")).next_step is NextStep.STOP


@pytest.mark.parametrize("vendor", SUFFIX)
@pytest.mark.parametrize(
    ("words", "kind"),
    [("limit it", QuotaReached), ("fail it", Overloaded), ("break it", NetworkProblem)],
)
def test_errors_are_typed(
    url: str, vendor: Provider, words: str, kind: type[PipelineError]
) -> None:
    with adapter(vendor, url) as provider, pytest.raises(kind, match=f"^{vendor}: "):
        ask(provider, Said(words))
