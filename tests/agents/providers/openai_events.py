"""Streams of the Responses API, composed by hand."""

from typing import Any

Event = dict[str, Any]

USAGE = {
    "input_tokens": 240,
    "input_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 30},
    "output_tokens": 40,
    "output_tokens_details": {"reasoning_tokens": 8},
    "total_tokens": 280,
}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "Z2VoZWlt"}


def says(words: str) -> Event:
    part = {"type": "output_text", "text": words, "annotations": []}
    return _message(part)


def declines(words: str) -> Event:
    return _message({"type": "refusal", "refusal": words})


def _message(part: Event) -> Event:
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def function_call(call_id: str, name: str, arguments: str) -> Event:
    return {
        "type": "function_call",
        "id": f"fc_{call_id}",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }


def answered(output: list[Event], status: str = "completed", **more: object) -> list[Event]:
    """Return the events of an answer that holds `output`."""
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "some-model",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "status": "in_progress",
    }
    final = response | {"status": status, "output": output, "usage": USAGE} | more
    deltas = [{"type": "response.output_text.delta", "delta": "He", "item_id": "msg_1"}]
    events = [
        {"type": "response.created", "response": response},
        *deltas,
        {"type": f"response.{status}", "response": final},
    ]
    return [event | {"sequence_number": number} for number, event in enumerate(events)]
