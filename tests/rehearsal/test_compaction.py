"""Both vendors' summaries at the stand-in, asked for with the real SDKs, and what is refused."""

import anthropic
import openai
import pytest

from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.script import CallSpec, ReplySpec, Script
from pipeline.rehearsal.server import StandIn
from pipeline.rehearsal.view import RequestView
from tests.rehearsal.clients import Claude, Gpt, assistant, output_items, outputs, results, said

BETA = ["compact-2026-09-04"]
SUMMARISE = {"type": "summarize"}
LOOKS = CallSpec(name="read_file", arguments={"path": "a.py", "start_line": None})


def script() -> Script:
    def reply(view: RequestView) -> ReplySpec:
        thinking = f"call {view.call}"
        return ReplySpec(thinking=thinking, text=f"call {view.call}", tool_calls=(LOOKS,))

    return Script.from_function(reply)


class Anthropic:
    """A conversation of two calls, and what can be asked with the beta."""

    def __init__(self, server: StandIn) -> None:
        self.server = server
        self.claude = Claude(server)
        first = self.claude.ask([said()])
        second = self.claude.ask([said(), assistant(first), results(first)])
        self.messages = [said(), assistant(first), results(first), assistant(second)]
        self.messages.append(results(second))

    def beta(self, messages: list[dict], **changes: object) -> object:
        body = Claude.body(messages, **changes)
        return self.claude.client.beta.messages.create(**body, betas=BETA)

    def summary(self, **changes: object) -> dict:
        return assistant(self.beta(self.messages, compaction=SUMMARISE, **changes))


def test_a_summary_of_claudes_takes_the_place_of_what_it_sums_up() -> None:
    with StandIn(script()) as server:
        talk = Anthropic(server)
        made = talk.beta(talk.messages, compaction=SUMMARISE)
        assert made.stop_reason == "compaction"
        [block] = made.content
        assert block.type == "compaction"
        assert block.signature
        assert made.usage.input_tokens == made.usage.output_tokens == 0
        [step] = made.usage.iterations
        assert step.type == "compaction"
        assert step.input_tokens + step.cache_read_input_tokens > 100
        assert step.output_tokens > 0

        after = [assistant(made), said("again")]
        third = talk.beta(after)
        texts = [block.text for block in third.content if block.type == "text"]
        assert texts == ["call 2"]
        again = talk.beta([*after, assistant(third), results(third)])
        assert [block.text for block in again.content if block.type == "text"] == ["call 3"]
        talk.claude.close()


def test_what_claude_refuses_of_summaries() -> None:
    with StandIn(script()) as server:
        talk = Anthropic(server)
        summary = talk.summary()
        forged = {"role": "assistant", "content": [summary["content"][0] | {"content": "other"}]}
        empty = {"role": "assistant", "content": [summary["content"][0] | {"content": None}]}
        wrong = {
            "must come first": lambda: talk.beta([*talk.messages, summary, said("go on")]),
            "Invalid `signature`": lambda: talk.beta([forged, said("again")]),
            "at least 1 character": lambda: talk.beta([empty, said("again")]),
            "does not support": lambda: talk.summary(model="claude-haiku-4-5", thinking=None),
            "`stop_sequences`": lambda: talk.summary(stop_sequences=["x"]),
            "`context_management`": lambda: talk.summary(context_management={"edits": []}),
            "Extra inputs": lambda: talk.claude.client.messages.create(
                **Claude.body(talk.messages), extra_body={"compaction": SUMMARISE}
            ),
            "Input tag": lambda: talk.claude.client.messages.create(
                **Claude.body([summary, said("again")])
            ),
            "found without `tool_result`": lambda: talk.beta(
                talk.messages[:-1], compaction=SUMMARISE
            ),
        }
        for words, ask in wrong.items():
            with pytest.raises(anthropic.BadRequestError) as refused:
                ask()
            assert words in str(refused.value)
        talk.claude.close()


def test_a_summary_that_fails_has_no_content() -> None:
    with StandIn(script(), faults=[Fault("truncated", call=2)]) as server:
        talk = Anthropic(server)
        made = talk.beta(talk.messages, compaction=SUMMARISE)
        assert made.stop_reason == "compaction"
        assert made.content[0].content is None
        talk.claude.close()


def test_a_summary_of_gpts_is_what_the_user_said_and_one_opaque_item() -> None:
    with StandIn(script()) as server:
        gpt = Gpt(server)
        first = gpt.ask([said()])
        items = [said(), *output_items(first), *outputs(first)]
        made = gpt.client.responses.compact(model="gpt-6.1-sol", input=items)
        assert made.object == "response.compaction"
        assert [item.type for item in made.output] == ["message", "compaction"]
        assert made.usage.input_tokens > 10
        kept = [item.model_dump(exclude_unset=True, warnings=False) for item in made.output]
        kept[-1].pop("created_by")
        kept[0].pop("id")
        second = gpt.ask([*kept, said("again")])
        assert second.output_text == "call 1"

        kept[-1]["encrypted_content"] = "from elsewhere"
        with pytest.raises(openai.BadRequestError, match="could not be verified"):
            gpt.ask([*kept, said("again")])
        with pytest.raises(openai.BadRequestError, match="No tool output found"):
            gpt.client.responses.compact(model="gpt-6.1-sol", input=items[:-1])
        with pytest.raises(openai.BadRequestError, match="tools"):
            gpt.client.responses.compact(model="gpt-6.1-sol", input=items, extra_body={"tools": []})
        gpt.close()
