"""The vendors' real SDKs, pointed at a stand-in."""

from functools import cached_property

import anthropic
import httpx2
import openai
from anthropic.types import Message
from openai.types.responses import Response

from pipeline.rehearsal.server import StandIn

PATH_SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "start_line": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
    "required": ["path", "start_line"],
    "additionalProperties": False,
}
TOOL_NAMES = ("read_file", "submit_solution")


def anthropic_tools(schema: dict = PATH_SCHEMA) -> list[dict]:
    return [
        {"name": name, "description": name, "strict": True, "input_schema": schema}
        for name in TOOL_NAMES
    ]


def openai_tools(schema: dict = PATH_SCHEMA) -> list[dict]:
    return [
        {
            "type": "function",
            "name": name,
            "description": name,
            "strict": True,
            "parameters": schema,
        }
        for name in TOOL_NAMES
    ]


def said(text: str = "plan it", request_id: str = "ISS-1.1") -> dict:
    return {"role": "user", "content": f"request_id: {request_id}\n{text}"}


class Claude:
    """Anthropic's SDK; `ask` streams one call and returns the whole message."""

    def __init__(self, server: StandIn, **client: object) -> None:
        self._options = {"base_url": server.url, "api_key": "rehearsal", "max_retries": 0, **client}

    @cached_property
    def client(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(**self._options)

    def ask(self, messages: list[dict], **changes: object) -> Message:
        with self.client.messages.stream(**self.body(messages, **changes)) as stream:
            return stream.get_final_message()

    @staticmethod
    def body(messages: list[dict], **changes: object) -> dict:
        whole = {
            "model": "claude-opus-5-5",
            "max_tokens": 4000,
            "system": "You plan.",
            "tools": anthropic_tools(),
            "thinking": {"type": "adaptive"},
            "messages": messages,
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def close(self) -> None:
        if "client" in vars(self):
            self.client.close()


class Gpt:
    """OpenAI's SDK; `ask` streams one call and returns the whole response."""

    def __init__(self, server: StandIn, **client: object) -> None:
        url = server.url + "/v1"
        self._options = {"base_url": url, "api_key": "rehearsal", "max_retries": 0, **client}

    @cached_property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(**self._options)

    def ask(self, items: list[dict], **changes: object) -> Response:
        with self.client.responses.stream(**self.body(items, **changes)) as stream:
            for _ in stream:
                pass
            return stream.get_final_response()

    def raw(self, items: list[dict], **changes: object) -> list:
        """Return the events of a stream as they come, without the SDK's own bookkeeping."""
        return list(self.client.responses.create(**self.body(items, **changes), stream=True))

    @staticmethod
    def body(items: list[dict], **changes: object) -> dict:
        whole = {
            "model": "gpt-6.1-sol",
            "input": items,
            "instructions": "You plan.",
            "tools": openai_tools(),
            "store": False,
            "include": ["reasoning.encrypted_content"],
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def close(self) -> None:
        if "client" in vars(self):
            self.client.close()


def assistant(message: Message) -> dict:
    """Return an answer as it is sent back."""
    return {
        "role": "assistant",
        "content": [block.model_dump(exclude_unset=True) for block in message.content],
    }


def results(message: Message, text: str = "fine") -> dict:
    """Return a result for each tool call of `message`."""
    return {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": block.id, "content": text}
            for block in message.content
            if block.type == "tool_use"
        ],
    }


def output_items(response: Response) -> list[dict]:
    """Return the items of an answer as they are sent back: without what the SDK adds."""
    items = [item.model_dump(exclude_unset=True) for item in response.output]
    for item in items:
        item.pop("parsed_arguments", None)
        for part in item.get("content") or ():
            part.pop("parsed", None)
    return items


def outputs(response: Response, text: str = "fine") -> list[dict]:
    """Return an output for each function call of `response`."""
    return [
        {"type": "function_call_output", "call_id": item.call_id, "output": text}
        for item in response.output
        if item.type == "function_call"
    ]


def post(server: StandIn, path: str, body: object, **headers: str) -> httpx2.Response:
    """Send a body that no SDK would send."""
    usual = {"x-api-key": "k", "authorization": "Bearer k", "anthropic-version": "2026-10-21"}
    return httpx2.post(server.url + path, json=body, headers=usual | headers)
